#include "mentor/eval/evaluation.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/agreement.h"
#include "mentor/eval/input.h"
#include "mentor/eval/rubric.h"

#include <algorithm>
#include <utility>

namespace mentor {
namespace {

constexpr std::string_view kOfficialModel = "gpt-4o-2024-05-13";

std::map<std::string, Ratings> read_people(const fs::path& out) {
  std::map<std::string, Ratings> people;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(people_file(out, "x").parent_path(), none)) {
    if (entry.path().extension() != ".jsonl") continue;
    people[entry.path().stem().string()] = last_attempts(read_attempts(entry.path()));
  }
  return people;
}

std::string name_of_samples(const EvaluateConfig& config) {
  if (!config.report.method.empty()) return config.report.method;
  const fs::path folder = config.samples.empty() ? config.out : config.samples;
  return fs::weakly_canonical(folder).filename().string();
}

Ratings read_ratings(const fs::path& out) {
  return last_attempts(read_attempts(ratings_file(out)));
}

[[noreturn]] void fail_without_ratings(const fs::path& out) {
  throw DataError(
      format("{}: no ratings yet: 'mentor evaluate judge' makes them, 'mentor evaluate import' "
             "reads those of others; 'mentor evaluate embed' measures likeness without a judge",
             ratings_file(out)));
}

/// Of the data set's chosen subjects and the samples that are looked at.
Similarities similarities_of(const fs::path& out, const Evaluation& evaluation) {
  Similarities similarities = read_similarities(similarity_file(out));
  std::erase_if(similarities, [&](const auto& entry) {
    return evaluation.dataset.find(entry.first.subject) == nullptr ||
           entry.first.sample >= evaluation.samples_per_prompt;
  });
  return similarities;
}

}  // namespace

Dataset load_dataset(const EvaluateConfig& config) {
  if (config.dataset.empty()) {
    throw ConfigError("evaluate.dataset: is not set: name the folder of the data set");
  }
  std::vector<std::string> problems;
  Dataset dataset = read_dataset(config.dataset, parse_categories(config.categories), problems);
  if (!problems.empty()) throw DataError(joined_lines(problems));
  return dataset;
}

fs::path people_file(const fs::path& out_folder, const std::string& name) {
  std::string file = name;
  for (char& c : file) {
    if (c == '/' || c == '.') c = '_';
  }
  return out_folder / "people" / (file + ".jsonl");
}

JudgeIdentity only_judge(const Ratings& ratings, const fs::path& where) {
  if (ratings.empty()) throw DataError(format("{}: no ratings yet", where));
  const auto& [first_key, first] = *ratings.begin();
  for (const auto& [key, attempt] : ratings) {
    if (attempt.judge == first.judge) continue;
    throw DataError(
        format("{}: holds ratings of two judges, run {} by '{}' ({}) and run {} by '{}' ({}): give "
               "each its own evaluate.out",
               where, first_key.run, first.judge.model, first.judge.rubric, key.run,
               attempt.judge.model, attempt.judge.rubric));
  }
  return first.judge;
}

Evaluation load_evaluation(const EvaluateConfig& config) {
  Evaluation evaluation{.method = name_of_samples(config),
                        .samples_per_prompt = config.samples_per_prompt,
                        .ratings = read_ratings(config.out),
                        .people = read_people(config.out)};
  if (evaluation.is_rated()) {
    evaluation.judge = only_judge(evaluation.ratings, ratings_file(config.out));
    for (const std::string& task : config.tasks) {
      evaluation.tasks.push_back(parse_rating_task(task));
    }
  } else if (!fs::exists(similarity_file(config.out))) {
    fail_without_ratings(config.out);
  }
  evaluation.dataset = load_dataset(config);
  evaluation.similarities = similarities_of(config.out, evaluation);
  if (!evaluation.is_rated() && evaluation.similarities.empty()) fail_without_ratings(config.out);
  if (!config.samples.empty()) {
    evaluation.samples =
        read_samples(config.samples, evaluation.dataset, config.samples_per_prompt).items;
  }
  int64_t begun = 1;
  for (const auto& [key, attempt] : evaluation.ratings) begun = std::max(begun, key.run + 1);
  evaluation.runs = std::min(begun, config.judge.runs);
  return evaluation;
}

std::vector<ItemScore> item_scores(const Evaluation& evaluation) {
  std::vector<ItemScore> items;
  const auto add = [&](const RatingKey& key) {
    const auto found = evaluation.ratings.find(key);
    items.push_back({key, found == evaluation.ratings.end() ? std::nullopt : found->second.score});
  };
  for (const RatingTask task : evaluation.tasks) {
    for (int64_t run = 0; run < evaluation.runs; ++run) {
      for (const Subject& subject : evaluation.dataset.subjects) {
        for (int64_t prompt = 0; prompt < kPromptsPerSubject; ++prompt) {
          for (int64_t sample = 0; sample < evaluation.samples_per_prompt; ++sample) {
            add({task, run, {subject.key, prompt, sample}});
          }
        }
      }
    }
  }
  return items;
}

std::vector<ItemScore> item_scores(const Ratings& ratings, const Ratings& expected) {
  std::vector<ItemScore> items;
  for (const auto& [key, ignored] : expected) {
    const auto found = ratings.find(key);
    items.push_back({key, found == ratings.end() ? std::nullopt : found->second.score});
  }
  return items;
}

std::vector<std::string> why_not_comparable(const Evaluation& evaluation) {
  std::vector<std::string> reasons;
  const JudgeIdentity& judge = evaluation.judge;  // without a name where nobody has rated
  if (!judge.model.empty() && judge.model != kOfficialModel) {
    reasons.push_back(format("another judge: {}, not {}", judge.model, kOfficialModel));
  }
  if (!judge.model.empty() && judge.rubric != kOfficialRubric && judge.rubric != "imported") {
    reasons.push_back(judge.rubric);
  }
  if (!evaluation.dataset.has_published_size()) {
    reasons.push_back(format("another data set: {} subjects, not the 150 of DreamBench++",
                             evaluation.dataset.subjects.size()));
  }
  return reasons;
}

namespace {

using Scores = std::map<ItemKey, double>;  // of one rater and task

Scores scores_of(const Ratings& ratings, RatingTask task, int64_t run) {
  Scores scores;
  for (const auto& [key, attempt] : ratings) {
    if (key.task == task && key.run == run && attempt.score) {
      scores[key.item] = static_cast<double>(*attempt.score);
    }
  }
  return scores;
}

/// Adds up one pair of raters after another.
class PairAgreement {
 public:
  void add(const Scores& one, const Scores& other) {
    std::vector<double> x, y;
    std::vector<std::vector<double>> units;
    for (const auto& [item, score] : one) {
      const auto found = other.find(item);
      if (found == other.end()) continue;
      x.push_back(score);
      y.push_back(found->second);
      units.push_back({score, found->second});
    }
    items_ = std::max(items_, std::ssize(x));
    if (const auto alpha = krippendorff_alpha(units)) alphas_.push_back(*alpha);
    if (const auto correlation = pearson(x, y)) pearsons_.push_back(*correlation);
  }
  /// Nothing where no item has two ratings.
  void put_into(std::vector<Agreement>& all, std::string between, RatingTask task) const {
    if (items_ == 0) return;
    all.push_back({std::move(between), task, items_, mean(alphas_), mean(pearsons_)});
  }

 private:
  static std::optional<double> mean(const std::vector<double>& values) {
    if (values.empty()) return std::nullopt;
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }

  int64_t items_ = 0;
  std::vector<double> alphas_, pearsons_;
};

PairAgreement among(const std::vector<Scores>& raters) {
  PairAgreement agreement;
  for (size_t i = 0; i < raters.size(); ++i) {
    for (size_t j = i + 1; j < raters.size(); ++j) agreement.add(raters[i], raters[j]);
  }
  return agreement;
}

JudgeCheck check(const fs::path& out, const JudgeIdentity& judge, JudgeCheck made) {
  const Ratings ratings = read_ratings(out);
  if (ratings.empty()) fail_without_ratings(out);
  if (only_judge(ratings, ratings_file(out)) != judge) {
    throw DataError(
        format("{}: the judge is another one than that of the pictures: judge both alike",
               ratings_file(out)));
  }
  made.table = aggregate(item_scores(ratings, ratings));
  return made;
}

}  // namespace

std::vector<Agreement> agreements(const Evaluation& evaluation) {
  std::vector<Agreement> all;
  for (const RatingTask task : evaluation.tasks) {
    std::vector<Scores> runs, people;
    for (int64_t run = 0; run < evaluation.runs; ++run) {
      runs.push_back(scores_of(evaluation.ratings, task, run));
    }
    among(runs).put_into(all, "runs of the judge", task);
    for (const auto& [name, ratings] : evaluation.people) {
      people.push_back(scores_of(ratings, task, 0));
      PairAgreement with_judge;
      for (const Scores& run : runs) with_judge.add(people.back(), run);
      with_judge.put_into(all, "judge and " + name, task);
    }
    among(people).put_into(all, "people", task);
  }
  return all;
}

std::vector<JudgeCheck> judge_checks(const EvaluationReportConfig& config,
                                     const JudgeIdentity& judge) {
  std::vector<JudgeCheck> checks;
  if (!config.identity.empty()) {
    checks.push_back(
        check(config.identity, judge, {.name = "references themselves", .expected = "CP 1"}));
  }
  if (!config.mismatched.empty()) {
    checks.push_back(check(config.mismatched, judge,
                           {.name = "pictures of other subjects", .expected = "CP near 0"}));
  }
  return checks;
}

}  // namespace mentor
