#include "mentor/train/codec_reconstruction.h"
#include "support/codec_training_fixture.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <memory>

namespace mentor {
namespace {

using ::testing::ElementsAre;
using ::testing::Key;

/// The tiny models of the fixture in training on one rank.
class Training {
 public:
  explicit Training(const CodecTrainConfig& config, int64_t micro_batch = 4,
                    const at::Tensor& code_counts = {}) {
    models_.codec = fixture_.codec();
    std::vector<TrainedParameter> trained = parameters_of(*models_.codec, "", 0);
    if (config.adversarial()) {
      models_.discriminator = fixture_.discriminator();
      for (TrainedParameter& parameter :
           parameters_of(*models_.discriminator, kDiscriminatorPrefix, 1)) {
        trained.push_back(std::move(parameter));
      }
    }
    if (config.perceptual()) models_.lpips = fixture_.lpips();
    buckets_ =
        std::make_unique<ParameterBuckets>(std::move(trained), ParameterBuckets::Options{}, *solo_);
    optimizer_ = std::make_unique<AdamW>(*buckets_, OptimizerConfig{.weight_decay = 0}, 0, *solo_);
    objective_ = std::make_unique<CodecReconstruction>(
        models_, *optimizer_, *solo_,
        CodecReconstruction::Options{.training = config,
                                     .image_size = kSize,
                                     .micro_batch = micro_batch,
                                     .total_steps = 100,
                                     .seed = 7,
                                     .code_counts = code_counts});
  }

  /// Returns what the step comes to.
  Objective::Work step(int64_t number, double lr = 1e-3,
                       const std::vector<Example>& examples = pictures()) {
    const Objective::Work work = objective_->begin_step(examples);
    buckets_->begin_step();
    for (size_t i = 0; i < work.targets.size(); ++i) {
      if (i + 1 == work.targets.size()) buckets_->exchange_when_complete();
      objective_->run_backward(i, 1.0 / 4, number);
    }
    buckets_->finish_gradients();
    optimizer_->step(lr);
    objective_->end_step(number);
    return work;
  }
  [[nodiscard]] int64_t codes_of_a_picture() const {
    const int64_t grid = kSize / models_.codec->config().downsampling();
    return grid * grid;
  }
  [[nodiscard]] LossMeans means() const { return objective_->means(*solo_); }
  [[nodiscard]] at::Tensor codebook() const { return models_.codec->quantizer()->codebook(); }
  [[nodiscard]] std::map<std::string, at::Tensor> saved() const {
    std::map<std::string, at::Tensor> tensors;
    for (const SavedTensor& entry : objective_->saved_tensors()) {
      tensors[entry.name] = entry.tensor;
    }
    return tensors;
  }

 private:
  static constexpr int64_t kSize = 32;

  static std::vector<TrainedParameter> parameters_of(const torch::nn::Module& module,
                                                     std::string_view prefix, int group) {
    std::vector<TrainedParameter> parameters;
    for (const auto& item : module.named_parameters()) {
      parameters.push_back({.name = std::string(prefix) + item.key(),
                            .tensor = item.value(),
                            .decays = false,
                            .clip_group = group});
    }
    return parameters;
  }
  static std::vector<Example> pictures() {
    std::vector<Example> examples(4);
    for (size_t i = 0; i < examples.size(); ++i) {
      for (int64_t v = 0; v < 3 * kSize * kSize; ++v) {
        const auto phase = static_cast<double>(v) * 0.01 * static_cast<double>(i + 1);
        examples[i].target_CHW.push_back(static_cast<float>(std::sin(phase)));
      }
    }
    return examples;
  }

  CodecTrainingFixture fixture_;
  CodecModels models_;
  std::unique_ptr<Communicator> solo_ = solo_communicator();
  std::unique_ptr<ParameterBuckets> buckets_;
  std::unique_ptr<AdamW> optimizer_;
  std::unique_ptr<CodecReconstruction> objective_;
};

CodecTrainConfig plain() {
  return {.l1_weight = 1, .perceptual_weight = 0, .adversarial_weight = 0};
}

TEST(CodecReconstruction, CountsPicturesAndCodes) {
  Training training(plain(), /*micro_batch=*/3);
  const Objective::Work work = training.step(0);
  EXPECT_THAT(work.targets, ElementsAre(3, 1));
  EXPECT_EQ(work.samples, 4);
  EXPECT_EQ(work.tokens, 4 * training.codes_of_a_picture());
}

TEST(CodecReconstruction, ShowsTheTermsThatAreOn) {
  Training training(plain());
  (void)training.step(0);
  EXPECT_THAT(training.means().parts,
              ElementsAre(Key("codebook"), Key("commit"), Key("l1"), Key("l2")));
  Training all({.adversarial_start = 0});
  (void)all.step(0);
  const LossMeans means = all.means();
  EXPECT_THAT(means.parts, ElementsAre(Key("adversarial"), Key("codebook"), Key("commit"),
                                       Key("discriminator"), Key("l2"), Key("perceptual")));
  const auto part = [&](const char* name) { return means.parts.at(name); };
  EXPECT_NEAR(means.loss,
              part("l2") + part("perceptual") + 0.5 * part("adversarial") + part("codebook") +
                  part("commit"),
              1e-5);
}

TEST(CodecReconstruction, MicroBatchesChangeNothing) {
  Training whole(plain(), 4), cut(plain(), 1);
  for (int64_t step = 0; step < 3; ++step) {
    (void)whole.step(step, 1e-4);
    (void)cut.step(step, 1e-4);
  }
  EXPECT_NEAR(whole.means().loss, cut.means().loss, 1e-5);
  EXPECT_LE((whole.codebook() - cut.codebook()).abs().max().item<double>(), 1e-5);
}

TEST(CodecReconstruction, BothModelsLearn) {
  Training training({.perceptual_weight = 0, .adversarial_start = 0});
  const auto weights = [&](const char* name) { return training.saved().at(name).clone(); };
  const at::Tensor codec = weights("encoder.conv_in.weight");
  const at::Tensor discriminator = weights("discriminator.main.0.weight");
  (void)training.step(0);
  EXPECT_FALSE(at::equal(weights("encoder.conv_in.weight"), codec));
  EXPECT_FALSE(at::equal(weights("discriminator.main.0.weight"), discriminator));
}

TEST(CodecReconstruction, TheCodebookBeginsAtOutputsOfTheEncoder) {
  CodecTrainConfig config = plain();
  config.unquantised_steps = 2;
  Training training(config);
  const at::Tensor before = training.codebook().clone();
  (void)training.step(0);
  EXPECT_TRUE(at::equal(training.codebook(), before));
  EXPECT_EQ(training.means().parts.at("commit"), 0);
  (void)training.step(1);
  const at::Tensor after = training.codebook();
  EXPECT_EQ((after - before).abs().sum(1).ne(0).sum().item<int64_t>(), before.size(0));
  EXPECT_LE((after.norm(2, {1}) - 1).abs().max().item<double>(), 1e-5);
}

TEST(CodecReconstruction, RevivesCodesThatNoPictureUsed) {
  CodecTrainConfig config = plain();
  config.revive_every = 2;
  config.revive_until = 0.03;  // of 100 steps
  Training training(config);
  (void)training.step(0, /*lr=*/0);
  const at::Tensor counts = training.saved().at("code_counts").clone();
  const at::Tensor before = training.codebook().detach().clone();
  const at::Tensor unused = counts.eq(0);
  ASSERT_GT(unused.sum().item<int64_t>(), 0);
  ASSERT_GT(unused.logical_not().sum().item<int64_t>(), 0);
  (void)training.step(1, 0);
  const at::Tensor changed = (training.codebook() - before).abs().sum(1).ne(0);
  EXPECT_TRUE(at::equal(changed, unused)) << "the same pictures use the same codes";
  EXPECT_EQ(training.saved().at("code_counts").sum().item<int64_t>(), 0);

  const at::Tensor revived = training.codebook().detach().clone();
  (void)training.step(2, 0);
  (void)training.step(3, 0);
  EXPECT_TRUE(at::equal(training.codebook(), revived)) << "after revive_until";
}

TEST(CodecReconstruction, GoesOnWithTheCountsOfACheckpoint) {
  CodecTrainConfig config = plain();
  config.revive_every = 2;
  Training whole(config), first(config);
  (void)whole.step(0, 0);
  (void)whole.step(1, 0);
  (void)first.step(0, 0);
  at::Tensor counts = first.saved().at("code_counts");
  Training second(config, 4, counts);
  (void)second.step(1, 0);
  EXPECT_TRUE(at::equal(second.codebook(), whole.codebook()));
}

TEST(CodecReconstruction, AStepWithoutPicturesIsNoProblem) {
  CodecTrainConfig config = plain();
  config.revive_every = 1;
  config.unquantised_steps = 1;
  Training training(config);
  const at::Tensor before = training.codebook().detach().clone();
  for (const int64_t step : {0, 1}) EXPECT_EQ(training.step(step, 1e-3, {}).samples, 0);
  EXPECT_TRUE(at::equal(training.codebook(), before));
}

}  // namespace
}  // namespace mentor
