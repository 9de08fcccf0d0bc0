#include "mentor/models/vqgan.h"
#include "mentor/nn/parameters.h"
#include "support/codec_training_fixture.h"

#include <ATen/ATen.h>

// The codec with layout: local.

namespace mentor {
namespace {

TEST(LocalCodecGolden, EncodesDecodesAndTrains) {
  const CodecTrainingFixture fixture;
  Vqgan codec = fixture.codec();
  const at::Tensor pixels = fixture.io.at("codec.image");
  const VqganOutput output = codec->forward(pixels);
  expect_close("local.latent", codec->encode(pixels).detach(), fixture.io.at("codec.latent"),
               fixture.values);
  EXPECT_TRUE(at::equal(output.quantizer.codes_BT, fixture.io.at("codec.codes")));
  expect_close("local.reconstruction", output.reconstruction_B3HW.detach(),
               fixture.io.at("codec.reconstruction"), fixture.values);
  const nlohmann::json& losses = fixture.meta.at("codec");
  EXPECT_NEAR(output.quantizer.codebook_loss.item<double>(), losses.at("vq"), 1e-6);
  EXPECT_NEAR(output.quantizer.commit_loss.item<double>(), losses.at("commit"), 1e-6);
  ((output.reconstruction_B3HW - pixels).abs().mean() + output.quantizer.codebook_loss +
   output.quantizer.commit_loss)
      .backward();
  EXPECT_EQ(expect_gradients_close("local.", *codec, fixture.io, "codec.grad.", fixture.gradients),
            6);
}

VqganConfig config_of_patch(int64_t patch_size) {
  return {.layout = "local",
          .ch = 96,
          .patch_size = patch_size,
          .norm_groups = 16,
          .z_channels = 64,
          .codebook_size = 512};
}

TEST(LocalCodec, HasTheSizeOfTheOneItWasTriedWith) {
  EXPECT_EQ(count_parameters(*Vqgan(config_of_patch(4))), 618'708);
}

class LocalCodecOfPatch : public ::testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { initialize(codec_, 4); }
  [[nodiscard]] at::Tensor pictures(int64_t rows, int64_t columns) const {
    at::manual_seed(2);
    return at::rand({2, 3, rows * GetParam(), columns * GetParam()}) * 2 - 1;
  }
  Vqgan codec_{config_of_patch(GetParam())};
  const at::NoGradGuard no_grad_;
};

TEST_P(LocalCodecOfPatch, CodesComeBackInTheSizeOfThePicture) {
  const at::Tensor x = pictures(2, 3);
  const at::Tensor codes = codec_->encode_to_codes(x);
  EXPECT_EQ(codes.sizes(), (std::vector<int64_t>{2, 6}));
  EXPECT_EQ(codec_->decode_codes(codes, 2, 3).sizes(), x.sizes());
  // Sides are cut to whole patches, as a convolution cuts them.
  const at::Tensor longer = at::constant_pad_nd(x, {0, 1, 0, 1});
  EXPECT_TRUE(at::equal(codec_->encode(longer), codec_->encode(x)));
}

TEST_P(LocalCodecOfPatch, ACodeDependsOnItsOwnPatchAlone) {
  const int64_t patch = GetParam();
  at::Tensor x = pictures(3, 3);
  const at::Tensor before = codec_->encode(x);
  x.slice(2, patch, 2 * patch).slice(3, patch, 2 * patch).neg_();
  const at::Tensor changed = codec_->encode(x).ne(before).any(1).any(0);
  at::Tensor only_the_middle = at::zeros({3, 3}, at::kBool);
  only_the_middle[1][1].fill_(true);
  EXPECT_TRUE(at::equal(changed, only_the_middle)) << changed;
}

TEST_P(LocalCodecOfPatch, GradientModeAndInferenceLayoutChangeNothing) {
  const at::Tensor x = pictures(4, 4);
  const at::Tensor codes = codec_->encode_to_codes(x);
  const at::Tensor pixels = codec_->decode_codes(codes, 4, 4);
  to_inference_layout(codec_);
  EXPECT_TRUE(at::equal(codec_->decode_codes(codes, 4, 4), pixels));
  const at::AutoGradMode gradients(true);
  expect_close("local.gradient_mode", codec_->decode_codes(codes, 4, 4).detach(), pixels, 1e-5);
}

TEST_P(LocalCodecOfPatch, UnquantisedPassGivesTheLatentItself) {
  const at::Tensor x = pictures(2, 2);
  const VqganOutput output = codec_->forward(x, Quantisation::kOff);
  const at::Tensor latent = codec_->encode(x);
  expect_close("local.unquantised", output.quantizer.quantised_BEHW,
               latent / latent.norm(2, {1}, true), 1e-6);
  EXPECT_TRUE(
      at::equal(output.reconstruction_B3HW, codec_->decode(output.quantizer.quantised_BEHW)));
  EXPECT_TRUE(at::equal(output.quantizer.latent_ME.view({2, 2, 2, -1}).permute({0, 3, 1, 2}),
                        output.quantizer.quantised_BEHW));
  EXPECT_FALSE(output.quantizer.codes_BT.defined());
  EXPECT_EQ(output.quantizer.commit_loss.item<float>(), 0);
}

INSTANTIATE_TEST_SUITE_P(Patches, LocalCodecOfPatch, ::testing::Values(2, 4, 8));

}  // namespace
}  // namespace mentor
