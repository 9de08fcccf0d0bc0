#include "mentor/models/patch_discriminator.h"
#include "support/codec_training_fixture.h"

#include <ATen/ATen.h>

namespace mentor {
namespace {

TEST(PatchDiscriminatorGolden, LogitsGradientsAndRunningStatistics) {
  const CodecTrainingFixture fixture;
  PatchDiscriminator discriminator = fixture.discriminator();
  const at::Tensor pixels = fixture.io.at("discriminator.image").clone().requires_grad_(true);
  const at::Tensor logits = discriminator->forward(pixels);
  expect_close("discriminator.logits", logits.detach(), fixture.io.at("discriminator.logits"),
               fixture.values);
  const at::Tensor probe = at::sin(at::arange(logits.numel(), at::kFloat)).view_as(logits);
  (logits * probe).sum().backward();
  expect_close("discriminator.grad_image", pixels.grad(), fixture.io.at("discriminator.grad_image"),
               fixture.gradients);
  EXPECT_EQ(expect_gradients_close("discriminator.", *discriminator, fixture.io,
                                   "discriminator.grad.", fixture.gradients),
            3);
  const StateDict state = state_dict(*discriminator);
  for (const std::string key : {"main.3.running_mean", "main.3.running_var"}) {
    expect_close("discriminator." + key, state.at(key), fixture.io.at("discriminator." + key),
                 fixture.values);
  }
}

TEST(PatchDiscriminator, HasTheKeysAndShapesOfTheReference) {
  const StateDict state = state_dict(*PatchDiscriminator());
  const std::vector<std::pair<std::string, std::vector<int64_t>>> expected = {
      {"main.0.weight", {64, 3, 4, 4}},
      {"main.0.bias", {64}},
      {"main.2.weight", {128, 64, 4, 4}},
      {"main.3.weight", {128}},
      {"main.3.bias", {128}},
      {"main.5.weight", {256, 128, 4, 4}},
      {"main.6.weight", {256}},
      {"main.6.bias", {256}},
      {"main.8.weight", {512, 256, 4, 4}},
      {"main.9.weight", {512}},
      {"main.9.bias", {512}},
      {"main.11.weight", {1, 512, 4, 4}},
      {"main.11.bias", {1}},
      {"main.3.running_mean", {128}},
      {"main.3.running_var", {128}},
      {"main.6.running_mean", {256}},
      {"main.6.running_var", {256}},
      {"main.9.running_mean", {512}},
      {"main.9.running_var", {512}}};
  EXPECT_EQ(state.size(), expected.size());
  for (const auto& [key, shape] : expected) {
    ASSERT_TRUE(state.contains(key)) << key;
    EXPECT_EQ(state.at(key).sizes(), shape) << key;
  }
}

TEST(PatchDiscriminator, WidensUpToEightfold) {
  const PatchDiscriminator deep(PatchDiscriminatorOptions{.ch = 2, .num_layers = 5});
  EXPECT_EQ(state_dict(*deep).at("main.14.weight").sizes(), (std::vector<int64_t>{16, 16, 4, 4}));
}

TEST(PatchDiscriminator, StartsAsTheReferenceDoes) {
  const auto fresh = [](uint64_t seed) {
    PatchDiscriminator discriminator;
    initialize(discriminator, seed);
    return state_dict(*discriminator);
  };
  const StateDict state = fresh(1);
  const at::Tensor convolution = state.at("main.8.weight").detach();
  EXPECT_NEAR(convolution.std().item<double>(), 0.02, 1e-4);
  EXPECT_NEAR(convolution.mean().item<double>(), 0, 1e-4);
  const at::Tensor norm = state.at("main.9.weight").detach();
  EXPECT_NEAR(norm.mean().item<double>(), 1, 0.005);
  EXPECT_NEAR(norm.std().item<double>(), 0.02, 0.005);
  EXPECT_TRUE(state.at("main.9.bias").eq(0).all().item<bool>());
  EXPECT_TRUE(state.at("main.9.running_var").eq(1).all().item<bool>());
  EXPECT_LE(state.at("main.0.bias").abs().max().item<double>(), 1 / std::sqrt(48.0));
  for (const auto& [key, tensor] : fresh(1)) EXPECT_TRUE(at::equal(tensor, state.at(key))) << key;
  EXPECT_FALSE(at::equal(fresh(2).at("main.0.weight"), state.at("main.0.weight")));
}

}  // namespace
}  // namespace mentor
