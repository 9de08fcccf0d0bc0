#include "mentor/eval/judge.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/eval/score_parser.h"

#include <string_view>

namespace mentor {
namespace {

/// Reads stored answers instead of asking.
class ReplayJudge : public Judge {
 public:
  explicit ReplayJudge(const JudgeConfig& config)
      : config_(config),
        attempts_(read_attempts(config.replay)),
        answers_(stored_answers(attempts_)),
        last_(last_attempts(attempts_)) {
    if (config.replay.empty()) {
      throw ConfigError("evaluate.judge.replay: is not set: name the ratings.jsonl to replay");
    }
    if (attempts_.empty()) throw DataError(format("{}: holds no ratings", config.replay));
  }

  [[nodiscard]] const JudgeIdentity& identity() const override {
    const Attempt* last = last_answer(attempts_);
    return last != nullptr ? last->judge : attempts_.back().judge;
  }

  void rate(const std::vector<Question>& questions, const Recorder& record) override {
    const std::string rule = parser_rule(config_, identity());
    for (const Question& question : questions) {
      if (interrupted()) return;
      Attempt attempt = question.attempt(identity());
      const auto found = answers_.find({question.key, question.content_key});
      if (found == answers_.end() || found->second->answer.empty()) {
        attempt.status = RatingStatus::kMissing;
        attempt.error = format("{}: {}", config_.replay, why_missing(question));
      } else {
        attempt.answer = found->second->answer;
        apply_parser(attempt, rule);
      }
      record(attempt, /*last=*/true);
    }
  }

 private:
  /// Why there is no answer to the very question.
  [[nodiscard]] std::string_view why_missing(const Question& question) const {
    const auto found = last_.find(question.key);
    if (found == last_.end() || found->second.content_key == question.content_key) {
      return "holds no answer";
    }
    const Attempt& stored = found->second;
    if (stored.generated_sha256 != question.generated_sha256 ||
        stored.reference_sha256 != question.reference_sha256) {
      return "the stored answer is about another picture";
    }
    if (stored.prompt_sha256 != question.prompt_sha256) {
      return "the stored answer follows another rubric: see evaluate.judge.prompts";
    }
    return "the stored answer is about another caption or by other settings";
  }

  JudgeConfig config_;
  std::vector<Attempt> attempts_;
  StoredAnswers answers_;
  Ratings last_;
};

}  // namespace

std::unique_ptr<Judge> make_replay_judge(const JudgeConfig& config) {
  return std::make_unique<ReplayJudge>(config);
}

std::string parser_rule(const JudgeConfig& config, const JudgeIdentity& judge) {
  if (config.parser != "auto") return config.parser;
  const bool published = judge.model.starts_with("gpt-4o") && judge.rubric == kOfficialRubric;
  return published ? "strict" : "lenient";
}

}  // namespace mentor
