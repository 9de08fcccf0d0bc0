#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/eval/judge.h"
#include "mentor/eval/score_parser.h"
#include "mentor/eval/similarity.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace mentor {
namespace {

/// How the ratings of one task are made.
struct Scale {
  Metric metric;
  std::vector<double> thresholds;  // from which on a picture gets 1, 2, 3, 4
  Checkpoint checkpoint;

  [[nodiscard]] int64_t score(double value) const {
    return std::ranges::count_if(thresholds, [value](double from) { return value >= from; });
  }
  [[nodiscard]] std::string string() const {
    return format("{} of {}", name_of(metric), checkpoint.name);
  }
  [[nodiscard]] nlohmann::ordered_json json() const {
    return {{"metric", key_of(metric)}, {"thresholds", thresholds}, {"sha256", checkpoint.sha256}};
  }
};

/// Reads ratings off likeness that was measured before.
class SimilarityJudge : public Judge {
 public:
  SimilarityJudge(const EvaluateConfig& config, const std::vector<SampleFiles>& items);

  [[nodiscard]] const JudgeIdentity& identity() const override { return identity_; }
  void rate(const std::vector<Question>& questions, const Recorder& record) override;

 private:
  [[nodiscard]] Metric metric_for_cp() const;
  [[nodiscard]] Scale scale_of(RatingTask task) const;
  /// Of this very picture; null: it was not measured, or replaced since.
  [[nodiscard]] const Measurement* find(const Question& question) const;
  void require_all(const std::vector<Question>& questions) const;

  JudgeConfig config_;
  fs::path file_;
  Similarities similarities_;
  std::map<RatingTask, Scale> scales_;
  JudgeIdentity identity_;
};

std::vector<double> checked(const std::vector<double>& thresholds, const char* key) {
  constexpr size_t kScores = 4;
  if (thresholds.size() == kScores &&
      std::ranges::adjacent_find(thresholds, std::greater_equal<>()) == thresholds.end()) {
    return thresholds;
  }
  throw ConfigError(
      format("evaluate.judge.similarity.{}: needs four ascending values, from which on a picture "
             "gets 1, 2, 3 and 4",
             key));
}

SimilarityJudge::SimilarityJudge(const EvaluateConfig& config,
                                 const std::vector<SampleFiles>& items)
    : config_(config.judge),
      file_(similarity_file(config.out)),
      similarities_(similarities_of(read_similarities(file_), items)) {
  if (similarities_.empty()) {
    throw DataError(
        format("{}: no similarities yet: 'mentor evaluate embed' measures them", file_));
  }
  nlohmann::ordered_json parameters;
  identity_ = {.model = "similarity", .rubric = "similarity: not comparable"};
  for (const RatingTask task : chosen_tasks(config)) {
    const auto scale = scales_.emplace(task, scale_of(task)).first;
    parameters[std::string(task_name(task))] = scale->second.json();
    identity_.model += format("{} {}", scales_.size() > 1 ? "," : ":", scale->second.string());
  }
  identity_.parameters = parameters.dump();
}

Metric SimilarityJudge::metric_for_cp() const {
  for (const Metric metric : kMetrics) {
    if (config_.similarity.cp_metric == key_of(metric)) return metric;
  }
  return copy_metric(similarities_).value_or(Metric::kDino);
}

Scale SimilarityJudge::scale_of(RatingTask task) const {
  const SimilarityJudgeConfig& settings = config_.similarity;
  const Metric metric = task == RatingTask::kPf ? Metric::kClipT : metric_for_cp();
  const auto checkpoint = checkpoints_of(similarities_, file_).at(static_cast<size_t>(metric));
  if (!checkpoint) {
    throw DataError(
        format("{}: has no {}, which {} is made of: set evaluate.embed.{} and run 'mentor evaluate "
               "embed' again, or take the task out of evaluate.tasks",
               file_, name_of(metric), task == RatingTask::kCp ? "CP" : "PF",
               metric == Metric::kClipI || metric == Metric::kClipT ? "clip" : key_of(metric)));
  }
  switch (metric) {
    case Metric::kClipT:
      return {metric, checked(settings.clip_t, "clip_t"), *checkpoint};
    case Metric::kClipI:
      return {metric, checked(settings.clip_i, "clip_i"), *checkpoint};
    default:
      return {metric, checked(settings.dino, "dino"), *checkpoint};
  }
}

const Measurement* SimilarityJudge::find(const Question& question) const {
  const auto found = similarities_.find(question.key.item);
  if (found == similarities_.end()) return nullptr;
  const Similarity& similarity = found->second;
  const bool same = similarity.generated_sha256 == question.generated_sha256 &&
                    (question.key.task == RatingTask::kCp
                         ? similarity.reference_sha256 == question.reference_sha256
                         : similarity.caption == question.caption);
  const auto& measured = similarity.of(scales_.at(question.key.task).metric);
  return same && measured ? &*measured : nullptr;
}

void SimilarityJudge::require_all(const std::vector<Question>& questions) const {
  const auto lacking = std::ranges::count_if(
      questions, [this](const Question& question) { return find(question) == nullptr; });
  if (lacking == 0) return;
  throw DataError(
      format("{}: {} of {} ratings have no similarity of their pictures as they are now: run "
             "'mentor evaluate embed' first",
             file_, lacking, questions.size()));
}

void SimilarityJudge::rate(const std::vector<Question>& questions, const Recorder& record) {
  require_all(questions);
  const std::string rule = parser_rule(config_, identity_);
  for (const Question& question : questions) {
    if (interrupted()) return;
    const Scale& scale = scales_.at(question.key.task);
    const double value = find(question)->value;
    Attempt attempt = question.attempt(identity_);
    attempt.answer =
        format("{} {:.2f}\nScore: {}", name_of(scale.metric), value, scale.score(value));
    apply_parser(attempt, rule);
    record(attempt, /*last=*/true);
  }
}

}  // namespace

std::unique_ptr<Judge> make_similarity_judge(const EvaluateConfig& config,
                                             const std::vector<SampleFiles>& items) {
  return std::make_unique<SimilarityJudge>(config, items);
}

}  // namespace mentor
