#include "mentor/core/cpu_features.h"

#include <gtest/gtest.h>

#include <thread>

namespace mentor {
namespace {

TEST(CpuFeatures, NamesWhatIsThere) {
  EXPECT_EQ(CpuFeatures{}.string(), "none of AVX2, AVX512, AMX");
  EXPECT_EQ((CpuFeatures{.avx2 = true, .amx_bf16 = true}).string(), "AVX2 AMX-BF16");
  EXPECT_TRUE((CpuFeatures{.amx_bf16 = true}).has_bf16());
  EXPECT_FALSE((CpuFeatures{.avx2 = true, .avx512 = true}).has_bf16());
}

TEST(CpuFeatures, PhysicalCoresAreSomeOfTheLogicalOnes) {
  EXPECT_GE(physical_cores(), 1);
  EXPECT_LE(physical_cores(), static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace mentor
