#include "mentor/models/vqgan.h"
#include "support/compare.h"
#include "support/formula_fill.h"
#include "support/golden.h"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

// VQ-16 and VQ-8 in full size, filled by a formula (tests/golden/pil/vq.json).

namespace mentor {
namespace {

constexpr int64_t kSide = 64;

at::Tensor to_tensor(const nlohmann::json& numbers) {
  return at::tensor(numbers.get<std::vector<float>>());
}

struct FullSizeCase {
  std::string name;
  std::vector<int64_t> ch_mult;
};

class VqganFullSize : public ::testing::TestWithParam<FullSizeCase> {};

TEST_P(VqganFullSize, AgreesWithTheReference) {
  const at::NoGradGuard no_grad;
  std::ifstream file(fixture_path("pil/vq.json"));
  const nlohmann::json expected = nlohmann::json::parse(file).at(GetParam().name);
  const std::string label = "pil." + GetParam().name + ".";
  Vqgan codec(VqganConfig{.ch_mult = GetParam().ch_mult});
  ASSERT_TRUE(load_state_dict(*codec, sine_fill(*codec), at::kFloat).complete());
  to_inference_layout(codec);

  const at::Tensor x = (0.05 * at::arange(3 * kSide * kSide, at::kDouble)).sin();
  const at::Tensor latent = codec->encode(x.view({1, 3, kSide, kSide}).to(at::kFloat));
  const auto scalar = [](double value) { return at::scalar_tensor(value, at::kFloat); };
  expect_close(label + "latent.abs_mean", latent.abs().mean(), scalar(expected.at("h_abs_mean")),
               1e-4);
  const at::Tensor corner = latent.select(0, 0).select(1, 0).select(1, 0);
  expect_close(label + "latent", corner, to_tensor(expected.at("h[0,:,0,0]")), 1e-4);

  // The formula makes near-equal code rows: any row counts that is as near as the reference's.
  const int64_t grid = kSide / codec->config().downsampling();
  const auto given = expected.at("indices").get<std::vector<int64_t>>();
  const at::Tensor given_codes = at::tensor(given, at::kLong).view({1, -1});
  const VectorQuantizer quantizer = codec->quantizer();
  const at::Tensor unit_latent = latent / latent.norm(2, 1, /*keepdim=*/true);
  const auto distance = [&](const at::Tensor& codes) {
    return (unit_latent - quantizer->lookup(codes, grid, grid)).square().sum(1);
  };
  expect_close(label + "distance_to_code", distance(quantizer->codes(latent)),
               distance(given_codes), 1e-5);

  const at::Tensor pixels = codec->decode_codes(given_codes, grid, grid);
  const double relative = 1e-4 * pixels.abs().max().item<double>();
  expect_close(label + "mean", pixels.mean(), scalar(expected.at("rec_mean")), relative);
  expect_close(label + "std", pixels.std(), scalar(expected.at("rec_std")), relative);
  const auto first = expected.at("rec[0,:,0,:4]"), last = expected.at("rec[0,:,63,60:]");
  for (int64_t channel = 0; channel < 3; ++channel) {
    const at::Tensor plane = pixels[0][channel];
    const auto index = static_cast<size_t>(channel);
    expect_close(label + "first_pixels", plane[0].slice(0, 0, 4), to_tensor(first.at(index)),
                 relative);
    expect_close(label + "last_pixels", plane[63].slice(0, 60), to_tensor(last.at(index)),
                 relative);
  }
}

INSTANTIATE_TEST_SUITE_P(Presets, VqganFullSize,
                         ::testing::Values(FullSizeCase{"VQ-16", {1, 1, 2, 2, 4}},
                                           FullSizeCase{"VQ-8", {1, 2, 2, 4}}),
                         [](const auto& item) { return "VQ" + item.param.name.substr(3); });

}  // namespace
}  // namespace mentor
