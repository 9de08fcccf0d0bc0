#include "mentor/core/error.h"
#include "mentor/models/condition_prefix.h"
#include "mentor/models/multimodal_encoder.h"
#include "mentor/nn/parameters.h"
#include "support/golden_configs.h"
#include "support/golden_tensors.h"
#include "support/key_contract.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class MultimodalEncoderTest : public ::testing::Test {
 protected:
  MultimodalEncoderTest()
      : golden_("multimodal_encoder"),
        config_(golden_encoder_config(golden_.meta.at("config"))),
        model_(config_) {
    load_golden(*model_, golden_.weights);
    model_->eval();
  }

  /// Ids and lengths of one of the fixture's batches, without pictures.
  [[nodiscard]] EncoderInput text(const std::string& prefix) const {
    const at::Tensor lengths = golden_.io.at(prefix + "attention_mask").sum(1).contiguous();
    const int64_t* first = lengths.const_data_ptr<int64_t>();
    return {.ids_BS = golden_.io.at(prefix + "input_ids"),
            .lengths = {first, first + lengths.numel()}};
  }
  /// Row 0 with one picture, row 1 without, row 2 with two.
  [[nodiscard]] EncoderInput three_rows() const {
    EncoderInput input = text("");
    input.pixels_NCHW = golden_.io.at("pixel_values").index({golden_.io.at("img_mask")});
    input.image_owner = {0, 2, 2};
    return input;
  }
  /// The context cut the placeholders of row 0.
  [[nodiscard]] EncoderInput truncated() const {
    EncoderInput input = text("truncated.");
    input.pixels_NCHW = golden_.io.at("truncated.pixel_values").flatten(0, 1);
    input.image_owner = {0, 1};
    return input;
  }
  [[nodiscard]] Tolerance tolerance(const char* key) const {
    return Tolerance::parse(golden_.meta.at("tolerance").at(key));
  }
  [[nodiscard]] std::string error_of(const EncoderInput& input,
                                     const ImageAssignment& assignment = {}) const {
    try {
      (void)model_->forward(input, assignment);
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }

  Golden golden_;
  ModelConfig config_;
  MultimodalEncoder model_;
};

TEST_F(MultimodalEncoderTest, FeaturesPrefixLossAndGradientsEqualReference) {
  const EncoderInput input = three_rows();
  const at::Tensor features = model_->forward(input);
  const Tolerance near = tolerance("features, prefix");
  expect_close("multimodal_encoder.features", features, golden_.io.at("features"), near);

  const at::Tensor& expected_prefix = golden_.io.at("prefix");
  const ConditionPrefix prefix =
      left_padded_prefix(features, input.lengths, expected_prefix.size(1));
  expect_close("multimodal_encoder.prefix", prefix.prefix_BLD, expected_prefix, near);
  EXPECT_TRUE(at::equal(prefix.mask_BL, golden_.io.at("prefix_mask")));

  const at::Tensor& mask = golden_.io.at("attention_mask");
  const at::Tensor loss =
      (features * golden_.io.at("probe") * mask.unsqueeze(-1)).sum() / mask.sum();
  expect_close("multimodal_encoder.loss", loss.reshape({1}), golden_.io.at("loss"),
               tolerance("loss"));
  loss.backward();
  EXPECT_GE(expect_gradients_close("multimodal_encoder.grad.", *model_, golden_.io, "grad.",
                                   tolerance("grad")),
            5);
  for (const auto& [key, tensor] : state_dict(*model_)) {
    EXPECT_EQ(tensor.requires_grad(), !key.starts_with("vision_model.")) << key;
  }
}

TEST_F(MultimodalEncoderTest, ProjectorLearnsThroughAFrozenLanguageModel) {
  const at::Tensor& expected = golden_.io.at("grad.language_projection.0.weight");
  for (at::Tensor& parameter : model_->language_model()->parameters()) {
    parameter.set_requires_grad(false);
  }
  const at::Tensor& mask = golden_.io.at("attention_mask");
  const at::Tensor features = model_->forward(three_rows());
  ((features * golden_.io.at("probe") * mask.unsqueeze(-1)).sum() / mask.sum()).backward();
  expect_close("multimodal_encoder.frozen_t5.grad.language_projection.0.weight",
               state_dict(*model_).at("language_projection.0.weight").grad(), expected,
               tolerance("grad"));
}

TEST_F(MultimodalEncoderTest, TextOnlyKeepsALiteralPlaceholder) {
  const c10::InferenceMode inference;
  expect_close("multimodal_encoder.text_only.features", model_->forward(text("text_only.")),
               golden_.io.at("text_only.features"), tolerance("features, prefix"));
}

TEST_F(MultimodalEncoderTest, RowWithoutPictureKeepsALiteralPlaceholderBesideOnesWithPictures) {
  const c10::InferenceMode inference;
  EncoderInput input = three_rows();
  const EncoderInput literal = text("text_only.");
  input.ids_BS = input.ids_BS.clone();
  input.ids_BS[1].copy_(literal.ids_BS[1]);
  input.lengths[1] = literal.lengths[1];
  expect_close("multimodal_encoder.mixed_batch", model_->forward(input)[1],
               golden_.io.at("text_only.features")[1], tolerance("features, prefix"));
}

TEST_F(MultimodalEncoderTest, PicturesMayBeInterleavedBetweenRows) {
  const c10::InferenceMode inference;
  EncoderInput input = three_rows();
  input.pixels_NCHW = input.pixels_NCHW.index_select(0, at::tensor({1, 0, 2}, at::kLong));
  input.image_owner = {2, 0, 2};
  expect_close("multimodal_encoder.interleaved", model_->forward(input), golden_.io.at("features"),
               tolerance("features, prefix"));
}

TEST_F(MultimodalEncoderTest, TruncatedPromptFollowsTheChosenAssignment) {
  const c10::InferenceMode inference;
  const Tolerance near = tolerance("features, prefix");
  expect_close("multimodal_encoder.truncated.features_per_row",
               model_->forward(truncated(), {.allow_truncated = true}),
               golden_.io.at("truncated.features_per_row"), near);
  expect_close("multimodal_encoder.truncated.features_upstream",
               model_->forward(truncated(), {.reference_flat = true}),
               golden_.io.at("truncated.features_upstream"), near);
}

TEST_F(MultimodalEncoderTest, MismatchNamesRowCountsAndCure) {
  EXPECT_THAT(error_of(truncated()),
              AllOf(HasSubstr("row 0: 0 <image> placeholders, but 1 pictures x 4 features = 4"),
                    HasSubstr("name every picture once in the prompt"), HasSubstr("shorten")));
  EncoderInput missing = three_rows();
  missing.pixels_NCHW = missing.pixels_NCHW.narrow(0, 0, 2);
  missing.image_owner = {0, 2};
  for (const bool allow_truncated : {false, true}) {
    EXPECT_THAT(error_of(missing, {.allow_truncated = allow_truncated}),
                HasSubstr("row 2: 8 <image> placeholders, but 1 pictures x 4 features = 4"));
  }
  EXPECT_THAT(error_of(missing, {.reference_flat = true}),
              HasSubstr("12 <image> placeholders, but its pictures give only 8 features"));
}

TEST_F(MultimodalEncoderTest, BrokenContractsAreCaught) {
  EncoderInput input = three_rows();
  input.image_owner = {0, 2};
  EXPECT_THROW((void)model_->forward(input), c10::Error);
  input.image_owner = {0, 2, 3};
  EXPECT_THROW((void)model_->forward(input), c10::Error);
  input = three_rows();
  input.ids_BS = input.ids_BS.to(at::kInt);
  EXPECT_THROW((void)model_->forward(input), c10::Error);
}

TEST_F(MultimodalEncoderTest, WithoutVisionThereIsOnlyTheLanguageModel) {
  config_.vision = false;
  model_ = MultimodalEncoder(config_);
  for (const auto& [key, tensor] : state_dict(*model_)) {
    EXPECT_TRUE(key.starts_with("language_model.")) << key;
  }
  EXPECT_THAT(error_of(three_rows()), HasSubstr("has no vision tower"));
}

TEST(MultimodalEncoderKeys, EqualMentorXl) {
  const MultimodalEncoder model{ModelConfig{}};
  EXPECT_EQ(key_contract(*model), read_key_contract("mentor_llava_XL.txt", "multimodal_encoder."));
  EXPECT_EQ(count_parameters(*model), 303179776 + 6295552 + 1223527424);
}

TEST(ConditionPrefix, PacksTheValidRows) {
  const at::Tensor features = at::arange(2 * 3 * 2, at::kFloat).view({2, 3, 2});
  const at::Tensor packed = pack_rows(features, {1, 3});
  EXPECT_TRUE(at::equal(packed, at::cat({features[0].narrow(0, 0, 1), features[1]})));
  EXPECT_TRUE(at::equal(pack_rows(features.narrow(0, 1, 1), {2}), features[1].narrow(0, 0, 2)));
  EXPECT_THROW((void)pack_rows(features, {1}), c10::Error);
  EXPECT_THROW((void)left_padded_prefix(features, {1, 3}, 2), c10::Error);
}

}  // namespace
}  // namespace mentor
