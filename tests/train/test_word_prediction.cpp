#include "mentor/models/initialization.h"
#include "mentor/models/published_files.h"
#include "mentor/nn/parameters.h"
#include "mentor/train/word_prediction.h"
#include "support/compare.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <random>

namespace mentor {
namespace {

constexpr int64_t kWords = 8, kSide = 16;
constexpr int64_t kLastSpecial = 2;

ModelConfig small_config() {
  ModelConfig config = model_preset("tiny");
  config.clip = {.hidden_size = 32,
                 .intermediate_size = 32,
                 .num_layers = 2,
                 .num_heads = 2,
                 .image_size = kSide,
                 .patch_size = 4,
                 .select_layer = -1};
  return config;
}

ClipVision small_tower() {
  const at::NoGradGuard no_grad;
  const ModelConfig config = small_config();
  ClipVision tower(config.clip);
  materialize(*tower, at::kFloat);
  for (const auto& item : tower->named_parameters()) {
    const std::string name = std::string(kVisionPrefix) + item.key();
    item.value().copy_(
        initial_value(config, name, item.value().sizes(), 1, Initialization::kFanIn));
  }
  return tower;
}

WordHead new_head() {
  const at::NoGradGuard no_grad;
  WordHead head(small_config().clip.hidden_size, kWords);
  materialize(*head, at::kFloat);
  for (const auto& item : head->named_parameters()) item.value().zero_();
  return head;
}

/// A bright square in one of four corners; the caption's word is the corner's.
Example corner(uint64_t number) {
  std::mt19937_64 random(number);
  Example example{.ids = {0, 1, 3 + static_cast<int64_t>(number % 4)}, .num_pictures = 1};
  example.pixels_NCHW.resize(3 * kSide * kSide);
  for (float& value : example.pixels_NCHW) value = static_cast<float>(random() % 100) / 1000.0F;
  const auto left = static_cast<int64_t>(number % 2) * 8,
             top = static_cast<int64_t>(number / 2 % 2) * 8;
  for (int64_t y = top; y < top + 8; ++y) {
    for (int64_t x = left; x < left + 8; ++x) example.pixels_NCHW[y * kSide + x] += 1;
  }
  return example;
}

std::vector<Example> corners(uint64_t first, uint64_t count) {
  std::vector<Example> examples;
  for (uint64_t i = first; i < first + count; ++i) examples.push_back(corner(i));
  return examples;
}

WordPrediction objective_of(const ClipVision& tower, const WordHead& head, int64_t micro_batch) {
  return {tower,
          head,
          {.clip_size = kSide,
           .micro_batch = micro_batch,
           .last_special_id = kLastSpecial,
           .saved = [] { return std::vector<SavedTensor>{}; }}};
}

TEST(ClipVision, RecordsGradientsOfTheSameFeatures) {
  const ClipVision tower = small_tower();
  const at::Tensor pixels = at::randn({2, 3, kSide, kSide});
  const at::Tensor recorded = tower->hidden_state(pixels, 2).slice(1, 1);
  EXPECT_TRUE(recorded.requires_grad());
  const at::Tensor features = tower->forward(pixels);
  EXPECT_FALSE(features.requires_grad());
  EXPECT_LE(max_abs_difference(recorded.detach(), features), 1e-5);
}

TEST(CaptionBatch, HoldsTheWordsOfEachCaptionOnce) {
  Example example = corner(1);
  example.ids = {5, 5, 2, 7, 1, 0};
  const CaptionedBatch batch = caption_batch({&example}, kSide, kWords, kLastSpecial);
  EXPECT_TRUE(at::equal(batch.words_BV,
                        at::tensor({0., 0., 0., 0., 0., 1., 0., 1.}, at::kFloat).unsqueeze(0)));
}

TEST(WordPrediction, LearnsToSeeWhatCaptionsSay) {
  const ClipVision tower = small_tower();
  const WordHead head = new_head();
  WordPrediction objective = objective_of(tower, head, 16);
  std::vector<at::Tensor> parameters = tower->parameters();
  for (const at::Tensor& parameter : head->parameters()) parameters.push_back(parameter);
  const auto alone = solo_communicator();
  const auto measured = [&] {
    LossSums losses(WordPrediction::loss_names(), at::kCPU);
    objective.measure(corners(10'000, 32), losses);
    return WordPrediction::means_of(losses, *alone);
  };
  EXPECT_NEAR(measured().loss, kWords * std::log(2.0), 1e-4);  // nothing is known yet
  for (uint64_t step = 0; step < 80; ++step) {
    const Objective::Work work = objective.begin_step(corners(step * 16, 16));
    ASSERT_EQ(work.targets, std::vector<int64_t>{16});
    objective.run_backward(0, 1.0 / 16, static_cast<int64_t>(step));
    const at::NoGradGuard no_grad;
    for (at::Tensor& parameter : parameters) {
      if (!parameter.grad().defined()) continue;
      parameter.sub_(parameter.grad().sign() * 4e-3);  // as Adam begins
      parameter.mutable_grad().reset();
    }
  }
  const LossMeans after = measured();
  EXPECT_LT(after.loss, 0.3);
  EXPECT_LT(after.parts.at("missed"), 0.05);
  EXPECT_LT(after.parts.at("invented"), 0.05);
}

TEST(WordPrediction, MicroBatchesAddUp) {
  const auto gradient = [](int64_t micro_batch) {
    const ClipVision tower = small_tower();
    WordPrediction objective = objective_of(tower, new_head(), micro_batch);
    const Objective::Work work = objective.begin_step(corners(0, 10));
    for (size_t i = 0; i < work.targets.size(); ++i) objective.run_backward(i, 0.1, 0);
    EXPECT_EQ(work.samples, 10);
    return std::pair(objective.sums().clone(), work.targets.size());
  };
  const auto [whole, one] = gradient(10);
  const auto [cut, several] = gradient(4);
  EXPECT_EQ(one, 1U);
  EXPECT_EQ(several, 3U);
  EXPECT_LE(max_abs_difference(whole, cut), 1e-4);
}

}  // namespace
}  // namespace mentor
