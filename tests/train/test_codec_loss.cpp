#include "mentor/train/codec_loss.h"
#include "support/codec_training_fixture.h"

#include <ATen/ATen.h>

#include <functional>

namespace mentor {
namespace {

struct LossRun {
  explicit LossRun(const CodecTrainingFixture& fixture)
      : models{.codec = fixture.codec(),
               .discriminator = fixture.discriminator(),
               .lpips = fixture.lpips()},
        pixels(fixture.io.at("loss.image")) {}

  CodecLosses losses(int64_t step = 0) { return codec_losses(models, pixels, step, config); }

  CodecModels models;
  at::Tensor pixels;
  CodecTrainConfig config;
};

StateDict gradients_of(const torch::nn::Module& module) {
  StateDict gradients;
  for (const auto& item : module.named_parameters()) {
    if (item.value().grad().defined()) gradients.set(item.key(), item.value().grad().clone());
  }
  return gradients;
}

void expect_equal_gradients(const StateDict& actual, const StateDict& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [key, gradient] : expected) {
    EXPECT_LE(max_abs_difference(actual.at(key), gradient),
              1e-6 * gradient.abs().max().item<double>())
        << key;
  }
}

TEST(CodecLossGolden, OneBackwardPassGivesWhatTwoGiveInTheReference) {
  const CodecTrainingFixture fixture;
  for (const nlohmann::json& golden : fixture.meta.at("loss")) {
    const std::string name = golden.at("name");
    SCOPED_TRACE(name);
    LossRun run(fixture);
    run.config.l1_weight = golden.at("l1");
    run.config.l2_weight = golden.at("l2");
    run.config.adaptive_weight = golden.at("adaptive");
    const bool begun = golden.at("adopt").get<double>() > 0;
    run.config.adversarial_start = 100;
    const CodecLosses losses = run.losses(begun ? 99 : 98);
    const auto expect_value = [&](const char* key, const at::Tensor& value) {
      const double expected = golden.at("losses").at(key);
      EXPECT_NEAR(value.item<double>(), expected, 1e-4 * std::abs(expected) + 1e-6) << key;
    };
    expect_value("image", run.config.l1_weight * losses.l1 + run.config.l2_weight * losses.l2);
    expect_value("perceptual", losses.perceptual);
    expect_value("generator", losses.generator);
    if (begun) {
      expect_value("adversarial", losses.adversarial);
      expect_value("adaptive_weight", losses.adaptive_weight);
      expect_value("hinge", losses.discriminator / run.config.adversarial_weight);
    } else {
      EXPECT_EQ(losses.discriminator.item<float>(), 0);
    }
    (losses.generator + losses.discriminator).backward();
    const std::string prefix = "loss." + name + ".grad.";
    StateDict codec_gradients;
    for (const auto& [key, gradient] : fixture.io.below(prefix)) {
      if (!key.starts_with("discriminator.")) codec_gradients.set(key, gradient);
    }
    EXPECT_EQ(expect_gradients_close(name + ".", *run.models.codec, codec_gradients, "",
                                     fixture.gradients),
              2);
    if (begun) {
      EXPECT_EQ(expect_gradients_close(name + ".discriminator.", *run.models.discriminator,
                                       fixture.io, prefix + "discriminator.", fixture.gradients),
                2);
    } else {
      EXPECT_TRUE(gradients_of(*run.models.discriminator).empty());
    }
  }
}

TEST(CodecLoss, GradientsAreThoseOfTwoSeparatePasses) {
  const CodecTrainingFixture fixture;
  LossRun together(fixture), apart(fixture);
  together.config.adversarial_start = apart.config.adversarial_start = 0;
  const CodecLosses sum = together.losses();
  (sum.generator + sum.discriminator).backward();
  const CodecLosses losses = apart.losses();
  losses.generator.backward();
  EXPECT_TRUE(gradients_of(*apart.models.discriminator).empty()) << "the generator's loss leaks";
  const StateDict codec = gradients_of(*apart.models.codec);
  losses.discriminator.backward();
  expect_equal_gradients(gradients_of(*apart.models.codec), codec);
  expect_equal_gradients(gradients_of(*together.models.codec), codec);
  expect_equal_gradients(gradients_of(*together.models.discriminator),
                         gradients_of(*apart.models.discriminator));
  for (const at::Tensor& parameter : apart.models.discriminator->parameters()) {
    EXPECT_TRUE(parameter.requires_grad());
  }
}

TEST(CodecLoss, EachWeightMovesTheSumByItsTerm) {
  const CodecTrainingFixture fixture;
  const auto generator = [&](const std::function<void(CodecTrainConfig&)>& change) {
    LossRun run(fixture);
    run.config.adversarial_start = 0;
    change(run.config);
    const at::NoGradGuard no_grad;
    return run.losses();
  };
  const CodecLosses plain = generator([](CodecTrainConfig&) {});
  const auto difference = [&](const std::function<void(CodecTrainConfig&)>& change) {
    return (generator(change).generator - plain.generator).item<double>();
  };
  EXPECT_EQ(plain.l1.item<float>(), 0) << "not computed at weight 0";
  const double l1 = generator([](CodecTrainConfig& c) { c.l1_weight = 1; }).l1.item<double>();
  EXPECT_NEAR(difference([](CodecTrainConfig& c) { c.l1_weight = 3; }), 3 * l1, 1e-5);
  EXPECT_NEAR(difference([](CodecTrainConfig& c) { c.l2_weight = 2; }), plain.l2.item<double>(),
              1e-5);
  EXPECT_NEAR(difference([](CodecTrainConfig& c) { c.perceptual_weight = 3; }),
              2 * plain.perceptual.item<double>(), 1e-5);
  EXPECT_NEAR(difference([](CodecTrainConfig& c) { c.adversarial_weight = 1; }),
              0.5 * plain.adversarial.item<double>(), 1e-5);
}

TEST(CodecLoss, NeedsNoModelOfATermThatIsOff) {
  LossRun run{CodecTrainingFixture()};
  run.models.discriminator = nullptr;
  run.models.lpips = nullptr;
  run.config.perceptual_weight = run.config.adversarial_weight = 0;
  const CodecLosses losses = run.losses(50000);
  EXPECT_EQ(losses.perceptual.item<float>(), 0);
  EXPECT_EQ(losses.adversarial.item<float>(), 0);
  (losses.generator + losses.discriminator).backward();
  EXPECT_EQ(gradients_of(*run.models.codec).size(), run.models.codec->parameters().size());
}

TEST(CodecLoss, FirstStepsTrainWithoutQuantisation) {
  LossRun run{CodecTrainingFixture()};
  run.config.unquantised_steps = 3;
  const CodecLosses before = run.losses(2);
  EXPECT_FALSE(before.output.quantizer.codes_BT.defined());
  before.generator.backward();
  EXPECT_FALSE(gradients_of(*run.models.codec).contains("quantize.embedding.weight"));
  EXPECT_TRUE(gradients_of(*run.models.codec).contains("encoder.conv_in.weight"));
  EXPECT_TRUE(run.losses(3).output.quantizer.codes_BT.defined());
}

}  // namespace
}  // namespace mentor
