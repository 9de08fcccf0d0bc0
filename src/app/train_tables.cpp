#include "train_tables.h"

#include "mentor/core/cpu_features.h"
#include "mentor/core/format.h"
#include "mentor/core/host.h"

#include <torch/headeronly/version.h>

namespace mentor {
namespace {

/// 784123456 -> "784.12 M".
std::string millions(int64_t count) { return format("{:.2f} M", static_cast<double>(count) / 1e6); }

}  // namespace

std::string module_table(const std::vector<ModuleRow>& rows) {
  std::string table =
      format("{:<28} {:>12} {:>12}   {}\n", "module", "parameters", "trained", "dtype");
  ModuleRow sum{.name = "all"};
  for (const ModuleRow& row : rows) {
    table += format("{:<28} {:>12} {:>12}   {}\n", row.name, millions(row.parameters),
                    row.trained > 0 ? millions(row.trained) : std::string("frozen"), row.dtype);
    sum.parameters += row.parameters;
    sum.trained += row.trained;
  }
  return table +
         format("{:<28} {:>12} {:>12}", sum.name, millions(sum.parameters), millions(sum.trained));
}

std::string changed_options(const LoadedRunConfig& run) {
  return dump_config(run.config, run.origins, /*minimal=*/true);
}

std::string environment_text(const Runtime& runtime, int64_t world_size, const std::string& version,
                             const std::string& revision) {
  return format("mentor {} (git {}), LibTorch {}\n{}; processor {}, {} cores\n{} {} at first on {}",
                version, revision, TORCH_VERSION, runtime.string(), cpu_features().string(),
                physical_cores(), world_size, world_size == 1 ? "rank," : "ranks,", host_name());
}

}  // namespace mentor
