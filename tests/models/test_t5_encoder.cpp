#include "mentor/models/t5_encoder.h"
#include "mentor/nn/parameters.h"
#include "support/golden_configs.h"
#include "support/golden_tensors.h"
#include "support/key_contract.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

namespace mentor {
namespace {

std::vector<int64_t> row_lengths(const at::Tensor& mask_BS) {
  const at::Tensor lengths = mask_BS.sum(1).contiguous();
  const int64_t* first = lengths.const_data_ptr<int64_t>();
  return {first, first + lengths.numel()};
}

class T5EncoderTest : public ::testing::TestWithParam<size_t> {
 protected:
  T5EncoderTest() : golden_("t5") {
    T5Config config = golden_t5_config(golden_.meta.at("config"));
    config.activation = case_at("dense_act_fn");
    model_ = T5Encoder(config);
    load_golden(*model_, golden_.weights);
    model_->eval();
    ids_ = golden_.io.at("input_ids");
    mask_ = golden_.io.at("attention_mask");
  }
  [[nodiscard]] std::string case_at(const char* key) const {
    return golden_.meta.at("cases").at(GetParam()).at(key);
  }
  [[nodiscard]] Tolerance tolerance(const char* key) const {
    return Tolerance::parse(golden_.meta.at("tolerance").at(key));
  }
  [[nodiscard]] at::Tensor run() {
    return model_->forward(model_->embed(ids_), row_lengths(mask_));
  }

  Golden golden_;
  T5Encoder model_{nullptr};
  at::Tensor ids_, mask_;
};

TEST_P(T5EncoderTest, HiddenStateWithoutGradientsEqualsReference) {
  const c10::InferenceMode inference;
  const std::string name = case_at("name");
  expect_close("t5." + name + ".last_hidden_state.inference", run(),
               golden_.io.at(name + ".last_hidden_state"), tolerance("last_hidden_state"));
}

TEST(T5Encoder, ActivationCheckpointingChangesNoBit) {
  const Golden golden("t5");
  T5Config config = golden_t5_config(golden.meta.at("config"));
  config.dropout = 0.1;
  T5Encoder model(config);
  load_golden(*model, golden.weights);
  model->train();
  const at::Tensor ids = golden.io.at("input_ids");
  const auto step = [&](bool checkpointing) {
    model->set_activation_checkpointing(checkpointing);
    model->zero_grad();
    at::manual_seed(3);
    const at::Tensor hidden =
        model->forward(model->embed(ids), row_lengths(golden.io.at("attention_mask")));
    hidden.sum().backward();
    std::vector<at::Tensor> results = {hidden.detach(), at::rand({4})};
    for (const at::Tensor& parameter : model->parameters())
      results.push_back(parameter.grad().clone());
    return results;
  };
  const auto plain = step(false), again = step(true);
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(plain[i].equal(again[i])) << i;
  EXPECT_FALSE(plain.front().equal((model->eval(), step(false).front()))) << "dropout was off";
}

TEST_P(T5EncoderTest, LossAndGradientsEqualReference) {
  const std::string name = case_at("name");
  const at::Tensor hidden = run();
  expect_close("t5." + name + ".last_hidden_state", hidden,
               golden_.io.at(name + ".last_hidden_state"), tolerance("last_hidden_state"));
  const at::Tensor loss =
      (hidden * golden_.io.at("probe") * mask_.unsqueeze(-1)).sum() / mask_.sum();
  expect_close("t5." + name + ".loss", loss.reshape({1}), golden_.io.at(name + ".loss"),
               tolerance("loss"));
  loss.backward();
  EXPECT_GE(expect_gradients_close("t5." + name + ".grad.", *model_, golden_.io, name + ".grad.",
                                   tolerance("grad")),
            5);
}

TEST_P(T5EncoderTest, RowAloneAtItsOwnLengthEqualsItsPaddedRow) {
  const c10::InferenceMode inference;
  const at::Tensor padded = run();
  const std::vector<int64_t> lengths = row_lengths(mask_);
  for (int64_t b = 0; b < ids_.size(0); ++b) {
    const at::Tensor ids = ids_.narrow(0, b, 1).narrow(1, 0, lengths[b]);
    const at::Tensor alone = model_->forward(model_->embed(ids));
    expect_close("t5.packed_row" + std::to_string(b), alone[0], padded[b].narrow(0, 0, lengths[b]),
                 {.absolute = 1e-5});
  }
}

TEST_P(T5EncoderTest, Bf16StaysNearFp32) {
  const c10::InferenceMode inference;
  const at::Tensor expected = run();
  load_golden(*model_, golden_.weights, at::kBFloat16);
  const at::Tensor hidden = run();
  EXPECT_EQ(hidden.scalar_type(), at::kBFloat16);
  expect_close("t5.bf16", hidden.to(at::kFloat), expected, {.relative = 0.05});
}

INSTANTIATE_TEST_SUITE_P(Activations, T5EncoderTest, ::testing::Values(0, 1));

TEST(T5EncoderRecord, AttentionWithAndWithoutGradientsAgree) {
  const Golden golden("t5");
  T5Encoder model(golden_t5_config(golden.meta.at("config")));
  load_golden(*model, golden.weights);
  model->eval();
  const at::Tensor x = model->embed(golden.io.at("input_ids")).detach();
  const at::Tensor recorded = model->forward(x);
  const at::NoGradGuard no_grad;
  expect_close("t5.recorded", recorded, model->forward(x), {.absolute = 1e-4});
}

TEST(T5EncoderDropout, ActsInTrainingOnly) {
  const Golden golden("t5");
  T5Config config = golden_t5_config(golden.meta.at("config"));
  config.dropout = 0.5;
  T5Encoder model(config);
  load_golden(*model, golden.weights);
  const at::Tensor x = model->embed(golden.io.at("input_ids")).detach();
  model->eval();
  EXPECT_TRUE(at::equal(model->forward(x), model->forward(x)));
  model->train();
  at::manual_seed(1);
  const at::Tensor first = model->forward(x);
  EXPECT_FALSE(at::equal(first, model->forward(x)));
  at::manual_seed(1);
  EXPECT_TRUE(at::equal(first, model->forward(x)));
}

TEST(T5EncoderContract, RefusesLengthsThatDoNotFit) {
  T5Encoder model(T5Config{
      .vocab_size = 8, .d_model = 4, .d_kv = 2, .d_ff = 8, .num_layers = 1, .num_heads = 2});
  const at::Tensor x = at::zeros({2, 3, 4});
  EXPECT_THROW((void)model->forward(x, {3}), c10::Error);
  EXPECT_THROW((void)model->forward(x, {3, 4}), c10::Error);
  EXPECT_THROW((void)model->forward(x, {0, 3}), c10::Error);
  EXPECT_THROW((void)model->forward(at::zeros({2, 3, 5})), c10::Error);
}

TEST(T5EncoderKeys, EqualFlanT5Xl) {
  const T5Encoder model{T5Config{}};
  EXPECT_EQ(key_contract(*model), read_key_contract("hf_t5_encoder_flan_t5_xl.txt"));
  EXPECT_EQ(count_parameters(*model), 1223527424);
  const StateDict keys = state_dict(*model);
  EXPECT_TRUE(keys.at("encoder.embed_tokens.weight").is_same(keys.at("shared.weight")));
}

TEST(RelativePositionBucket, EqualsReferenceTable) {
  const nlohmann::json table = read_golden_json("pil/t5_lr.json").at("relative_position_bucket");
  EXPECT_GE(table.size(), 281U);
  for (const auto& [distance, bucket] : table.items()) {
    EXPECT_EQ(relative_position_bucket(std::stoll(distance), 32, 128), bucket) << distance;
  }
}

}  // namespace
}  // namespace mentor
