#pragma once

#include "mentor/eval/evaluate_config.h"
#include "mentor/eval/question.h"
#include "mentor/eval/rubric.h"
#include "mentor/eval/samples.h"
#include "mentor/eval/store.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mentor {

/// Something that rates pictures.
class Judge {
 public:
  virtual ~Judge() = default;
  [[nodiscard]] virtual const JudgeIdentity& identity() const = 0;

  /// What to do with an attempt; `last`: no other will be made at this rating now.
  using Recorder = std::function<void(const Attempt& attempt, bool last)>;
  /// Rates in any order and hands over each attempt as soon as it is known, on this thread.
  /// UserError when going on makes no sense: wrong key, no server, nothing left to spend. Ends
  /// early, with answers under way taken in, when the process was interrupted.
  virtual void rate(const std::vector<Question>& questions, const Recorder& record) = 0;
};

/// A chat server; `spent` is what the attempts so far have cost. ConfigError for settings that
/// cannot work.
[[nodiscard]] std::unique_ptr<Judge> make_chat_judge(const JudgeConfig& config,
                                                     const Rubric& rubric, double spent);
/// The answers in the file of another run, read again, where they are about the same pictures.
[[nodiscard]] std::unique_ptr<Judge> make_replay_judge(const JudgeConfig& config);

/// Reads pictures of the toy world and compares them with the reference and the prompt: exact, the
/// same always, without a server. CP and PF are the shares of toy/score.h times 4, rounded, so that
/// a third is 1 and two thirds are 3. It throws a DataError naming the file for a prompt that is
/// none of the toy world's, and for a reference in which no object is seen.
[[nodiscard]] std::unique_ptr<Judge> make_oracle_judge();
[[nodiscard]] JudgeIdentity oracle_identity();

/// Ratings of `items` by thresholds on what `mentor evaluate embed` measured of them; no network.
/// DataError naming the file when that lacks a metric or a picture.
[[nodiscard]] std::unique_ptr<Judge> make_similarity_judge(const EvaluateConfig& config,
                                                           const std::vector<SampleFiles>& items);

/// The rule that reads the answers: "strict" or "lenient".
[[nodiscard]] std::string parser_rule(const JudgeConfig& config, const JudgeIdentity& judge);

}  // namespace mentor
