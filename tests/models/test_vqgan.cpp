#include "mentor/core/error.h"
#include "mentor/models/vqgan.h"
#include "mentor/nn/state.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <string>

namespace mentor {
namespace {

VqganConfig small_config() {
  return {.ch = 32, .ch_mult = {1, 2, 2}, .z_channels = 32, .codebook_size = 64};
}

Vqgan small_codec() {
  Vqgan codec(small_config());
  initialize(codec, 11);
  to_inference_layout(codec);
  return codec;
}

at::Tensor pictures(int64_t batch, int64_t height, int64_t width) {
  at::manual_seed(5);
  return at::rand({batch, 3, height, width}) * 2 - 1;
}

class VqganTest : public ::testing::Test {
 protected:
  Vqgan codec_ = small_codec();
  const at::NoGradGuard no_grad_;
};

TEST_F(VqganTest, PicturesThatAreNotSquareKeepTheirShape) {
  const at::Tensor x = pictures(2, 24, 40);
  EXPECT_EQ(codec_->encode(x).sizes(), (std::vector<int64_t>{2, 8, 6, 10}));
  const at::Tensor codes = codec_->encode_to_codes(x);
  EXPECT_EQ(codes.sizes(), (std::vector<int64_t>{2, 60}));
  EXPECT_EQ(codes.scalar_type(), at::kLong);
  EXPECT_EQ(codec_->decode_codes(codes, 6, 10).sizes(), x.sizes());
}

TEST_F(VqganTest, CodesAreInRasterOrder) {
  const at::Tensor latent = at::zeros({1, 8, 2, 3});
  for (int64_t i = 0; i < 6; ++i) {
    latent[0].select(2, i % 3).select(1, i / 3).copy_(
        codec_->quantizer()->lookup(at::full({1, 1}, 7 * i + 1, at::kLong), 1, 1).flatten());
  }
  const at::Tensor codes = codec_->quantizer()->codes(latent);
  EXPECT_TRUE(at::equal(codes, at::tensor({1, 8, 15, 22, 29, 36}, at::kLong).view({1, 6})));
  expect_close("vqgan.lookup", codec_->quantizer()->lookup(codes, 2, 3), latent, 1e-6);
}

TEST_F(VqganTest, LowestCodeWinsATie) {
  StateDict state = state_dict(*codec_);
  at::Tensor codebook = state.at("quantize.embedding.weight");
  codebook[40].copy_(codebook[9]);
  codebook[63].copy_(codebook[9]);
  const at::Tensor latent = codebook[9].view({1, 8, 1, 1}) * 3;
  EXPECT_EQ(codec_->quantizer()->codes(latent).item<int64_t>(), 9);
}

TEST_F(VqganTest, SizesThatDoNotDivideAreRefusedWithTheNumbers) {
  try {
    (void)codec_->encode_to_codes(pictures(1, 24, 42));
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("42 x 24 pixels"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("multiples of 4"));
  }
  EXPECT_THROW((void)codec_->decode_codes(at::zeros({1, 7}, at::kLong), 2, 4), c10::Error);
  EXPECT_THROW((void)codec_->decode_codes(at::zeros({1, 8}), 2, 4), c10::Error);
}

TEST_F(VqganTest, BatchIsItsSingles) {
  const at::Tensor x = pictures(3, 32, 24);
  const at::Tensor latent = codec_->encode(x), codes = codec_->encode_to_codes(x);
  const at::Tensor pixels = codec_->decode_codes(codes, 8, 6);
  // oneDNN picks its blocking by batch, so sums are added in another order.
  for (int64_t i = 0; i < 3; ++i) {
    const auto single = [&](const at::Tensor& t) { return t.slice(0, i, i + 1); };
    expect_close("vqgan.batch.latent", codec_->encode(single(x)), single(latent), 2e-5);
    EXPECT_TRUE(at::equal(codec_->encode_to_codes(single(x)), single(codes)));
    expect_close("vqgan.batch.pixels", codec_->decode_codes(single(codes), 8, 6), single(pixels),
                 2e-5);
  }
}

TEST_F(VqganTest, LayoutAndGradientModeChangeNothing) {
  const at::Tensor x = pictures(1, 16, 16);
  Vqgan plain(small_config());
  initialize(plain, 11);
  expect_close("vqgan.layout", codec_->encode(x), plain->encode(x), 2e-6);
  const at::Tensor codes = codec_->encode_to_codes(x);
  const at::Tensor pixels = codec_->decode_codes(codes, 4, 4);
  const at::AutoGradMode gradients(true);
  expect_close("vqgan.gradient_mode", plain->decode_codes(codes, 4, 4), pixels, 2e-5);
}

TEST_F(VqganTest, Bf16IsCloseToFp32) {
  const at::Tensor x = pictures(1, 32, 32);
  const at::Tensor latent = codec_->encode(x), codes = codec_->encode_to_codes(x);
  const at::Tensor pixels = codec_->decode_codes(codes, 8, 8);
  Vqgan bf16 = small_codec();
  bf16->to(at::kBFloat16);
  // bf16 keeps 8 bits (0.4 %); some twenty layers of it come to 3 % of the largest value.
  const auto bound = [](const at::Tensor& t) { return 0.05 * t.abs().max().item<double>(); };
  expect_close("vqgan.bf16.latent", bf16->encode(x), latent, bound(latent));
  expect_close("vqgan.bf16.pixels", bf16->decode_codes(codes, 8, 8), pixels, bound(pixels));
}

TEST(VqganInitialization, FollowsTheReference) {
  Vqgan codec = small_codec();
  const StateDict state = state_dict(*codec);
  const at::Tensor codebook = state.at("quantize.embedding.weight").detach();
  expect_close("vqgan.codebook_norm", codebook.norm(2, {1}), at::ones({64}), 1e-6);
  EXPECT_TRUE(state.at("encoder.norm_out.weight").eq(1).all().item<bool>());
  EXPECT_TRUE(state.at("encoder.norm_out.bias").eq(0).all().item<bool>());
  EXPECT_TRUE(state.at("quantize.codebook_used").eq(0).all().item<bool>());
  for (const std::string name : {"weight", "bias"}) {  // fan-in 64 * 3 * 3
    const at::Tensor tensor = state.at("decoder.mid.0.conv1." + name).detach();
    const double largest = tensor.abs().max().item<double>();
    EXPECT_LE(largest, 1.0 / 24) << name;
    EXPECT_GE(largest, 0.9 / 24) << name;
  }
  const StateDict again = state_dict(*small_codec());
  for (const auto& [key, tensor] : state) EXPECT_TRUE(at::equal(tensor, again.at(key))) << key;
}

TEST(VqganTraining, GradientsReachEveryParameterThatTheLossTouches) {
  VqganConfig config = small_config();
  config.entropy_ratio = 0.1;
  Vqgan codec(config);
  initialize(codec, 3);
  const at::Tensor x = pictures(1, 16, 16);
  const VqganOutput output = codec->forward(x);
  ((output.reconstruction_B3HW - x).square().mean() + output.quantizer.codebook_loss +
   output.quantizer.commit_loss + output.quantizer.entropy_loss)
      .backward();
  for (const auto& item : codec->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
  }
}

TEST(VqganTraining, UsageHistoryIsAQueueOfTheLastCodes) {
  Vqgan codec = small_codec();
  VectorQuantizer quantizer = codec->quantizer();
  const auto used = [&] { return state_dict(*codec).at("quantize.codebook_used"); };
  const at::Tensor latent = at::randn({1, 8, 3, 2});
  const QuantizerOutput first = quantizer->forward(latent);
  EXPECT_EQ(used().sizes(), (std::vector<int64_t>{65536}));
  EXPECT_TRUE(at::equal(used().slice(0, -6), first.codes_BT.flatten().to(at::kFloat)));
  EXPECT_TRUE(used().slice(0, 0, -6).eq(0).all().item<bool>());
  // More codes in one step than the queue is long: the reference's shift fails here.
  const QuantizerOutput flood = quantizer->forward(at::randn({1, 8, 257, 256}));
  EXPECT_TRUE(at::equal(used(), flood.codes_BT.flatten().slice(0, -65536).to(at::kFloat)));
  EXPECT_EQ(flood.usage.item<float>(), 1);
}

}  // namespace
}  // namespace mentor
