#include "mentor/generate/sampling.h"
#include "mentor/tensor/safetensors.h"
#include "support/compare.h"
#include "support/llamagen_fixture.h"

#include <ATen/ATen.h>

namespace mentor {
namespace {

SamplingOptions options_of(const nlohmann::json& json) {
  return {.guidance_scale = json.at("cfg_scale"),
          .temperature = json.at("temperature"),
          .top_k = json.at("top_k"),
          .top_p = json.at("top_p")};
}

/// The recorded probabilities, and 0 exactly where the reference has 0.
void expect_distribution(const std::string& name, const at::Tensor& actual,
                         const at::Tensor& expected) {
  expect_close(name, actual, expected, 1e-5);
  EXPECT_TRUE((actual > 0).equal(expected > 0)) << name << ": other support";
}

TEST(GoldenSampling, FilteredDistributions) {
  const auto meta = read_json("sampling/meta.json");
  const StateDict io = read_safetensors(fixture_path("sampling/io.safetensors"));
  const at::Tensor probs = io.at("probs"), argmax = io.at("argmax");
  int64_t index = 0;
  for (const auto& json : meta.at("cases")) {
    const SamplingOptions options = options_of(json);
    const at::Tensor logits = options.guided(0)
                                  ? guide(io.at("cond"), io.at("uncond"), options.guidance_scale)
                                  : io.at("cond");
    const std::string name = "sampling.case" + std::to_string(index);
    expect_distribution(name, filtered_probabilities(logits, options), probs[index]);
    EXPECT_TRUE(logits.argmax(-1).equal(argmax[index])) << name;
    ++index;
  }
  index = 0;
  for (const auto& json : meta.at("tie_cases")) {
    expect_distribution("sampling.tie" + std::to_string(index),
                        filtered_probabilities(io.at("ties"), options_of(json)),
                        io.at("tie_probs")[index]);
    ++index;
  }
  expect_distribution(
      "sampling.guidance_off",
      filtered_probabilities(io.at("cond"), options_of(meta.at("guidance_off_case"))),
      io.at("guidance_off_probs"));
}

TEST(SamplingOptions, GuidanceEndsAfterTheInterval) {
  const SamplingOptions always{.guidance_scale = 3};
  EXPECT_TRUE(always.guided(0) && always.guided(1000));
  const SamplingOptions interval{.guidance_scale = 3, .guidance_interval = 4};
  EXPECT_TRUE(interval.guided(0) && interval.guided(5));
  EXPECT_FALSE(interval.guided(6));
  EXPECT_FALSE((SamplingOptions{.guidance_scale = 1}).guided(0));
}

TEST(TokenSampler, DrawsFromTheDistribution) {
  const at::Tensor logits = at::log(at::tensor({0.5F, 0.25F, 0.125F, 0.125F})).unsqueeze(0);
  TokenSampler sampler({.guidance_scale = 1, .temperature = 1}, {7});
  at::Tensor counts = at::zeros({4});
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) counts[sampler.sample(logits)[0].item<int64_t>()] += 1;
  // Four standard deviations of the most variable cell.
  EXPECT_LE(max_abs_difference(counts / kDraws, at::exp(logits[0])), 4 * 0.5 / std::sqrt(kDraws));
}

TEST(TokenSampler, AStreamDoesNotDependOnItsNeighbours) {
  const at::Tensor logits = at::randn({3, 50});
  TokenSampler together({.guidance_scale = 1}, {11, 22, 33});
  TokenSampler alone({.guidance_scale = 1}, {22});
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(together.sample(logits)[1].equal(alone.sample(logits.slice(0, 1, 2))[0]));
  }
}

}  // namespace
}  // namespace mentor
