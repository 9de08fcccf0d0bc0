#include "mentor/models/clip_vision.h"
#include "mentor/nn/parameters.h"
#include "support/golden_configs.h"
#include "support/golden_tensors.h"
#include "support/key_contract.h"

#include <ATen/ATen.h>

namespace mentor {
namespace {

class ClipVisionTest : public ::testing::Test {
 protected:
  ClipVisionTest()
      : golden_("clip"),
        config_(golden_clip_config(golden_.meta.at("config"))),
        model_(config_),
        pixels_(golden_.io.at("pixel_values")),
        tolerance_(Tolerance::parse(golden_.meta.at("tolerance").at("all"))) {
    load_golden(*model_, golden_.weights.below("vision_model."));
  }

  Golden golden_;
  ClipConfig config_;
  ClipVision model_;
  at::Tensor pixels_;
  Tolerance tolerance_;
};

TEST_F(ClipVisionTest, HiddenStatesEqualReference) {
  expect_close("clip.hidden_states_0", model_->hidden_state(pixels_, 0),
               golden_.io.at("hidden_states_0"), tolerance_);
  expect_close("clip.hidden_states_minus_2_patches", model_->forward(pixels_),
               golden_.io.at("hidden_states_minus_2_patches"), tolerance_);
  expect_close("clip.hidden_states_last", model_->hidden_state(pixels_, config_.num_layers),
               golden_.io.at("hidden_states_last"), tolerance_);
}

TEST_F(ClipVisionTest, FeatureNeedsNeitherTheLastLayerNorThePostNorm) {
  StateDict weights = golden_.weights.below("vision_model.");
  const std::string unused = "encoder.layers." + std::to_string(config_.num_layers - 1) + ".";
  size_t num_unused = 0;
  for (const auto& [key, tensor] : golden_.weights.below("vision_model.")) {
    if (key.starts_with(unused) || key.starts_with("post_layernorm.")) {
      num_unused += weights.erase(key) ? 1 : 0;
    }
  }
  ClipVision model(config_);  // what is not loaded holds NaN
  EXPECT_EQ(load_state_dict(*model, weights, at::kFloat).missing.size(), num_unused);
  EXPECT_EQ(num_unused, 18U);
  EXPECT_TRUE(at::equal(model->forward(pixels_), model_->forward(pixels_)));
}

TEST_F(ClipVisionTest, NeverRecordsGradients) {
  EXPECT_FALSE(model_->forward(pixels_).requires_grad());
}

TEST_F(ClipVisionTest, Bf16StaysNearFp32) {
  const at::Tensor expected = model_->forward(pixels_);
  load_golden(*model_, golden_.weights.below("vision_model."), at::kBFloat16);
  const at::Tensor feature = model_->forward(pixels_);
  EXPECT_EQ(feature.scalar_type(), at::kBFloat16);
  expect_close("clip.bf16", feature.to(at::kFloat), expected, {.relative = 0.03});
}

TEST_F(ClipVisionTest, RefusesPicturesOfAnotherSize) {
  EXPECT_THROW((void)model_->forward(at::zeros({1, 3, 8, 8})), c10::Error);
  EXPECT_THROW((void)model_->hidden_state(pixels_, config_.num_layers + 1), c10::Error);
}

TEST(ClipVisionKeys, EqualVitL14) {
  const ClipVision model{ClipConfig{}};
  EXPECT_EQ(key_contract(*model), read_key_contract("hf_clip_vision_vit_l14.txt", "vision_model."));
  EXPECT_EQ(count_parameters(*model), 303179776);
}

}  // namespace
}  // namespace mentor
