#include "mentor/core/error.h"
#include "mentor/models/projector.h"
#include "mentor/nn/parameters.h"
#include "mentor/nn/state.h"
#include "support/key_contract.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

TEST(Projector, KeysEqualTheProjectorFile) {
  const Projector projector("mlp2x_gelu", 1024, 2048);
  EXPECT_EQ(key_contract(*projector),
            read_key_contract("mm_projector_bin.txt", "model.mm_projector."));
}

TEST(Projector, KindsHaveTheReferenceKeys) {
  using Keys = std::vector<std::string>;
  const std::vector<std::pair<std::string, Keys>> cases = {
      {"linear", {"weight", "bias"}},
      {"mlp1x_gelu", {"0.weight", "0.bias"}},
      {"mlp3x_gelu", {"0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"}}};
  for (const auto& [type, expected] : cases) {
    Projector projector(type, 3, 5);
    Keys keys;
    for (const auto& [key, tensor] : state_dict(*projector)) keys.push_back(key);
    EXPECT_EQ(keys, expected) << type;
    materialize(*projector, at::kFloat);
    EXPECT_EQ(projector->forward(at::zeros({2, 4, 3})).sizes(), at::IntArrayRef({2, 4, 5})) << type;
  }
}

TEST(Projector, LinearComputesWithItsRegisteredWeights) {
  Projector projector("linear", 2, 1);
  StateDict weights;
  weights.set("weight", at::tensor({2.0F, 3.0F}).view({1, 2}));
  weights.set("bias", at::tensor({1.0F}));
  ASSERT_TRUE(load_state_dict(*projector, weights, at::kFloat).complete());
  EXPECT_EQ(projector->forward(at::tensor({10.0F, 100.0F})).item<float>(), 321.0F);
}

TEST(Projector, UnknownTypeNamesTheChoices) {
  for (const char* type : {"identity", "mlpx_gelu", "mlp0x_gelu", "mlp2x_gelu "}) {
    try {
      const Projector projector(type, 2, 2);
      FAIL() << type;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(std::string("'") + type + "'"));
      EXPECT_THAT(error.what(), ::testing::HasSubstr("linear, or mlpNx_gelu"));
    }
  }
}

}  // namespace
}  // namespace mentor
