#include "mentor/models/llamagen.h"
#include "mentor/nn/loss.h"
#include "support/compare.h"
#include "support/key_contract.h"
#include "support/llamagen_fixture.h"

#include <ATen/ATen.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include <cmath>

namespace mentor {
namespace {

constexpr const char* kVariants[][2] = {{"fixed", "identity"}, {"zero_prefix", "zero"}};

/// The llamagen fixture with its weights loaded into a fresh model.
struct Fixture {
  explicit Fixture(const std::string& rope)
      : meta(read_json("llamagen/meta.json")),
        io(read_safetensors(fixture_path("llamagen/io.safetensors"))),
        model(decoder_config(meta.at("config"), rope)) {
    const LoadReport report = load_state_dict(
        *model, read_safetensors(fixture_path("llamagen/weights.safetensors")), at::kFloat);
    EXPECT_TRUE(report.complete() && report.unexpected.empty());
    // The files are mapped read-only; the optimizer test writes.
    for (at::Tensor& parameter : model->parameters()) assign(parameter, parameter.detach().clone());
    condition = packed_condition(io.at("cond"), io.at("prefix_mask"));
    tokens_BT = io.at("tokens");
    valid_B = io.at("valid").to(at::kFloat);
  }

  /// sum(loss * valid) / max(sum(valid), 1) over tokens, as the reference.
  at::Tensor loss(const Condition& prefix, const at::Tensor& tokens, const at::Tensor& weight_B) {
    const at::Tensor weights_BT = weight_B.unsqueeze(1).expand_as(tokens);
    return model->losses(prefix, tokens, weights_BT / weights_BT.sum().clamp_min(1)).sum;
  }

  nlohmann::json meta;
  StateDict io;
  LlamaGen model;
  Condition condition;
  at::Tensor tokens_BT, valid_B;
};

/// A JSON matrix of integers as int64 [rows, columns].
at::Tensor to_tensor(const nlohmann::json& rows) {
  std::vector<at::Tensor> stacked;
  for (const auto& row : rows) stacked.push_back(at::tensor(row.get<std::vector<int64_t>>()));
  return at::stack(stacked);
}

void expect_loss(const std::string& name, const at::Tensor& loss, double expected) {
  expect_close(name, loss, at::scalar_tensor(expected, at::kDouble), 5e-5);
}

TEST(GoldenLlamaGen, LogitsAndLosses) {
  for (const auto& [variant, rope] : kVariants) {
    Fixture f(rope);
    const auto& expected = f.meta.at("cases").at(variant);
    const std::string name = std::string("llamagen.") + variant;
    const at::Tensor logits = f.model->forward(f.condition, f.tokens_BT);
    expect_close(name + ".logits", logits, f.io.at(std::string(variant) + ".logits"), 2e-4);
    expect_loss(name + ".loss_valid_1_0_1", f.loss(f.condition, f.tokens_BT, f.valid_B),
                expected.at("loss_valid_1_0_1"));
    expect_loss(name + ".loss_all_valid",
                f.loss(f.condition, f.tokens_BT, at::ones_like(f.valid_B)),
                expected.at("loss_all_valid"));
    expect_loss(name + ".loss_none_valid",
                f.loss(f.condition, f.tokens_BT, at::zeros_like(f.valid_B)),
                expected.at("loss_none_valid"));
    expect_loss(name + ".loss_all_dropped",
                f.loss(f.model->unconditional(f.condition.lengths), f.tokens_BT, f.valid_B),
                expected.at("loss_all_prompts_dropped_valid_1_0_1"));
  }
}

TEST(GoldenLlamaGen, Gradients) {
  for (const auto& [variant, rope] : kVariants) {
    Fixture f(rope);
    f.loss(f.condition, f.tokens_BT, f.valid_B).backward();
    const std::string prefix = std::string(variant) + ".grad.";
    int compared = 0;
    const auto parameters = f.model->named_parameters();
    for (const auto& [key, expected] : f.io) {
      if (!key.starts_with(prefix)) continue;
      expect_gradient("llamagen." + key, parameters[key.substr(prefix.size())].grad(), expected);
      ++compared;
    }
    EXPECT_GT(compared, 5);
  }
}

TEST(GoldenLlamaGen, TenAdamWSteps) {
  for (const auto& [variant, rope] : kVariants) {
    Fixture f(rope);
    const auto& expected = f.meta.at("cases").at(variant).at("adamw");
    std::vector<torch::optim::OptimizerParamGroup> groups;
    for (const bool matrices : {true, false}) {
      std::vector<at::Tensor> members;
      for (const at::Tensor& p : f.model->parameters()) {
        if ((p.dim() >= 2) == matrices) members.push_back(p);
      }
      groups.emplace_back(members, std::make_unique<torch::optim::AdamWOptions>(
                                       torch::optim::AdamWOptions(1e-3)
                                           .betas({0.9, 0.95})
                                           .eps(1e-8)
                                           .weight_decay(matrices ? 0.05 : 0.0)));
    }
    torch::optim::AdamW optimizer(groups);
    for (size_t step = 0; step < 10; ++step) {
      const at::Tensor loss =
          f.loss(f.condition, f.io.at(step % 2 == 0 ? "tokens" : "tokens_2"), f.valid_B);
      EXPECT_NEAR(loss.item<double>(), expected.at("losses").at(step).get<double>(), 1e-4)
          << variant << " step " << step;
      optimizer.zero_grad();
      loss.backward();
      const double norm = torch::nn::utils::clip_grad_norm_(f.model->parameters(), 1.0);
      const double expected_norm = expected.at("grad_norm_before_clip").at(step);
      EXPECT_NEAR(norm, expected_norm, 2e-4 * expected_norm) << variant << " step " << step;
      optimizer.step();
    }
    double worst = 0;
    for (const auto& [key, tensor] : state_dict(*f.model)) {
      const double norm = expected.at("final_norm").at(key);
      worst = std::max(worst, std::abs(tensor.norm().item<double>() / norm - 1));
    }
    std::printf("golden llamagen.%s.adamw.final_norm max_rel=%.3g tol=1e-4\n", variant, worst);
    EXPECT_LE(worst, 1e-4);
    for (const char* key : {"layers.0.attention.wo.weight", "norm.weight"}) {
      const at::Tensor difference =
          (state_dict(*f.model).at(key) - f.io.at(std::string(variant) + ".adamw." + key)).abs();
      EXPECT_LE(difference.max().item<double>(), 2e-3) << key;
      EXPECT_LE((difference > 1e-4).to(at::kFloat).mean().item<double>(), 0.005) << key;
    }
  }
}

TEST(GoldenLlamaGen, GreedyTokens) {
  struct Case {
    const char* name;
    double scale;
    int64_t interval;
  };
  for (const auto& [variant, rope] : kVariants) {
    Fixture f(rope);
    for (const Case& c : {Case{"cfg1", 1, -1}, Case{"cfg3", 3, -1}, Case{"cfg3_interval4", 3, 4}}) {
      const GreedyResult result =
          decode_greedily(f.model, f.condition, c.scale, c.interval, f.tokens_BT.size(1));
      const std::string key = std::string(variant) + ".greedy_" + c.name;
      EXPECT_TRUE(result.tokens_BT.equal(f.io.at(key))) << key;
      if (const at::Tensor* logits = f.io.find(key + "_logits")) {
        expect_close("llamagen." + key + "_logits", result.logits_BTV, *logits, 2e-4);
      }
    }
  }
}

TEST(GoldenLlamaGen, ClassConditional) {
  const auto meta = read_json("llamagen/meta.json");
  const StateDict io = read_safetensors(fixture_path("llamagen/c2i_io.safetensors"));
  LlamaGen model(decoder_config(meta.at("c2i_config"), "zero"));
  const LoadReport report = load_state_dict(
      *model, read_safetensors(fixture_path("llamagen/c2i_weights.safetensors")), at::kFloat);
  EXPECT_TRUE(report.complete() && report.unexpected.empty());
  const Condition condition = model->class_condition(io.at("labels"));
  for (const double scale : {1.0, 4.0}) {
    const std::string key = scale == 1.0 ? "greedy_cfg1" : "greedy_cfg4";
    const GreedyResult result = decode_greedily(model, condition, scale, -1, io.at(key).size(1));
    EXPECT_TRUE(result.tokens_BT.equal(io.at(key))) << key;
    expect_close("llamagen.c2i." + key + "_logits", result.logits_BTV, io.at(key + "_logits"),
                 2e-4);
  }
}

/// `pil/gpt_tiny.json`: weights and inputs are formulas, the blocks carry the reference's file
/// names (ori_gpt = zeroed prefix, gpt and empty_fix_gpt = identity).
TEST(GoldenLlamaGen, FormulaFilledModel) {
  const auto json = read_json("pil/gpt_tiny.json");
  for (const char* file : {"ori_gpt", "gpt", "empty_fix_gpt"}) {
    const LlamaGenConfig config =
        decoder_config(json.at("config"), std::string(file) == "ori_gpt" ? "zero" : "identity");
    LlamaGen model(config);
    materialize(*model, at::kFloat);
    std::map<std::string, at::Tensor> sorted;
    for (const auto& [key, tensor] : state_dict(*model)) sorted[key] = tensor;
    const at::NoGradGuard no_grad;
    int64_t t = 0;
    for (auto& [key, tensor] : sorted) {
      const at::Tensor i = at::arange(tensor.numel(), at::kDouble);
      at::Tensor base =
          at::sin(0.7 * i + 1.3 * static_cast<double>(t++) + 0.1 * at::remainder(i, 7));
      if (tensor.dim() >= 2) {
        base *= std::sqrt(2.0) / std::sqrt(static_cast<double>(tensor.numel()) /
                                           static_cast<double>(tensor.size(0)));
      } else {
        base = 1 + 0.05 * base;
      }
      tensor.copy_(base.view_as(tensor));
    }
    const at::Tensor mask = to_tensor(json.at("mask")), tokens = to_tensor(json.at("idx"));
    const std::vector<int64_t> shape = {mask.size(0), config.cond_len, config.cond_dim};
    const at::Tensor cond = at::sin(0.9 * at::arange(c10::multiply_integers(shape), at::kDouble))
                                .to(at::kFloat)
                                .view(shape);
    const Condition condition = packed_condition(cond, mask);
    const double loss =
        token_losses(model->forward(condition, tokens), tokens).mean().item<double>();
    EXPECT_NEAR(loss, json.at(file).at("loss").get<double>(), 5e-6) << file;
    const struct {
      const char* key;
      double scale;
      int64_t interval;
    } cases[] = {
        {"greedy_cfg1.0", 1, -1}, {"greedy_cfg3.0", 3, -1}, {"greedy_cfg3_interval4", 3, 4}};
    for (const auto& c : cases) {
      const at::Tensor greedy =
          decode_greedily(model, condition, c.scale, c.interval, tokens.size(1)).tokens_BT;
      EXPECT_TRUE(greedy.equal(to_tensor(json.at(file).at(c.key)))) << file << ' ' << c.key;
    }
  }
}

TEST(LlamaGen, StateDictOfTheXlModelIsTheReferences) {
  LlamaGenConfig config;
  config.cond_len = 120;
  const LlamaGen model(config);
  EXPECT_EQ(count_parameters(*model), 777'678'080);
  const KeyContract expected = read_key_contract("llamagen_t2i_XL.txt");
  EXPECT_EQ(expected.size(), 258u);
  EXPECT_EQ(key_contract(*model), expected);
}

TEST(LlamaGen, LossesAreThoseOfTheLogits) {
  Fixture f("identity");
  const at::Tensor weights_BT = at::rand({f.tokens_BT.size(0), f.tokens_BT.size(1)});
  const auto gradients = [&](const at::Tensor& loss) {
    f.model->zero_grad();
    loss.backward();
    std::vector<at::Tensor> all;
    for (const at::Tensor& parameter : f.model->parameters())
      all.push_back(parameter.grad().clone());
    return all;
  };
  const at::Tensor expected_BT =
      token_losses(f.model->forward(f.condition, f.tokens_BT), f.tokens_BT);
  const WeightedLosses losses = f.model->losses(f.condition, f.tokens_BT, weights_BT);
  EXPECT_FALSE(losses.losses_S.requires_grad());
  EXPECT_LE(max_abs_difference(losses.losses_S.view_as(expected_BT), expected_BT), 1e-5);
  const auto actual = gradients(losses.sum), expected = gradients((expected_BT * weights_BT).sum());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_LE(max_abs_difference(actual[i], expected[i]),
              1e-5 * expected[i].abs().max().item<double>() + 1e-7);
  }
}

TEST(LlamaGen, Bf16GradientsPointWhereFp32OnesDo) {
  Fixture f("identity");
  LlamaGen half(f.model->config());
  (void)load_state_dict(*half, state_dict(*f.model), at::kBFloat16);
  const at::Tensor weights_BT = at::ones(f.tokens_BT.sizes());
  const at::Tensor exact = f.model->losses(f.condition, f.tokens_BT, weights_BT).sum;
  const at::Tensor rounded = half->losses(f.condition, f.tokens_BT, weights_BT).sum;
  EXPECT_NEAR(rounded.item<double>() / exact.item<double>(), 1, 0.01);
  exact.backward();
  rounded.backward();
  const auto expected = f.model->named_parameters();
  for (const auto& parameter : half->named_parameters()) {
    const at::Tensor a = parameter.value().grad().to(at::kDouble).flatten();
    const at::Tensor b = expected[parameter.key()].grad().to(at::kDouble).flatten();
    EXPECT_GT((a.dot(b) / (a.norm() * b.norm())).item<double>(), 0.995) << parameter.key();
    EXPECT_NEAR((a.norm() / b.norm()).item<double>(), 1, 0.03) << parameter.key();
  }
}

TEST(LlamaGen, ActivationCheckpointingChangesNoBit) {
  Fixture f("identity");
  LlamaGenConfig config = f.model->config();
  config.token_dropout = config.residual_dropout = config.ffn_dropout = 0.1;
  LlamaGen model(config);
  (void)load_state_dict(*model, state_dict(*f.model), at::kFloat);
  model->train();
  const auto step = [&](bool checkpointing, bool embeddings_learn) {
    model->set_activation_checkpointing(checkpointing);
    model->zero_grad();
    for (auto& parameter : model->named_parameters()) {
      if (parameter.key().find("embedding") == std::string::npos) continue;
      parameter.value().set_requires_grad(embeddings_learn);
    }
    at::manual_seed(7);
    const at::Tensor weights_BT = at::ones(f.tokens_BT.sizes());
    const at::Tensor loss = model->losses(f.condition, f.tokens_BT, weights_BT).sum;
    loss.backward();
    std::vector<at::Tensor> results = {loss.detach(), at::rand({4})};  // where the stream is now
    for (const at::Tensor& p : model->parameters()) {
      if (p.requires_grad()) results.push_back(p.grad().clone());
    }
    return results;
  };
  for (const bool embeddings_learn : {true, false}) {
    const auto plain = step(false, embeddings_learn), again = step(true, embeddings_learn);
    ASSERT_EQ(plain.size(), again.size());
    for (size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(plain[i].equal(again[i])) << i;
  }
}

TEST(LlamaGen, BatchEqualsSinglesAndCachedEqualsUncached) {
  Fixture f("identity");
  const at::NoGradGuard no_grad;
  const at::Tensor together = f.model->forward(f.condition, f.tokens_BT);
  auto cached = f.model->prefill(f.condition, 64);
  std::vector<at::Tensor> steps = {cached.logits_BV};
  for (int64_t t = 0; t + 1 < f.tokens_BT.size(1); ++t) {
    steps.push_back(f.model->decode_step(f.tokens_BT.select(1, t), t, cached.cache));
  }
  EXPECT_LE(max_abs_difference(at::stack(steps, 1), together), 2e-5) << "cached = uncached";
  int64_t begin = 0;
  for (size_t b = 0; b < f.condition.lengths.size(); ++b) {
    const int64_t length = f.condition.lengths[b];
    const Condition single{f.condition.features.slice(0, begin, begin + length), {length}};
    begin += length;
    const at::Tensor alone =
        f.model->forward(single, f.tokens_BT.narrow(0, static_cast<int64_t>(b), 1));
    EXPECT_LE(max_abs_difference(alone[0], together[static_cast<int64_t>(b)]), 2e-5);
  }
}

}  // namespace
}  // namespace mentor
