#include "mentor/models/lpips.h"
#include "mentor/nn/state.h"
#include "mentor/tensor/torch_archive.h"
#include "support/train_program.h"

#include <ATen/ATen.h>

// mentor train codec with LPIPS, on a network of VGG16's size with weights drawn at random.

namespace mentor {
namespace {

TEST_F(TrainProgram, ACodecLearnsWithLpips) {
  at::manual_seed(1);
  StateDict vgg, lin;
  for (const auto& [key, empty] : state_dict(*Lpips())) {
    const at::Tensor weights = 0.05 * at::randn(empty.sizes());
    if (key.starts_with("lin")) {
      lin.set(key, weights.abs());  // no distance is negative
    } else {
      vgg.set(key, weights);
    }
  }
  save_torch_archive(path("vgg16.pth"), vgg);
  save_torch_archive(path("vgg.pth"), lin);
  train({.config = MENTOR_SOURCE_DIR "/configs/toy/codec.yaml",
         .set = {"codec_training.perceptual_weight=1",
                 "codec_training.lpips_vgg=" + path("vgg16.pth"),
                 "codec_training.lpips_lin=" + path("vgg.pth"),
                 "codec_training.unquantised_steps=0", "train.steps=2", "train.global_batch=2",
                 "train.micro_batch=2", "train.log_every=1", "train.validate_every=2",
                 "data.validation_samples=2", "train.sample_every=0", "runtime.dtype=fp32"},
         .part = "codec"});
  const auto lines = metrics("run");
  ASSERT_EQ(lines.size(), 2U);
  const nlohmann::json& parts = lines.front().at("task_loss");
  const double perceptual = parts.at("perceptual");
  EXPECT_GT(perceptual, 0);
  // All weights of the sum are 1.
  EXPECT_NEAR(lines.front().at("loss"),
              perceptual + parts.at("l1").get<double>() + parts.at("l2").get<double>() +
                  parts.at("codebook").get<double>() + parts.at("commit").get<double>(),
              1e-3 * (1 + perceptual));
}

}  // namespace
}  // namespace mentor
