#pragma once

#include "mentor/eval/dataset.h"

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mentor {

// What a judge said, kept for good: JSON lines that are only ever appended.

/// CP: is it the subject of the reference? PF: is it what the prompt asks for?
enum class RatingTask { kCp, kPf };
[[nodiscard]] std::string_view task_name(RatingTask task);  // "cp", "pf"
[[nodiscard]] RatingTask parse_rating_task(std::string_view name);

enum class RatingStatus {
  kOk,
  kParseError,  // an answer, but no score in it
  kRefused,     // the judge declined
  kHttpError,   // no answer
  kMissing,     // nothing to rate, or a rating whose pictures were replaced
};
[[nodiscard]] std::string_view status_name(RatingStatus status);  // "ok", "parse_error", ...
/// Whether the judge said something. An attempt without an answer, such as one at a wrong address,
/// binds nobody to the judge that it names.
[[nodiscard]] bool is_answered(RatingStatus status);

/// What is rated: a picture, for one task, in one complete run of the judge (0, 1, ...).
struct RatingKey {
  RatingTask task = RatingTask::kCp;
  int64_t run = 0;
  ItemKey item;
  friend auto operator<=>(const RatingKey&, const RatingKey&) = default;
};

/// Who rates, equal for all attempts of one store.
struct JudgeIdentity {
  std::string model;       // "gpt-4o-2024-05-13"
  std::string host;        // "api.openai.com"; "" without a network
  std::string parameters;  // JSON: temperature, size of pictures, ... whatever changes answers
  std::string rubric;      // "official", or "own rubric: not comparable"

  /// Where a model answers changes nothing of what it says: the host does not count.
  friend bool operator==(const JudgeIdentity& a, const JudgeIdentity& b) {
    return a.model == b.model && a.parameters == b.parameters && a.rubric == b.rubric;
  }
};

/// One attempt at a rating.
struct Attempt {
  RatingKey key;
  RatingStatus status = RatingStatus::kOk;
  std::optional<int64_t> score;  // 0-4 with kOk
  std::string answer;            // as it came; with kHttpError: a page that is no answer
  std::string parser;            // "strict" or "lenient", where an answer was read
  std::string error;             // why there is no score
  JudgeIdentity judge;
  std::string prompt_sha256, reference_sha256, generated_sha256;
  std::string content_key;  // SHA-256 of all that the answer depends on
  std::string response_id, system_fingerprint;
  int64_t seed = 0;
  int64_t input_tokens = 0, output_tokens = 0;
  double cost = 0;     // in the currency of the prices
  double seconds = 0;  // from the question to the answer
  std::string time;    // UTC, "2026-01-31T12:00:00Z"
};

/// The last attempt at each rating: that one counts.
using Ratings = std::map<RatingKey, Attempt>;

/// All attempts of a file in their order, without a last line that a crash cut. DataError with
/// file:line for anything else that is no attempt; none for a file that does not exist.
[[nodiscard]] std::vector<Attempt> read_attempts(const fs::path& file);
[[nodiscard]] Ratings last_attempts(const std::vector<Attempt>& attempts);
/// The last attempt that got an answer; null: none did.
[[nodiscard]] const Attempt* last_answer(const std::vector<Attempt>& attempts);

/// The last answer to each question that was read, with or without a score, by its content key: a
/// picture that comes back finds what was said of it. Points into `attempts`.
using StoredAnswers = std::map<std::pair<RatingKey, std::string>, const Attempt*>;
[[nodiscard]] StoredAnswers stored_answers(const std::vector<Attempt>& attempts);

/// Where `mentor evaluate judge` keeps its attempts.
[[nodiscard]] fs::path ratings_file(const fs::path& out_folder);

/// Appends to a file of attempts. An attempt is one write, so a killed process loses none that
/// append() returned for; a power cut loses at most the last second.
class RatingStore {
 public:
  /// Creates the file; cuts off half a line. UserError when it cannot be written, when another
  /// process writes it, and DataError when it is damaged.
  explicit RatingStore(const fs::path& file);
  ~RatingStore();
  RatingStore(const RatingStore&) = delete;
  RatingStore& operator=(const RatingStore&) = delete;

  /// Everything that was in the file when it was opened.
  [[nodiscard]] const std::vector<Attempt>& attempts() const;
  void append(const Attempt& attempt);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mentor
