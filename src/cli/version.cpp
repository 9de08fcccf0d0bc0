#include "build_info.h"
#include "mentor/cli/commands.h"
#include "mentor/core/cpu_features.h"
#include "mentor/core/format.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

namespace mentor {

std::string version_text() {
  const CpuFeatures cpu = cpu_features();
  std::string text = format("mentor {} ({}, git {})\n", kVersion, kBuildType, kGitRevision);
  text += format("compiler   {}\n", kCompiler);
  text += format("LibTorch   {}, kernels for {}\n", TORCH_VERSION, at::get_cpu_capability());
#ifdef MENTOR_WITH_CUDA
  text += format("CUDA       built in; {}\n", at::hasCUDA() ? "a GPU is there" : "no GPU found");
#else
  text += "CUDA       not built in\n";
#endif
  text += format("processor  {}; {} cores; bf16 {}", cpu.string(), physical_cores(),
                 cpu.has_bf16() ? "in hardware" : "emulated (slow): use fp32");
  return text;
}

}  // namespace mentor
