#include "mentor/eval/evaluation.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/parallel.h"
#include "mentor/core/sha256.h"
#include "mentor/eval/agreement.h"
#include "mentor/eval/input.h"
#include "mentor/eval/question.h"
#include "mentor/eval/rubric.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <set>
#include <thread>
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

std::string name_of_method(const EvaluateConfig& config) {
  if (!config.report.method.empty()) return config.report.method;
  return name_of_samples(config.samples.empty() ? config.out : config.samples);
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

/// Takes out what is of other categories, tasks, samples or runs than those that are chosen.
void keep_chosen(Ratings& ratings, const Dataset& dataset, const EvaluateConfig& config) {
  const std::vector<RatingTask> tasks = chosen_tasks(config);
  std::erase_if(ratings, [&](const auto& rating) {
    const auto& [task, run, item] = rating.first;
    return dataset.find(item.subject) == nullptr || item.sample >= config.samples_per_prompt ||
           run >= config.judge.runs || std::ranges::find(tasks, task) == tasks.end();
  });
}

/// Files of samples as they are now.
struct Current {
  std::string reference_sha256, generated_sha256, caption;
};
using CurrentFiles = std::map<ItemKey, Current>;

/// Of the complete ones of the samples that anybody has rated or measured.
CurrentFiles current_files(const Evaluation& evaluation) {
  std::set<ItemKey> needed;
  for (const auto& [key, attempt] : evaluation.ratings) {
    if (!attempt.content_key.empty()) needed.insert(key.item);
  }
  for (const auto& [name, ratings] : evaluation.people) {
    for (const auto& [key, attempt] : ratings) {
      if (!attempt.generated_sha256.empty()) needed.insert(key.item);
    }
  }
  for (const auto& [item, similarity] : evaluation.similarities) needed.insert(item);
  std::vector<std::pair<const SampleFiles*, Current*>> work;
  CurrentFiles current;
  for (const SampleFiles& files : evaluation.samples) {
    if (!files.complete() || !needed.contains(files.key)) continue;
    work.emplace_back(&files, &current[files.key]);
  }
  const int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for_each_index(std::ssize(work), threads, [&](int64_t i) {
    const auto& [files, now] = work[static_cast<size_t>(i)];
    *now = {sha256_hex(read_text(files->reference)), sha256_hex(read_text(files->generated)),
            files->caption};
  });
  return current;
}

/// Whether a rating is of these files. Of people's the picture alone is known, of imported scores
/// of a judge nothing.
bool is_about(const Attempt& attempt, const Question& question) {
  if (!attempt.content_key.empty()) {
    return content_key_of(attempt.judge, question) == attempt.content_key;
  }
  return attempt.generated_sha256.empty() || attempt.generated_sha256 == question.generated_sha256;
}

/// A rating of other files than are there now is one that is to be made.
void withdraw_replaced(Ratings& ratings, const CurrentFiles& current) {
  for (auto& [key, attempt] : ratings) {
    const auto found = current.find(key.item);
    if (found == current.end()) continue;
    const Current& now = found->second;
    const Question question{
        .key = key,
        .caption = now.caption,
        .prompt_sha256 = attempt.prompt_sha256,
        .reference_sha256 = key.task == RatingTask::kCp ? now.reference_sha256 : "",
        .generated_sha256 = now.generated_sha256};
    if (is_about(attempt, question)) continue;
    Attempt open = question.attempt(attempt.judge);
    open.status = RatingStatus::kMissing;
    open.error = "the picture, its reference or its caption was replaced since it was rated";
    attempt = std::move(open);
  }
}

/// The same of what networks saw.
void withdraw_replaced(Similarities& similarities, const CurrentFiles& current) {
  for (auto entry = similarities.begin(); entry != similarities.end();) {
    auto& [item, similarity] = *entry;
    const auto found = current.find(item);
    bool keeps = found == current.end();
    for (const Metric metric : kMetrics) {
      if (found == current.end()) break;
      const Current& now = found->second;
      const bool same =
          similarity.generated_sha256 == now.generated_sha256 &&
          (metric == Metric::kClipT ? similarity.caption == now.caption
                                    : similarity.reference_sha256 == now.reference_sha256);
      if (!same) similarity.of(metric).reset();
      keeps = keeps || similarity.of(metric);
    }
    entry = keeps ? std::next(entry) : similarities.erase(entry);
  }
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
  const auto is_answer = [](const auto& rating) { return is_answered(rating.second.status); };
  const auto first_answer = std::ranges::find_if(ratings, is_answer);
  const auto& [first_key, first] = first_answer != ratings.end() ? *first_answer : *ratings.begin();
  for (const auto& [key, attempt] : ratings) {
    if (!is_answered(attempt.status) || attempt.judge == first.judge) continue;
    throw DataError(
        format("{}: holds ratings of two judges, run {} by '{}' ({}) and run {} by '{}' ({}): give "
               "each its own evaluate.out",
               where, first_key.run, first.judge.model, first.judge.rubric, key.run,
               attempt.judge.model, attempt.judge.rubric));
  }
  (void)hashes_of(ratings, where);
  return first.judge;
}

Evaluation load_evaluation(const EvaluateConfig& config) {
  Evaluation evaluation{.method = name_of_method(config),
                        .samples_per_prompt = config.samples_per_prompt,
                        .ratings = read_ratings(config.out),
                        .people = read_people(config.out),
                        .similarities = read_similarities(similarity_file(config.out))};
  const bool is_there = evaluation.is_rated() || !evaluation.similarities.empty();
  if (!is_there) fail_without_ratings(config.out);
  evaluation.dataset = load_dataset(config);
  if (!config.samples.empty()) {
    evaluation.samples =
        read_samples(config.samples, evaluation.dataset, config.samples_per_prompt).items;
  }
  keep_chosen(evaluation.ratings, evaluation.dataset, config);
  for (auto& [name, ratings] : evaluation.people) keep_chosen(ratings, evaluation.dataset, config);
  std::erase_if(evaluation.similarities, [&](const auto& entry) {
    return evaluation.dataset.find(entry.first.subject) == nullptr ||
           entry.first.sample >= config.samples_per_prompt;
  });
  const CurrentFiles current = current_files(evaluation);
  withdraw_replaced(evaluation.ratings, current);
  for (auto& [name, ratings] : evaluation.people) withdraw_replaced(ratings, current);
  withdraw_replaced(evaluation.similarities, current);
  if (evaluation.is_rated()) {
    evaluation.judge = only_judge(evaluation.ratings, ratings_file(config.out));
    evaluation.tasks = chosen_tasks(config);
  } else if (evaluation.similarities.empty()) {
    throw DataError(
        format("{}: nothing in it is about the pictures as they are, of the categories, tasks, "
               "samples and runs that are chosen: 'mentor evaluate judge' or 'embed' looks at them",
               config.out));
  }
  int64_t begun = 1;
  for (const auto& [key, attempt] : evaluation.ratings) begun = std::max(begun, key.run + 1);
  evaluation.runs = begun;
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

namespace {

/// What of a chat judge is not as in the published code. Other judges have no temperature.
void compare_protocol(const Evaluation& evaluation, std::vector<std::string>& reasons) {
  const auto ours =
      nlohmann::json::parse(evaluation.judge.parameters, nullptr, /*allow_exceptions=*/false);
  if (!ours.is_object() || !ours.contains("temperature")) return;
  const nlohmann::json published = {
      {"temperature", 1.0},         {"image_size", 512},
      {"jpeg_quality", 75},         {"detail", "high"},
      {"assistant_turn", true},     {"join_images", false},
      {"max_completion_tokens", 0}, {"extra_body", nlohmann::json::object()}};
  for (const auto& [key, value] : published.items()) {
    const auto found = ours.find(key);
    if (found == ours.end() || *found == value) continue;
    reasons.push_back(format("another protocol: {} {}, not {}", key, found->dump(), value.dump()));
  }
  if (const auto seed = ours.find("seed"); seed != ours.end() && seed->is_null()) {
    reasons.emplace_back("another protocol: no seed with each question");
  }
  const auto lenient = std::ranges::count_if(evaluation.ratings, [](const auto& rating) {
    return rating.second.score && rating.second.parser == "lenient";
  });
  if (lenient > 0) {
    reasons.push_back(
        format("another protocol: the rule that read {} scores: lenient, not strict", lenient));
  }
}

}  // namespace

std::vector<std::string> why_not_comparable(const Evaluation& evaluation) {
  constexpr int64_t kPublishedRuns = 3;
  std::vector<std::string> reasons;
  const JudgeIdentity& judge = evaluation.judge;
  if (!judge.model.empty()) {  // otherwise nobody has rated
    if (judge.model != kOfficialModel) {
      reasons.push_back(format("another judge: {}, not {}", judge.model, kOfficialModel));
    }
    if (judge.rubric != kOfficialRubric && judge.rubric != "imported") {
      reasons.push_back(judge.rubric);
    }
    compare_protocol(evaluation, reasons);
    if (evaluation.runs != kPublishedRuns) {
      reasons.push_back(format("runs of the judge: {}, not {}", evaluation.runs, kPublishedRuns));
    }
    if (evaluation.samples_per_prompt != 1) {
      reasons.push_back(
          format("pictures of each prompt: {}, not 1", evaluation.samples_per_prompt));
    }
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

JudgeCheck check(const fs::path& out, const Evaluation& evaluation, JudgeCheck made) {
  Evaluation known{.dataset = evaluation.dataset, .ratings = read_ratings(out)};
  if (known.ratings.empty()) fail_without_ratings(out);
  const fs::path file = ratings_file(out);
  const bool by_same_rules =
      changed_part(hashes_of(known.ratings, file), hashes_of(evaluation.ratings, file)).empty();
  if (!by_same_rules || only_judge(known.ratings, file) != evaluation.judge) {
    throw DataError(
        format("{}: the judge or its rubric is another one than that of the pictures: judge both "
               "alike",
               file));
  }
  // What was to be rated: everything of the tasks, runs and samples that were begun.
  for (const RatingTask task : {RatingTask::kCp, RatingTask::kPf}) {
    const bool begun = std::ranges::any_of(
        known.ratings, [task](const auto& rating) { return rating.first.task == task; });
    if (begun) known.tasks.push_back(task);
  }
  for (const auto& [key, attempt] : known.ratings) {
    known.runs = std::max(known.runs, key.run + 1);
    known.samples_per_prompt = std::max(known.samples_per_prompt, key.item.sample + 1);
  }
  made.table = aggregate(item_scores(known));
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
                                     const Evaluation& evaluation) {
  std::vector<JudgeCheck> checks;
  if (!config.identity.empty()) {
    checks.push_back(
        check(config.identity, evaluation, {.name = "references themselves", .expected = "CP 1"}));
  }
  if (!config.mismatched.empty()) {
    checks.push_back(check(config.mismatched, evaluation,
                           {.name = "pictures of other subjects", .expected = "CP near 0"}));
  }
  return checks;
}

}  // namespace mentor
