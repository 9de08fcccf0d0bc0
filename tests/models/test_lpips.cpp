#include "mentor/core/error.h"
#include "mentor/models/lpips.h"
#include "mentor/tensor/torch_archive.h"
#include "support/codec_training_fixture.h"
#include "support/key_contract.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(LpipsGolden, DistancesAndTheirGradient) {
  const CodecTrainingFixture fixture;
  Lpips lpips = fixture.lpips();
  const at::Tensor b = fixture.io.at("lpips.b").clone().requires_grad_(true);
  const at::Tensor distance = lpips->forward(fixture.io.at("lpips.a"), b);
  expect_close("lpips.value", distance.detach(), fixture.io.at("lpips.value"), fixture.values);
  distance.mean().backward();
  expect_close("lpips.grad_b", b.grad(), fixture.io.at("lpips.grad_b"), fixture.gradients);
  for (const at::Tensor& parameter : lpips->parameters()) EXPECT_FALSE(parameter.requires_grad());
  EXPECT_EQ(lpips->forward(b, b).abs().max().item<float>(), 0);
}

TEST(LpipsGolden, TinyOneHasTheKeysOfTheReference) {
  const CodecTrainingFixture fixture;
  const StateDict state = state_dict(*fixture.lpips());
  const nlohmann::json& expected = fixture.meta.at("lpips_keys");
  EXPECT_EQ(state.size(), expected.size());
  for (const auto& [key, shape] : expected.items()) {
    ASSERT_TRUE(state.contains(key)) << key;
    EXPECT_EQ(state.at(key).sizes(), shape.get<std::vector<int64_t>>()) << key;
  }
}

TEST(LpipsKeys, AreThoseOfThePublishedFiles) {
  EXPECT_EQ(key_contract(*Lpips()), read_key_contract("lpips_vgg.txt"));
}

/// Two files of a tiny network, and what reading them says.
class LpipsLoading : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [key, tensor] : state_dict(*fixture_.lpips())) {
      (key.starts_with("lin") ? lin_ : vgg_).set(key, tensor);
    }
    vgg_.set("classifier.0.weight", at::zeros({2, 2}));  // torchvision's file has one
  }
  [[nodiscard]] Lpips load() {
    save_safetensors(dir_ / "vgg16.safetensors", vgg_);
    save_safetensors(dir_ / "vgg.safetensors", lin_);
    return load_lpips({.vgg = dir_ / "vgg16.safetensors",
                       .lin = dir_ / "vgg.safetensors",
                       .vgg_key = "codec_train.lpips_vgg",
                       .lin_key = "codec_train.lpips_lin"},
                      at::kFloat, at::kCPU, fixture_.lpips_options());
  }
  template <class Error>
  [[nodiscard]] std::string message() {
    try {
      (void)load();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  const CodecTrainingFixture fixture_;
  const TempDir dir_;
  StateDict vgg_, lin_;
};

TEST_F(LpipsLoading, TakesBothFiles) {
  Lpips lpips = load();
  expect_close("lpips.loaded", lpips->forward(fixture_.io.at("lpips.a"), fixture_.io.at("lpips.b")),
               fixture_.io.at("lpips.value"), fixture_.values);
  for (const at::Tensor& parameter : lpips->parameters()) EXPECT_FALSE(parameter.requires_grad());
}

TEST_F(LpipsLoading, TakesTheFilesAsTorchWritesThem) {
  save_torch_archive(dir_ / "vgg16.pth", vgg_);
  save_torch_archive(dir_ / "vgg.pth", lin_);
  Lpips lpips = load_lpips({.vgg = dir_ / "vgg16.pth", .lin = dir_ / "vgg.pth"}, at::kFloat,
                           at::kCPU, fixture_.lpips_options());
  expect_close("lpips.loaded", lpips->forward(fixture_.io.at("lpips.a"), fixture_.io.at("lpips.b")),
               fixture_.io.at("lpips.value"), fixture_.values);
}

TEST_F(LpipsLoading, NamesFileTensorAndKey) {
  vgg_.erase("features.10.bias");
  EXPECT_THAT(message<WeightsError>(),
              AllOf(HasSubstr("codec_train.lpips_vgg: "), HasSubstr("vgg16.safetensors"),
                    HasSubstr("features.10.bias is missing")));
  vgg_.set("features.10.bias", at::zeros({7}));
  EXPECT_THAT(message<WeightsError>(), HasSubstr("features.10.bias has shape [7], not [8]"));
}

TEST_F(LpipsLoading, NamesTheLinFileToo) {
  lin_.erase("lin4.model.1.weight");
  EXPECT_THAT(message<WeightsError>(),
              AllOf(HasSubstr("codec_train.lpips_lin: "), HasSubstr("lin4.model.1.weight")));
}

TEST_F(LpipsLoading, RefusesAFileOfSomethingElse) {
  std::swap(vgg_, lin_);
  EXPECT_THAT(message<WeightsError>(),
              AllOf(HasSubstr("codec_train.lpips_vgg: "), HasSubstr("holds no tensor 'features.*'"),
                    HasSubstr("vgg16-397923af.pth")));
}

TEST(LpipsLoadingWithoutFiles, SaysWhichKeyToSet) {
  try {
    (void)load_lpips({.vgg = {}, .lin = "a", .vgg_key = "x.vgg", .lin_key = "x.lin"}, at::kFloat,
                     at::kCPU);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("x.vgg: the perceptual loss needs torchvision's vgg16"));
  }
}

}  // namespace
}  // namespace mentor
