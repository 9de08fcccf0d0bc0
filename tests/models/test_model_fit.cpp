#include "mentor/config/yaml.h"
#include "mentor/models/initialization.h"
#include "mentor/models/model_fit.h"
#include "support/golden.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

namespace mentor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* const kPresets[] = {"mentor-xl",    "llamagen-b",  "llamagen-l", "llamagen-xl",
                                "llamagen-xxl", "llamagen-3b", "tiny"};

TEST(ModelFit, TheXlModelHasTheKeysOfTheMentorFiles) {
  std::map<std::string, std::string> expected, actual;
  std::ifstream in(keys_path("mentor_llava_XL.txt"));
  for (std::string line; std::getline(in, line);) {
    const size_t tab = line.find('\t');
    expected[line.substr(0, tab)] = line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1);
  }
  const ModelSet models = build_models(model_preset("mentor-xl"), {.codec = false});
  for (const auto& [name, tensor] : named_tensors(models)) {
    std::ostringstream shape;
    shape << tensor.sizes();
    actual[name] = shape.str();
  }
  EXPECT_EQ(expected.size(), 873U);
  EXPECT_EQ(actual, expected);
}

TEST(ModelFit, EveryPresetIsFoundByItsShapes) {
  for (const char* preset : kPresets) {
    SCOPED_TRACE(preset);
    const ModelSet models = build_models(model_preset(preset));
    const std::vector<std::string> fitting = fitting_presets(named_tensors(models));
    ASSERT_FALSE(fitting.empty());
    EXPECT_EQ(fitting.front(), preset);
  }
}

TEST(ModelFit, DimensionsReadOffTheShapesAreThoseConfigured) {
  for (const char* preset : kPresets) {
    SCOPED_TRACE(preset);
    ModelConfig config = model_preset(preset);
    const FieldTable table = fields_of(config);
    const std::vector<Dimension> dimensions = dimensions_of(named_tensors(build_models(config)));
    EXPECT_EQ(dimensions.size(), config.vision ? 24U : 19U);
    for (const auto& [key, value] : dimensions) {
      EXPECT_EQ(value, yaml_text(table.find_field(key)->value())) << key;
    }
  }
}

TEST(ModelFit, DimensionsOfALocalCodecAreReadOffItsShapes) {
  ModelConfig config = model_preset("tiny");
  config.codec = {.layout = "local",
                  .ch = 96,
                  .patch_size = 8,
                  .num_res_blocks = 3,
                  .norm_groups = 16,
                  .z_channels = 48,
                  .codebook_size = 512};
  const StateDict weights =
      named_tensors(build_models(config, {.encoder = false, .decoder = false}));
  EXPECT_THAT(suggest_configuration(config, weights), IsEmpty());
  EXPECT_EQ(suggest_configuration(model_preset("tiny"), weights),
            "the file has codec.layout local (configured official), codec.ch 96 (configured 32), "
            "codec.patch_size 8 (configured 4), codec.num_res_blocks 3 (configured 1), "
            "codec.z_channels 48 (configured 32): set these keys below model");
}

TEST(ModelFit, NumbersBeyondTheTensorsAreNoDimension) {
  for (const char* number : {"2", "1000000", "9223372036854775807", "300000000000"}) {
    StateDict weights;
    weights.set("codec.quantize.embedding.weight", at::zeros({8, 4}));
    weights.set("codec.encoder.conv_blocks." + std::string(number) + ".res.0.conv1.weight",
                at::zeros({1}));
    const std::vector<Dimension> dimensions = dimensions_of(weights);
    ASSERT_EQ(dimensions.size(), 2U) << number;
    EXPECT_EQ(dimensions[0].key, "codec.codebook_size");
    EXPECT_EQ(dimensions[1].key, "codec.codebook_dim");
  }
}

TEST(ModelFit, OnlyPartsThatAreThereAreCompared) {
  const ModelSet models = build_models(model_preset("tiny"));
  StateDict decoder;
  for (const auto& [name, tensor] : named_tensors(models)) {
    if (part_of(name) == Part::kDecoder) decoder.set(name, tensor);
  }
  decoder.erase("norm.weight");
  decoder.set("output.weight", at::zeros({2, 3}));
  decoder.set("layers.4.ffn_norm.weight", at::zeros({128}));
  const LoadReport report = compare_weights(models, decoder);
  EXPECT_THAT(report.missing, ElementsAre("norm.weight"));
  EXPECT_THAT(report.unexpected, ElementsAre("layers.4.ffn_norm.weight"));
  ASSERT_EQ(report.mismatched.size(), 1U);
  EXPECT_THAT(report.mismatched[0].expected, ElementsAre(512, 128));
  EXPECT_THAT(report.mismatched[0].found, ElementsAre(2, 3));
}

TEST(ModelFit, SuggestsThePresetOrTheKeysThatWouldFit) {
  const StateDict large =
      named_tensors(build_models(model_preset("llamagen-l"), {.encoder = false}));
  const std::string advice = suggest_configuration(model_preset("llamagen-xl"), large);
  EXPECT_THAT(advice, HasSubstr("decoder.dim 1024 (configured 1280)"));
  EXPECT_THAT(advice, HasSubstr("set model.preset: llamagen-l"));

  ModelConfig unusual = model_preset("tiny");
  unusual.decoder.num_layers = 3;
  const StateDict weights = named_tensors(build_models(unusual));
  EXPECT_EQ(suggest_configuration(model_preset("tiny"), weights),
            "the file has decoder.num_layers 3 (configured 4): set these keys below model");
  EXPECT_THAT(suggest_configuration(unusual, weights), IsEmpty());
}

TEST(Initialization, IsAFunctionOfSeedAndName) {
  const ModelConfig config = model_preset("tiny");
  const auto draw = [&](const char* name, uint64_t seed) {
    return initial_value(config, name, {64, 64}, seed);
  };
  const at::Tensor first = draw("tok_embeddings.weight", 1);
  EXPECT_TRUE(first.equal(draw("tok_embeddings.weight", 1)));
  EXPECT_FALSE(first.equal(draw("tok_embeddings.weight", 2)));
  EXPECT_FALSE(first.equal(draw("layers.0.attention.wo.weight", 1)));
}

TEST(Initialization, HasTheScalesOfTheReference) {
  const ModelConfig config = model_preset("mentor-xl");
  const std::string t5 = "multimodal_encoder.language_model.encoder.block.3.layer.";
  const std::string clip =
      "multimodal_encoder.vision_model.vision_tower.vision_model.encoder.layers.3.";
  const std::pair<std::string, double> cases[] = {
      {"layers.0.attention.wqkv.weight", 0.02},
      {"multimodal_encoder.language_projection.0.weight", 0.02},
      {"cls_embedding.uncond_embedding", 1 / std::sqrt(2048.0)},
      {"multimodal_encoder.language_model.shared.weight", 1.0},
      {t5 + "0.SelfAttention.q.weight", 1 / std::sqrt(2048.0 * 64)},
      {t5 + "0.SelfAttention.k.weight", 1 / std::sqrt(2048.0)},
      {t5 + "1.DenseReluDense.wo.weight", 1 / std::sqrt(5120.0)},
      {clip + "self_attn.q_proj.weight", 1 / std::sqrt(1024.0 * 48)},
      {clip + "self_attn.out_proj.weight", 1 / std::sqrt(1024.0)},
      {clip + "mlp.fc1.weight", 1 / std::sqrt(2048.0)},
      {clip + "mlp.fc2.weight", 1 / std::sqrt(1024.0 * 48)},
  };
  for (const auto& [name, std] : cases) {
    const at::Tensor value = initial_value(config, name, {256, 256}, 0);
    EXPECT_NEAR(value.std().item<double>(), std, 0.02 * std) << name;
    EXPECT_NEAR(value.mean().item<double>(), 0, 0.03 * std) << name;
  }
  EXPECT_EQ(initial_value(config, "output.weight", {8, 8}, 0).abs().max().item<double>(), 0);
  EXPECT_EQ(initial_value(config, "norm.weight", {8}, 0).min().item<double>(), 1);
  EXPECT_EQ(initial_value(config, clip + "mlp.fc1.bias", {8}, 0).abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace mentor
