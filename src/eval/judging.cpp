#include "mentor/eval/judging.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/core/progress.h"
#include "mentor/eval/chat.h"
#include "mentor/eval/cost.h"
#include "mentor/eval/judge.h"
#include "mentor/eval/score_parser.h"

#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace mentor {
namespace {

fs::path store_of(const EvaluateConfig& config) {
  if (config.out.empty()) {
    throw ConfigError("evaluate.out: is not set: name the folder for the ratings");
  }
  return ratings_file(config.out);
}

std::unique_ptr<Judge> make_judge(const EvaluateConfig& config,
                                  const std::vector<SampleFiles>& items, const Rubric& rubric,
                                  double spent) {
  if (config.judge.kind == "replay") return make_replay_judge(config.judge);
  if (config.judge.kind == "oracle") return make_oracle_judge();
  if (config.judge.kind == "similarity") return make_similarity_judge(config, items);
  return make_chat_judge(config.judge, rubric, spent);
}

/// What the judge is told; thresholds on similarities need no words.
Rubric rubric_of(const JudgeConfig& judge) {
  return load_rubric(judge.kind == "similarity" ? fs::path() : judge.prompts);
}

/// One file holds one judge's ratings: means over two would mean nothing.
void require_same_judge(const fs::path& file, const std::vector<Attempt>& attempts,
                        const JudgeIdentity& judge) {
  const Attempt* last = last_answer(attempts);
  if (last == nullptr) return;
  const JudgeIdentity& other = last->judge;
  const auto differ = [&](const char* what, const std::string& theirs, const std::string& ours) {
    if (theirs == ours) return;
    throw UserError(
        format("{}: holds ratings of another judge ({} {}, now {}): set another evaluate.out", file,
               what, theirs, ours));
  };
  differ("model", other.model, judge.model);
  differ("rubric:", other.rubric, judge.rubric);
  differ("settings", other.parameters, judge.parameters);
}

/// Nor may they follow two rubrics, which the label of changed prompt files does not tell apart.
void require_same_rubric(const fs::path& file, const std::vector<Attempt>& attempts,
                         const Rubric& rubric, const fs::path& prompts) {
  const std::string_view part =
      changed_part(hashes_of(last_attempts(attempts), file), hashes_of(rubric));
  if (part.empty()) return;
  const std::string what =
      prompts.empty()
          ? format("our own rules on '{}'", part)
          : format("user_prompt_{}_full.txt or gpt_prompt_{}_full.txt of {}", part, part, prompts);
  throw UserError(
      format("{}: holds ratings by another rubric ({} changed since): set another evaluate.out",
             file, what));
}

/// The same answer once more, for which nothing was asked.
Attempt unpaid(Attempt attempt) {
  attempt.input_tokens = attempt.output_tokens = 0;
  attempt.cost = attempt.seconds = 0;
  attempt.time = utc_time();
  return attempt;
}

/// What is to be asked, and what the file must say before.
struct Plan {
  std::vector<Question> questions;
  /// Scores of what was replaced since no longer count, those of what came back count again.
  std::vector<Attempt> changes;
  int64_t made = 0;  // ratings that there are
};

Plan plan_ratings(std::vector<Question> wanted, const std::vector<Attempt>& attempts) {
  const Ratings ratings = last_attempts(attempts);
  const StoredAnswers answers = stored_answers(attempts);
  std::map<std::pair<RatingKey, std::string>, int64_t> num_answers;
  for (const Attempt& attempt : attempts) {
    if (is_answered(attempt.status)) ++num_answers[{attempt.key, attempt.content_key}];
  }
  Plan plan;
  for (Question& question : wanted) {
    const auto found = ratings.find(question.key);
    const bool scored = found != ratings.end() && found->second.status == RatingStatus::kOk;
    if (scored && found->second.content_key == question.content_key) {
      ++plan.made;
      continue;
    }
    const auto answer = answers.find({question.key, question.content_key});
    if (answer != answers.end() && answer->second->status == RatingStatus::kOk) {
      plan.changes.push_back(unpaid(*answer->second));
      ++plan.made;
      continue;
    }
    if (scored) {
      plan.changes.push_back(question.attempt(found->second.judge));
      plan.changes.back().status = RatingStatus::kMissing;
      plan.changes.back().error = "the picture, its reference or its caption was replaced";
    }
    question.answers = num_answers[{question.key, question.content_key}];
    plan.questions.push_back(std::move(question));
  }
  return plan;
}

/// Attempts that say that there is nothing to rate, where the file does not say so yet.
std::vector<Attempt> missing_attempts(const EvaluateConfig& config,
                                      const std::vector<SampleFiles>& items, const Ratings& ratings,
                                      const JudgeIdentity& judge) {
  std::vector<Attempt> attempts;
  for (int64_t run = 0; run < config.judge.runs; ++run) {
    for (const SampleFiles& item : items) {
      if (item.complete()) continue;
      for (const RatingTask task : chosen_tasks(config)) {
        const Question question{.key = {.task = task, .run = run, .item = item.key}};
        const auto found = ratings.find(question.key);
        if (found != ratings.end() && found->second.status == RatingStatus::kMissing) continue;
        attempts.push_back(question.attempt(judge));
        attempts.back().status = RatingStatus::kMissing;
        attempts.back().error = "the picture, its reference or its text is missing";
      }
    }
  }
  return attempts;
}

/// Says every minute what has been spent.
class SpendingLog {
 public:
  explicit SpendingLog(double spent) : cost_(spent) {}

  [[nodiscard]] double cost() const { return cost_; }
  void add(const Attempt& attempt) {
    cost_ += attempt.cost;
    if (attempt.status != RatingStatus::kOk) ++without_score_;
    const auto now = Clock::now();
    if (now - said_ < std::chrono::minutes(1)) return;
    said_ = now;
    log::info("judge: {:.4f} spent, {} attempts without a score", cost_, without_score_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  double cost_;
  int64_t without_score_ = 0;
  Clock::time_point said_ = Clock::now();
};

JudgingState state_of(const EvaluateConfig& config, const std::vector<SampleFiles>& items,
                      const Ratings& ratings) {
  JudgingState state;
  for (int64_t run = 0; run < config.judge.runs; ++run) {
    for (const SampleFiles& item : items) {
      for (const RatingTask task : chosen_tasks(config)) {
        ++state.wanted;
        const auto found = ratings.find({.task = task, .run = run, .item = item.key});
        if (found != ratings.end()) {
          ++state.by_status.at(static_cast<size_t>(found->second.status));
        }
      }
    }
  }
  return state;
}

}  // namespace

std::string JudgingState::text() const {
  std::string text;
  int64_t open = wanted;
  for (size_t i = 0; i < by_status.size(); ++i) {
    open -= by_status[i];
    if (by_status[i] == 0) continue;
    text += format("{}{} {}", text.empty() ? "" : ", ", status_name(static_cast<RatingStatus>(i)),
                   by_status[i]);
  }
  if (open > 0) text += format("{}open {}", text.empty() ? "" : ", ", open);
  return text;
}

JudgingState judge_samples(const EvaluateConfig& config, const std::vector<SampleFiles>& items) {
  const Rubric rubric = rubric_of(config.judge);
  RatingStore store(store_of(config));
  const double spent = total_cost(store.attempts());
  const std::unique_ptr<Judge> judge = make_judge(config, items, rubric, spent);
  require_same_judge(store_of(config), store.attempts(), judge->identity());
  require_same_rubric(store_of(config), store.attempts(), rubric, config.judge.prompts);
  Ratings ratings = last_attempts(store.attempts());
  SpendingLog spending(spent);
  const auto keep = [&](const Attempt& attempt) {
    store.append(attempt);
    spending.add(attempt);
    ratings.insert_or_assign(attempt.key, attempt);
  };
  const Plan plan =
      plan_ratings(wanted_ratings(config, items, rubric, judge->identity()), store.attempts());
  for (const Attempt& attempt : plan.changes) keep(attempt);
  for (const Attempt& attempt : missing_attempts(config, items, ratings, judge->identity())) {
    keep(attempt);
  }
  {
    Progress progress(
        {.what = "judge", .unit = "ratings", .total = static_cast<int64_t>(plan.questions.size())});
    judge->rate(plan.questions, [&](const Attempt& attempt, bool last) {
      keep(attempt);
      if (last) progress.advance();
    });
  }
  throw_if_interrupted();
  JudgingState state = state_of(config, items, ratings);
  state.before = plan.made;
  state.cost = spending.cost();
  return state;
}

CostEstimate estimate_cost(const EvaluateConfig& config, const std::vector<SampleFiles>& items) {
  const Rubric rubric = rubric_of(config.judge);
  const std::vector<Attempt> attempts = read_attempts(store_of(config));
  // Those of a judge with these settings, without a key or a server.
  JudgeIdentity judge{.model = config.judge.model,
                      .parameters = judge_parameters(config.judge),
                      .rubric = rubric.label};
  if (config.judge.kind == "replay") judge = make_replay_judge(config.judge)->identity();
  if (config.judge.kind == "oracle") judge = oracle_identity();
  if (config.judge.kind == "similarity") judge = make_similarity_judge(config, items)->identity();
  const Plan plan = plan_ratings(wanted_ratings(config, items, rubric, judge), attempts);
  std::array<TokenCount, 2> measured;
  std::array<double, 2> answers{};
  for (const Attempt& attempt : attempts) {
    if (attempt.input_tokens == 0) continue;
    const auto task = static_cast<size_t>(attempt.key.task);
    measured.at(task).input += static_cast<double>(attempt.input_tokens);
    measured.at(task).output += static_cast<double>(attempt.output_tokens);
    ++answers.at(task);
  }
  CostEstimate estimate{.spent = total_cost(attempts), .measured = answers[0] + answers[1] > 0};
  for (const Question& question : plan.questions) {
    const RatingTask task = question.key.task;
    const auto t = static_cast<size_t>(task);
    ++(task == RatingTask::kCp ? estimate.cp_questions : estimate.pf_questions);
    const TokenCount tokens =
        answers.at(t) > 0
            ? TokenCount{measured.at(t).input / answers.at(t),
                         measured.at(t).output / answers.at(t)}
            : expected_tokens(config.judge, rubric.of(task, question.key.item.subject.category),
                              task, question.caption);
    estimate.input_tokens += tokens.input;
    estimate.output_tokens += tokens.output;
    estimate.cost += price_of(config.judge, tokens);
  }
  return estimate;
}

namespace {

/// What stands in the answers to one question, the newest first: its last score, or that it has
/// none. Nothing without answers that were read.
std::optional<Attempt> read_again(const std::vector<const Attempt*>& attempts,
                                  const JudgeConfig& config) {
  const Attempt& last = *attempts.back();
  std::optional<Attempt> without_score;
  for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
    Attempt again = **attempt;
    const bool was_read =
        again.status == RatingStatus::kOk || again.status == RatingStatus::kParseError;
    if (!was_read || again.answer.empty() || again.content_key != last.content_key) continue;
    apply_parser(again, parser_rule(config, again.judge));
    if (again.score) return again;
    if (!without_score) without_score = again;
  }
  return without_score;
}

}  // namespace

int64_t reparse_answers(const EvaluateConfig& config) {
  const fs::path file = store_of(config);
  if (read_attempts(file).empty()) {
    throw DataError(format("{}: holds no ratings: run mentor evaluate judge first", file));
  }
  RatingStore store(file);
  std::map<RatingKey, std::vector<const Attempt*>> by_rating;
  for (const Attempt& attempt : store.attempts()) by_rating[attempt.key].push_back(&attempt);
  int64_t changed = 0;
  for (const auto& [key, attempts] : by_rating) {
    const std::optional<Attempt> again = read_again(attempts, config.judge);
    if (!again || again->score == attempts.back()->score) continue;
    store.append(unpaid(*again));
    ++changed;
  }
  return changed;
}

}  // namespace mentor
