#include "mentor/app/evaluate_run.h"

#include "mentor/app/evaluate.h"
#include "mentor/app/evaluate_embed.h"
#include "mentor/app/evaluate_generate.h"
#include "mentor/app/evaluate_report.h"
#include "mentor/core/format.h"
#include "mentor/dist/process_environment.h"
#include "mentor/eval/sample_folder.h"

#include <ostream>

namespace mentor {

void run_evaluation(const LoadedRunConfig& run, std::ostream& out) {
  const bool is_first = read_process_environment().rank == 0;
  const auto say = [&](const char* step) {
    if (is_first) out << format("== {}\n", step) << std::flush;
  };
  say("pictures");
  if (!holds_foreign_samples(run.config.evaluate.samples)) {
    generate_samples(run, out);
  } else if (is_first) {
    out << format("{}: of another method: nothing is drawn\n", run.config.evaluate.samples);
  }
  if (!is_first) return;
  say("are they complete?");
  validate_evaluation(run, out);
  if (run.config.evaluate.embed.has_networks()) {
    say("likeness");
    embed_evaluation(run, out);
  }
  say("what will the judge cost?");
  estimate_evaluation(run, out);
  say("ratings");
  judge_evaluation(run, out);
  say("report");
  report_evaluation(run, out);
}

}  // namespace mentor
