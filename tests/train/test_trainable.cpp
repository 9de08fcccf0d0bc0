#include "mentor/core/error.h"
#include "mentor/train/trainable.h"

#include <ATen/core/Tensor.h>
#include <gmock/gmock.h>

#include <set>

namespace mentor {
namespace {

using testing::HasSubstr;

struct Chosen {
  int64_t parameters = 0;
  std::set<std::string> names;
  std::vector<TrainedParameter> list;
};

Chosen choose(const ModelSet& models, const TrainConfig& train, Stage stage,
              const OptimizerConfig& optimizer = {}) {
  Chosen chosen;
  chosen.list = choose_trained(models, train, optimizer, {}, stage);
  for (const TrainedParameter& parameter : chosen.list) {
    chosen.parameters += parameter.tensor.numel();
    EXPECT_TRUE(chosen.names.insert(parameter.name).second) << parameter.name;
  }
  return chosen;
}

/// The table of training.md section 3, in billions.
TEST(Trainable, PresetsTrainWhatThePaperAndTheScriptTrain) {
  const ModelSet xl = build_models(model_preset("mentor-xl"));
  const auto billions = [&](const std::string& freeze, Stage stage) {
    return static_cast<double>(choose(xl, {.freeze = freeze}, stage).parameters) / 1e9;
  };
  EXPECT_NEAR(billions("paper", Stage::kAlignment), 0.784, 6e-4);
  EXPECT_NEAR(billions("paper", Stage::kInstruction), 2.007, 6e-4);
  EXPECT_NEAR(billions("script", Stage::kAlignment), 1.272, 6e-4);
  EXPECT_NEAR(billions("script", Stage::kInstruction), 2.007, 6e-4);
  EXPECT_NEAR(billions("all", Stage::kAlignment), 2.007, 6e-4);
}

TEST(Trainable, ScriptFreezesTheBlocksAndTheConditionsProjection) {
  const ModelSet tiny = build_models(model_preset("tiny"));
  const auto names = choose(tiny, {.freeze = "script"}, Stage::kAlignment).names;
  EXPECT_TRUE(names.contains("output.weight"));
  EXPECT_TRUE(names.contains("multimodal_encoder.language_model.shared.weight"));
  for (const std::string& name : names) {
    EXPECT_FALSE(name.starts_with("layers.") || name.starts_with("cls_embedding.")) << name;
    EXPECT_NE(part_of(name), Part::kClip) << name;
  }
}

TEST(Trainable, PatternsAddAndTakeAway) {
  const ModelSet tiny = build_models(model_preset("tiny"));
  TrainConfig train{.trainable = {"layers.*", "!layers.0.*", "!*ffn_norm*"}};
  for (const std::string& name : choose(tiny, train, Stage::kInstruction).names) {
    EXPECT_TRUE(name.starts_with("layers.") && !name.starts_with("layers.0.")) << name;
    EXPECT_EQ(name.find("ffn_norm"), std::string::npos) << name;
  }
  train.train_uncond = true;
  EXPECT_TRUE(
      choose(tiny, train, Stage::kInstruction).names.contains("cls_embedding.uncond_embedding"));
}

TEST(Trainable, PatternsThatFitNothingOrTheVisionTowerAreErrors) {
  const ModelSet tiny = build_models(model_preset("tiny"));
  const auto message = [&](std::vector<std::string> patterns) -> std::string {
    try {
      (void)choose(tiny, {.trainable = std::move(patterns)}, Stage::kInstruction);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message({"layer.*"}), HasSubstr("no parameter is called 'layer.*' (did you mean "
                                              "'layers.*'?)"));
  EXPECT_THAT(message({"layers.*", "!layers.77.*"}), HasSubstr("'layers.77.*'"));
  EXPECT_THAT(message({"*"}), HasSubstr("the vision tower is always frozen"));
  EXPECT_THAT(message({"layers.*", "!layers.*"}), HasSubstr("takes away every parameter"));
}

TEST(Trainable, WhatDecays) {
  const ModelSet tiny = build_models(model_preset("tiny"));
  const auto decays = [&](const std::string& rule, const std::string& name) {
    for (const TrainedParameter& p :
         choose(tiny, {.freeze = "all"}, Stage::kInstruction, {.decay_rule = rule}).list) {
      if (p.name == name) return p.decays;
    }
    ADD_FAILURE() << name;
    return false;
  };
  EXPECT_TRUE(decays("matrices", "tok_embeddings.weight")) << "the reference";
  EXPECT_FALSE(decays("matrices", "norm.weight"));
  EXPECT_FALSE(decays("not_embeddings", "tok_embeddings.weight"));
  EXPECT_TRUE(decays("not_embeddings", "output.weight"));
  EXPECT_TRUE(decays("all", "norm.weight"));
}

}  // namespace
}  // namespace mentor
