#include "mentor/eval/judge.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/sha256.h"
#include "mentor/eval/score_parser.h"

#include <ctime>
#include <initializer_list>
#include <string_view>

namespace mentor {
namespace {

/// A hash of several texts that tells where each ends.
std::string hash_of(std::initializer_list<std::string_view> fields) {
  std::string joined;
  for (const std::string_view field : fields) {
    joined += format("{}:", field.size());
    joined += field;
  }
  return sha256_hex(joined);
}

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

  [[nodiscard]] const JudgeIdentity& identity() const override { return attempts_.back().judge; }

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

Attempt Question::attempt(const JudgeIdentity& judge) const {
  return {.key = key,
          .judge = judge,
          .prompt_sha256 = prompt_sha256,
          .reference_sha256 = reference_sha256,
          .generated_sha256 = generated_sha256,
          .content_key = content_key,
          .time = utc_time()};
}

std::unique_ptr<Judge> make_replay_judge(const JudgeConfig& config) {
  return std::make_unique<ReplayJudge>(config);
}

std::string parser_rule(const JudgeConfig& config, const JudgeIdentity& judge) {
  if (config.parser != "auto") return config.parser;
  const bool published = judge.model.starts_with("gpt-4o") && judge.rubric == kOfficialRubric;
  return published ? "strict" : "lenient";
}

std::vector<RatingTask> chosen_tasks(const EvaluateConfig& config) {
  std::vector<RatingTask> tasks;
  for (const std::string& name : config.tasks) tasks.push_back(parse_rating_task(name));
  return tasks;
}

std::vector<Question> wanted_ratings(const EvaluateConfig& config,
                                     const std::vector<SampleFiles>& items, const Rubric& rubric,
                                     const JudgeIdentity& judge) {
  std::vector<Question> first_run;
  for (const SampleFiles& item : items) {
    if (!item.complete()) continue;
    const std::string reference = sha256_hex(read_text(item.reference));
    const std::string generated = sha256_hex(read_text(item.generated));
    for (const RatingTask task : chosen_tasks(config)) {
      first_run.push_back({.key = {.task = task, .item = item.key},
                           .reference = item.reference,
                           .generated = item.generated,
                           .caption = item.caption,
                           .prompt_sha256 = rubric.of(task, item.key.subject.category).sha256,
                           .reference_sha256 = task == RatingTask::kCp ? reference : "",
                           .generated_sha256 = generated});
    }
  }
  std::vector<Question> questions;
  for (int64_t run = 0; run < config.judge.runs; ++run) {
    for (Question question : first_run) {
      question.key.run = run;
      question.content_key =
          hash_of({judge.model, judge.parameters, task_name(question.key.task), format("{}", run),
                   question.prompt_sha256, question.reference_sha256, question.generated_sha256,
                   question.key.task == RatingTask::kPf ? question.caption : ""});
      questions.push_back(std::move(question));
    }
  }
  return questions;
}

std::string utc_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace mentor
