#include "mentor/dist/communicator.h"
#include "mentor/nn/loss.h"
#include "mentor/train/loss.h"
#include "mentor/train/optimizer.h"
#include "support/compare.h"
#include "support/llamagen_fixture.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <memory>

namespace mentor {
namespace {

constexpr const char* kVariants[][2] = {{"fixed", "identity"}, {"zero_prefix", "zero"}};

std::vector<TrainedParameter> all_parameters(LlamaGen& model) {
  std::vector<TrainedParameter> parameters;
  for (const auto& item : model->named_parameters()) {
    parameters.push_back(
        {.name = item.key(), .tensor = item.value(), .decays = item.value().dim() >= 2});
  }
  return parameters;
}

LlamaGen fixture_model(const nlohmann::json& meta, const std::string& rope) {
  LlamaGen model(decoder_config(meta.at("config"), rope));
  (void)load_state_dict(*model, read_safetensors(fixture_path("llamagen/weights.safetensors")),
                        at::kFloat);
  return model;
}

/// The reference's ten steps with our buckets, our AdamW and our loss; with one micro-batch on one
/// rank its normalisation is ours.
void expect_ten_steps(const LossNormalization& normalization) {
  const auto meta = read_json("llamagen/meta.json");
  const StateDict io = read_safetensors(fixture_path("llamagen/io.safetensors"));
  const Condition condition = packed_condition(io.at("cond"), io.at("prefix_mask"));
  const at::Tensor valid_B = io.at("valid").to(at::kFloat);
  for (const auto& [variant, rope] : kVariants) {
    const auto& expected = meta.at("cases").at(variant).at("adamw");
    LlamaGen model = fixture_model(meta, rope);
    const auto solo = solo_communicator();
    ParameterBuckets buckets(all_parameters(model), {.bucket_bytes = 64 << 10}, *solo);
    EXPECT_GT(buckets.buckets().size(), 4u) << "several buckets of each kind";
    AdamW optimizer(buckets, {.lr = 1e-3}, /*ema_decay=*/0, *solo);
    double worst_loss = 0, worst_norm = 0;
    for (size_t step = 0; step < 10; ++step) {
      const at::Tensor tokens = io.at(step % 2 == 0 ? "tokens" : "tokens_2");
      const auto targets = static_cast<int64_t>(valid_B.sum().item<float>()) * tokens.size(1);
      const double scale = loss_scales(normalization, {targets}, {targets}, 1).front();
      buckets.begin_step();
      buckets.exchange_when_complete();
      const at::Tensor losses_BT = token_losses(model->forward(condition, tokens), tokens);
      const at::Tensor loss = (losses_BT * valid_B.unsqueeze(1)).sum() * scale;
      loss.backward();
      buckets.finish_gradients();
      const double norm = optimizer.step(1e-3).item<double>();
      worst_loss = std::max(
          worst_loss, std::abs(loss.item<double>() - expected.at("losses").at(step).get<double>()));
      const double expected_norm = expected.at("grad_norm_before_clip").at(step);
      worst_norm = std::max(worst_norm, std::abs(norm / expected_norm - 1));
    }
    std::printf("golden optimizer.%s loss max=%.3g (1e-4), norm max_rel=%.3g (2e-4)\n", variant,
                worst_loss, worst_norm);
    EXPECT_LE(worst_loss, 1e-4);
    EXPECT_LE(worst_norm, 2e-4);
    double worst = 0;
    for (const auto& [key, tensor] : state_dict(*model)) {
      const double norm = expected.at("final_norm").at(key);
      worst = std::max(worst, std::abs(tensor.norm().item<double>() / norm - 1));
    }
    EXPECT_LE(worst, 1e-4);
  }
}

TEST(GoldenOptimizer, TenStepsOnTheLlamaGenFixture) { expect_ten_steps({}); }

TEST(GoldenOptimizer, TenStepsWithTheReferencesNormalization) {
  expect_ten_steps({.per_rank = true, .gradient_sum = true});
}

/// Two parameters [4, 3] with a gradient of ones each and what the optimizer makes of them.
struct TwoParameters {
  explicit TwoParameters(const OptimizerConfig& config, int second_group = 0,
                         double ema_decay = 0) {
    buckets = std::make_unique<ParameterBuckets>(
        std::vector<TrainedParameter>{
            {.name = "a", .tensor = a, .decays = false},
            {.name = "b", .tensor = b, .decays = false, .clip_group = second_group}},
        ParameterBuckets::Options{}, *solo);
    optimizer = std::make_unique<AdamW>(*buckets, config, ema_decay, *solo);
  }
  /// Gradients: all elements 1 and all elements `second`.
  double step(double second) {
    buckets->begin_step();
    buckets->exchange_when_complete();
    (a.sum() + second * b.sum()).backward();
    buckets->finish_gradients();
    return optimizer->step(0.1).item<double>();
  }
  [[nodiscard]] StateSlice slice(const std::string& name) const {
    for (const StateSlice& slice : optimizer->slices()) {
      if (slice.name == name) return slice;
    }
    return {};
  }

  at::Tensor a = at::ones({4, 3}), b = at::ones({4, 3});
  std::unique_ptr<Communicator> solo = solo_communicator();
  std::unique_ptr<ParameterBuckets> buckets;
  std::unique_ptr<AdamW> optimizer;
};

TEST(ClipGroups, AreClippedEachByItsOwnNorm) {
  const OptimizerConfig config{.beta1 = 0.5, .max_grad_norm = 1};
  const double ones = std::sqrt(12.0), tens = 10 * ones;
  TwoParameters apart(config, /*second_group=*/1), together(config);
  EXPECT_NEAR(apart.step(10), ones, 1e-5) << "the norm of group 0";
  EXPECT_NEAR(together.step(10), std::hypot(ones, tens), 1e-4);
  const auto first_moment = [](const TwoParameters& run, const std::string& name) {
    return run.slice(name).exp_avg[0].item<double>();
  };
  EXPECT_NEAR(first_moment(apart, "a"), 0.5 / ones, 1e-6);
  EXPECT_NEAR(first_moment(apart, "b"), 0.5 * 10 / tens, 1e-6);
  EXPECT_NEAR(first_moment(together, "a"), 0.5 / std::hypot(ones, tens), 1e-6);
}

TEST(ClipGroups, AGradientThatIsNotFiniteInOneStopsAll) {
  TwoParameters run({}, /*second_group=*/1);
  (void)run.step(std::numeric_limits<double>::infinity());
  EXPECT_TRUE(at::equal(run.a, at::ones({4, 3})));
  EXPECT_EQ(run.optimizer->skipped().item<float>(), 1);
}

TEST(ReplaceRows, WeightsBeginAnewAndMomentsToo) {
  TwoParameters run({}, 0, /*ema_decay=*/0.9);
  (void)run.step(1);
  const at::Tensor before = run.a.detach().clone(), other = run.b.detach().clone();
  const at::Tensor values = at::tensor({5.0, 6.0, 7.0, 8.0, 9.0, 10.0}, at::kFloat).view({2, 3});
  run.optimizer->replace_rows("a", at::tensor({1, 3}, at::kLong), values);
  for (const int64_t kept : {0, 2}) EXPECT_TRUE(at::equal(run.a[kept], before[kept])) << kept;
  EXPECT_TRUE(at::equal(run.a[1], values[0]));
  EXPECT_TRUE(at::equal(run.a[3], values[1]));
  EXPECT_TRUE(at::equal(run.b, other));
  const StateSlice slice = run.slice("a");
  for (const at::Tensor& moment : {slice.exp_avg.view({4, 3}), slice.exp_avg_sq.view({4, 3})}) {
    EXPECT_EQ(moment[1].abs().sum().item<float>() + moment[3].abs().sum().item<float>(), 0);
    EXPECT_GT(moment[0].min().item<float>(), 0);
  }
  EXPECT_TRUE(at::equal(slice.average.view({4, 3})[1], values[0]));
}

TEST(LossScales, AllFourNormalizations) {
  const std::vector<int64_t> own = {20, 40}, all = {60, 100};
  EXPECT_EQ(loss_scales({}, own, {160}, 2), (std::vector<double>{1 / 160.0, 1 / 160.0}));
  EXPECT_EQ(loss_scales({.gradient_sum = true}, own, all, 2),
            (std::vector<double>{1 / 60.0, 1 / 100.0}));
  EXPECT_EQ(loss_scales({.per_rank = true}, own, {160}, 2),
            (std::vector<double>{1 / 20.0 / 2 / 2, 1 / 40.0 / 2 / 2}));
  EXPECT_EQ(loss_scales({.per_rank = true, .gradient_sum = true}, own, all, 2),
            (std::vector<double>{1 / 20.0 / 2, 1 / 40.0 / 2}));
  EXPECT_EQ(loss_scales({.per_rank = true}, {0}, {0}, 1), (std::vector<double>{1}));
}

}  // namespace
}  // namespace mentor
