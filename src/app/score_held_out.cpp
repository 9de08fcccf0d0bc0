#include "mentor/app/build.h"
#include "mentor/app/data_sources.h"
#include "mentor/app/inference_tools.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/progress.h"
#include "mentor/dist/connect.h"
#include "validation.h"

#include <nlohmann/json.hpp>

#include <ostream>

namespace mentor {
namespace {

std::string table(const ValidationMetrics& metrics) {
  std::string text;
  const auto add = [&text](std::string_view name, double loss) {
    text += format("{:<16} {:.4f}\n", name, loss);
  };
  for (const std::string& task : ordered_tasks(metrics.task_loss)) {
    add(task, metrics.task_loss.at(task));
  }
  add("all", metrics.loss);
  return text + format("nats per token, {} pictures\n", metrics.samples);
}

}  // namespace

void score_held_out(const LoadedRunConfig& run, const fs::path& file, std::ostream& out) {
  const RunConfig& config = run.config;
  std::optional<Mixture> held_out = open_validation(run);
  if (!held_out) {
    throw ConfigError(
        "data.validation: is not set: name a file of training records, or score pictures of your "
        "own with --data FILE --out FILE");
  }
  if (!file.empty()) require_writable_directory(fs::absolute(file).parent_path());
  const ProcessEnvironment environment = read_process_environment();
  Runtime runtime = start_runtime(config.runtime);
  if (runtime.device.is_cuda()) runtime.device = rank_gpu(environment);
  ModelSet models = load_models(config, runtime, {.codec = false});
  models.codec = load_target_codec(config, runtime);
  const std::unique_ptr<Communicator> communicator =
      connect(environment, runtime.device, config.distributed.timeout());
  std::vector<std::string> tasks = held_out->task_names();
  Progress progress({.what = "score",
                     .unit = "pictures",
                     .total = held_out->shares.front().samples / communicator->world_size()});
  Validation validation(config, *std::move(held_out), std::move(tasks), {.device = runtime.device},
                        models, *communicator);
  const ValidationMetrics metrics = validation.run(0, [&progress](int64_t samples) {
    throw_if_interrupted();
    progress.advance(samples);
  });
  progress.finish();
  if (metrics.samples == 0)
    throw DataError("no held-out record can be used: see the warning above");
  if (communicator->rank() != 0) return;
  if (!file.empty()) {
    const nlohmann::ordered_json figures = {{"nll_mean", metrics.loss},
                                            {"nll_mean_by_task", metrics.task_loss},
                                            {"pictures", metrics.samples}};
    write_text(file, figures.dump(2) + "\n");
  }
  out << table(metrics);
}

}  // namespace mentor
