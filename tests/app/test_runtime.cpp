#include "mentor/app/runtime.h"
#include "mentor/core/cpu_features.h"
#include "mentor/core/error.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

TEST(Runtime, AutoFollowsTheHardware) {
  const Runtime runtime = start_runtime({.device = "cpu"});
  EXPECT_EQ(runtime.device, c10::Device(c10::kCPU));
  EXPECT_EQ(runtime.dtype, cpu_features().has_bf16() ? c10::kBFloat16 : c10::kFloat);
  EXPECT_EQ(runtime.threads, physical_cores());
  EXPECT_EQ(at::get_num_threads(), physical_cores());
}

TEST(Runtime, TakesWhatIsAskedForAndCanStartAgain) {
  start_runtime({.device = "cpu"});
  const Runtime runtime = start_runtime({.device = "cpu", .dtype = "fp32", .threads = 1});
  EXPECT_EQ(runtime.dtype, c10::kFloat);
  EXPECT_EQ(at::get_num_threads(), 1);
  EXPECT_EQ(runtime.string(), "cpu, 1 threads, fp32");
}

TEST(Runtime, RefusesAMissingGpu) {
  if (at::hasCUDA()) GTEST_SKIP() << "there is a GPU";
  EXPECT_THROW(start_runtime({.device = "cuda"}), ConfigError);
}

}  // namespace
}  // namespace mentor
