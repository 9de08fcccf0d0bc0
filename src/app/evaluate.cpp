#include "mentor/app/evaluate.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/eval/judging.h"
#include "sound_input.h"

#include <algorithm>
#include <ostream>

namespace mentor {

void validate_evaluation(const LoadedRunConfig& run, std::ostream& out) {
  const EvaluateConfig& evaluate = run.config.evaluate;
  const auto [input, num_not_square] = read_sound_input(run.config);
  out << format("{}: {} subjects, {} prompts{}\n", evaluate.dataset, input.dataset.subjects.size(),
                input.dataset.subjects.size() * kPromptsPerSubject,
                input.dataset.has_published_size()
                    ? ", the size of DreamBench++"
                    : "; not DreamBench++, which has 150 and 1350: figures are not comparable");
  const auto complete = std::ranges::count_if(input.items, &SampleFiles::complete);
  out << format("{}: {} of {} pictures with reference and text\n", evaluate.samples, complete,
                input.items.size());
  for (const std::string& line : input.missing) out << line << "\n";
  for (const std::string& line : input.other_captions) out << line << "\n";
  if (!input.other_captions.empty()) {
    out << format("{} texts differ from the data set: judges get those of the samples\n",
                  input.other_captions.size());
  }
  if (num_not_square > 0) {
    out << format(
        "{} pictures are not square: judges get them stretched, as the published code "
        "does it\n",
        num_not_square);
  }
}

void judge_evaluation(const LoadedRunConfig& run, std::ostream& out) {
  const EvaluateConfig& evaluate = run.config.evaluate;
  const EvaluationInput input = read_sound_input(run.config).input;
  const JudgingState state = judge_samples(evaluate, input.items);
  write_text(evaluate.out / "config_judge.yaml", dump_config(run.config, run.origins));
  out << format("{}: {} ratings: {}; {} of them were there before\n", ratings_file(evaluate.out),
                state.wanted, state.text(), state.before);
  if (state.cost > 0) out << format("cost of all attempts: {:.4f}\n", state.cost);
  const int64_t expected = evaluate.allow_partial ? state.count(RatingStatus::kMissing) : 0;
  const int64_t lacking = state.wanted - state.count(RatingStatus::kOk) - expected;
  if (lacking == 0) return;
  const std::string message = format(
      "{}: {} of {} ratings have no score ({}): the same command asks for them again; their "
      "answers stand in the file",
      ratings_file(evaluate.out), lacking, state.wanted, state.text());
  if (!evaluate.allow_partial || state.count(RatingStatus::kOk) == 0) throw UserError(message);
  log::warn("{}", message);
}

void estimate_evaluation(const LoadedRunConfig& run, std::ostream& out) {
  const JudgeConfig& judge = run.config.evaluate.judge;
  const EvaluationInput input = read_input(run.config.evaluate);
  const CostEstimate estimate = estimate_cost(run.config.evaluate, input.items);
  out << format("to ask: {} questions on CP, {} on PF, in {} run{}\n", estimate.cp_questions,
                estimate.pf_questions, judge.runs, judge.runs == 1 ? "" : "s");
  if (judge.kind != "http") {
    out << "cost: none: no server is asked\n";
    return;
  }
  out << format("tokens: {:.0f} sent, {:.0f} answered, {}\n", estimate.input_tokens,
                estimate.output_tokens,
                estimate.measured ? "as the answers so far had"
                                  : "guessed from the texts and evaluate.judge.image_tokens");
  if (judge.price_input + judge.price_output <= 0) {
    out << "cost: unknown; set evaluate.judge.price_input and price_output, per million tokens\n";
    return;
  }
  out << format("cost: about {:.2f}, and {:.2f} spent so far\n", estimate.cost, estimate.spent);
}

void reparse_evaluation(const LoadedRunConfig& run, std::ostream& out) {
  const int64_t changed = reparse_answers(run.config.evaluate);
  out << format("{}: {} ratings changed\n", ratings_file(run.config.evaluate.out), changed);
}

}  // namespace mentor
