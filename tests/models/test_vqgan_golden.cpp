#include "mentor/models/vqgan.h"
#include "mentor/nn/parameters.h"
#include "mentor/tensor/safetensors.h"
#include "support/compare.h"
#include "support/formula_fill.h"
#include "support/golden.h"
#include "support/key_contract.h"

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

// The codec against the reference implementation (tests/golden/vqgan, end_to_end).

namespace mentor {
namespace {

nlohmann::json read_json(const std::string& relative) {
  std::ifstream file(fixture_path(relative));
  return nlohmann::json::parse(file);
}

VqganConfig config_of(const nlohmann::json& shared, const nlohmann::json& own) {
  return {.ch = shared.at("ch"),
          .ch_mult = own.at("ch_mult"),
          .num_res_blocks = shared.value("num_res_blocks", 2),
          .z_channels = shared.at("z_channels"),
          .codebook_size = shared.at("codebook_size"),
          .codebook_dim = shared.at("codebook_embed_dim"),
          .commit_beta = shared.value("commit_loss_beta", 0.25),
          .entropy_ratio = shared.value("entropy_loss_ratio", 0.0)};
}

/// The factor before "* max|...|" in a sentence of meta.json.
double relative_tolerance(const std::string& sentence) { return std::stod(sentence); }

void expect_relative(const std::string& name, const at::Tensor& actual, const at::Tensor& expected,
                     double relative) {
  expect_close(name, actual, expected, relative * expected.abs().max().item<double>());
}

void expect_codes(const std::string& name, const at::Tensor& actual, const at::Tensor& expected,
                  double share) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << name;
  const double equal = actual.eq(expected).to(at::kDouble).mean().item<double>();
  std::printf("golden %s equal=%.4f required=%.2f\n", name.c_str(), equal, share);
  EXPECT_GE(equal, share) << name;
}

/// One case of vqgan/meta.json with its filled codec.
class VqganGolden : public ::testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    case_ = meta_.at("cases").at(GetParam());
    name_ = case_.at("name");
    codec_ = Vqgan(config_of(meta_.at("config"), case_));
    weights_ = integer_fill(*codec_, meta_.at("weights").at("seed"));
    ASSERT_TRUE(load_state_dict(*codec_, weights_, at::kFloat).complete());
    to_inference_layout(codec_);
  }
  [[nodiscard]] at::Tensor io(const std::string& key) const { return io_.at(name_ + "." + key); }
  [[nodiscard]] std::string label(const std::string& what) const {
    return "vqgan." + name_ + "." + what;
  }
  [[nodiscard]] double tolerance(const std::string& quantity) const {
    return relative_tolerance(meta_.at("tolerance").at(quantity));
  }

  const nlohmann::json meta_ = read_json("vqgan/meta.json");
  const StateDict io_ = read_safetensors(fixture_path("vqgan/io.safetensors"));
  nlohmann::json case_;
  std::string name_;
  Vqgan codec_{nullptr};
  StateDict weights_;
};

TEST_P(VqganGolden, FillRuleAndSizes) {
  EXPECT_EQ(static_cast<int64_t>(weights_.size()), case_.at("num_tensors"));
  EXPECT_EQ(count_parameters(*codec_), case_.at("num_parameters"));
  for (const auto& [key, check] : case_.at("fill_check").items()) {
    const at::Tensor flat = weights_.at(key).flatten();
    const double expected_sum = check.at("sum");
    EXPECT_NEAR(flat.to(at::kDouble).sum().item<double>(), expected_sum, 1e-9) << key;
    for (int64_t i = 0; i < 3; ++i) {
      const double expected = check.at("first3").at(static_cast<size_t>(i));
      EXPECT_EQ(flat[i].item<float>(), static_cast<float>(expected)) << key;
    }
  }
}

TEST_P(VqganGolden, EncodesAndDecodes) {
  const at::NoGradGuard no_grad;
  const double picture = tolerance("reconstruction, decoded_codes");
  const at::Tensor latent = codec_->encode(io("image"));
  expect_relative(label("latent"), latent, io("latent"), tolerance("latent"));
  const at::Tensor codes = codec_->encode_to_codes(io("image"));
  expect_codes(label("codes"), codes, io("codes"), 0.99);
  const int64_t side = case_.at("codes_per_side");
  const at::Tensor quantised = codec_->quantizer()->lookup(io("codes"), side, side);
  expect_close(label("quantised"), quantised, io("quantised"), 1e-6);
  expect_relative(label("reconstruction"), codec_->decode(io("quantised")), io("reconstruction"),
                  picture);
  expect_relative(label("decoded_codes"), codec_->decode_codes(io("given_codes"), side, side),
                  io("decoded_codes"), picture);
}

TEST_P(VqganGolden, HalfAndFaintPictures) {
  const at::NoGradGuard no_grad;
  const int64_t half = case_.at("image_size").get<int64_t>() / 2;
  const at::Tensor half_latent = codec_->encode(io("image").slice(0, 0, 1).slice(2, 0, half));
  expect_relative(label("latent_of_half_image"), half_latent, io("latent_of_half_image"),
                  tolerance("latent"));
  expect_codes(label("codes_of_half_image"), codec_->quantizer()->codes(half_latent).flatten(),
               io("codes_of_half_image"), 0.99);
  // The second number of the sentence: "1e-4 * max|latent| (...); 5e-4 * max for the faint image".
  const std::string sentence = meta_.at("tolerance").at("latent");
  const double faint_tolerance = relative_tolerance(sentence.substr(sentence.find(';') + 1));
  const at::Tensor faint = 0.002 * io("image").slice(0, 1).slice(3, 0, half);
  expect_relative(label("latent_of_faint_image"), codec_->encode(faint),
                  io("latent_of_faint_image"), faint_tolerance);
}

TEST_P(VqganGolden, QuantiserLossesAndGradients) {
  const at::Tensor latent = io("latent").clone().requires_grad_(true);
  const QuantizerOutput output = codec_->quantizer()->forward(latent);
  const nlohmann::json& losses = case_.at("train_losses");
  const auto expect_loss = [&](const char* key, const at::Tensor& loss) {
    const at::Tensor expected = at::scalar_tensor(losses.at(key).get<double>());
    expect_relative(label(key), loss, expected, tolerance("losses"));
  };
  expect_loss("vq", output.codebook_loss);
  expect_loss("commit", output.commit_loss);
  expect_loss("entropy_with_ratio_0.1", output.entropy_loss);
  EXPECT_FLOAT_EQ(output.usage.item<float>(), losses.at("codebook_usage").get<float>());
  expect_codes(label("train.codes"), output.codes_BT, io("codes"), 0.99);

  const StateDict state = state_dict(*codec_);
  const at::Tensor used = state.at("quantize.codebook_used");
  const auto tail = losses.at("codebook_used_tail").get<std::vector<float>>();
  EXPECT_TRUE(at::equal(used.slice(0, -static_cast<int64_t>(tail.size())), at::tensor(tail)));

  const at::Tensor probe = io("train.probe");
  (output.codebook_loss + output.commit_loss + output.entropy_loss +
   (output.quantised_BEHW * probe).sum() / probe.numel())
      .backward();
  const double relative = tolerance("gradients");
  expect_relative(label("train.grad_latent"), latent.grad(), io("train.grad_latent"), relative);
  expect_relative(label("train.grad_codebook"), state.at("quantize.embedding.weight").grad(),
                  io("train.grad_codebook"), relative);
}

size_t num_cases() { return read_json("vqgan/meta.json").at("cases").size(); }

INSTANTIATE_TEST_SUITE_P(Cases, VqganGolden, ::testing::Range(size_t{0}, num_cases()));

struct PublishedCodec {
  std::string key_file;
  VqganConfig config;
  int64_t num_parameters;
};

TEST(VqganKeys, AreThoseOfThePublishedFiles) {
  const std::vector<PublishedCodec> codecs = {
      {"vq-16.txt", VqganConfig{}, 71'883'403},
      {"vq-8.txt", VqganConfig{.ch_mult = {1, 2, 2, 4}}, 70'109'835}};
  for (const PublishedCodec& published : codecs) {
    SCOPED_TRACE(published.key_file);
    const Vqgan codec(published.config);
    EXPECT_EQ(key_contract(*codec), read_key_contract(published.key_file));
    EXPECT_EQ(count_parameters(*codec), published.num_parameters);
  }
}

}  // namespace
}  // namespace mentor
