#include "mentor/eval/question.h"

#include "mentor/core/format.h"
#include "mentor/core/sha256.h"

#include <algorithm>
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

std::string content_key_of(const JudgeIdentity& judge, const Question& question) {
  const RatingKey& key = question.key;
  return hash_of({judge.model, judge.parameters, task_name(key.task), format("{}", key.run),
                  question.prompt_sha256, question.reference_sha256, question.generated_sha256,
                  key.task == RatingTask::kPf ? question.caption : ""});
}

std::vector<RatingTask> chosen_tasks(const EvaluateConfig& config) {
  std::vector<RatingTask> tasks;
  for (const std::string& name : config.tasks) {
    const RatingTask task = parse_rating_task(name);
    if (std::ranges::find(tasks, task) == tasks.end()) tasks.push_back(task);
  }
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
      question.content_key = content_key_of(judge, question);
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
