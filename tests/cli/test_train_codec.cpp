#include "support/train_program.h"

#include <tuple>

// mentor train codec as a user runs it.

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TrainCodec : public TrainProgram {
 protected:
  static constexpr int kAlone = 0, kTwo = 2;

  TrainCodec() { write_text(path("codec.yaml"), kCodec); }

  [[nodiscard]] static TrainCall call(const std::string& out, int ranks = kAlone,
                                      const std::vector<std::string>& set = {}) {
    return {.config = "codec.yaml", .out = out, .ranks = ranks, .set = set, .part = "codec"};
  }
  /// The one message in which a run must end.
  [[nodiscard]] std::string message_of(const std::vector<std::string>& set,
                                       const std::string& out = "refused") const {
    TrainCall refused = call(out, kAlone, set);
    refused.more = {"--log-level", "error"};
    const ProgramResult result = run(refused);
    expect_one_message(result, "");
    return result.err;
  }
  /// What a run that must succeed says.
  [[nodiscard]] std::string log_of(const TrainCall& call) const {
    const ProgramResult result = run(call);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.err;
  }
  [[nodiscard]] std::vector<double> validation(const std::string& out,
                                               const std::string& figure) const {
    std::vector<double> values;
    for (const auto& line : metrics(out, "validation")) {
      values.push_back(line.at("task_loss").at(figure));
    }
    return values;
  }

  // Everything that a codec is trained with but LPIPS, whose files are large.
  static constexpr const char* kCodec = R"(
model:
  preset: tiny
  image_size: 32
  decoder: {vocab_size: 64, grid: 8}
  codec: {layout: local, ch: 32, patch_size: 4, num_res_blocks: 1, norm_groups: 8, z_channels: 16,
          codebook_size: 64, codebook_dim: 8}
toy: {records: 200}
data:
  mixture:
    drawn: {toy: train, tasks: [reconstruction, text_to_image, segmentation]}
  validation_toy: true
  validation_samples: 16
  validation_tasks: [text_to_image]
codec_training: {l1_weight: 1, perceptual_weight: 0, adversarial_weight: 0.1, adversarial_start: 2,
                 discriminator_ch: 8, discriminator_layers: 1, unquantised_steps: 1,
                 revive_every: 2, revive_until: 0.9, crop_min: 1, flip_rate: 0.5}
train: {steps: 6, global_batch: 8, micro_batch: 4, log_every: 1, validate_every: 3, sample_every: 0}
optimizer: {lr: 2.0e-3, weight_decay: 0}
schedule: {shape: constant, warmup_steps: 0}
distributed: {timeout_s: 60}
runtime: {dtype: fp32, threads: 1}
)";
};

TEST_F(TrainCodec, LearnsAndItsCheckpointIsACodec) {
  train(call("run", kAlone,
             {"train.steps=90", "train.global_batch=16", "train.micro_batch=16",
              "train.validate_every=30", "train.sample_every=90", "train.log_every=30",
              "codec_training.adversarial_weight=0", "codec_training.unquantised_steps=15",
              "codec_training.revive_every=10", "codec_training.flip_rate=0"}));
  const std::vector<double> psnr = validation("run", "psnr"), usage = validation("run", "usage");
  ASSERT_EQ(psnr.size(), 3U);
  EXPECT_GT(psnr[2], psnr[0]);
  EXPECT_GT(psnr[2], 13);
  EXPECT_GT(usage[2], 0.3);
  EXPECT_GT(validation("run", "ssim")[2], 0.1);
  EXPECT_LT(values("run", "loss").back(), 0.7 * values("run", "loss").front());
  EXPECT_TRUE(fs::exists(path("run/samples/step_00000090.png")));
  const std::string report = read_text(path("run/report.html"));
  for (const char* figure : {"Terms of the loss", "psnr", "ssim", "usage"})
    EXPECT_THAT(report, HasSubstr(figure));

  const std::string config = (checkpoint("run", 90) / "config.yaml").string();
  const auto mentor = [&](std::vector<std::string> words) {
    words.insert(words.begin(), MENTOR_BINARY);
    const ProgramResult result = run_program(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
  };
  const std::string picture = path("photo_00.png"), codes = path("codes.json");
  mentor({"codec", "encode", picture, "--config", config, "--out", codes});
  mentor({"codec", "decode", codes, "--config", config, "--out", path("decoded")});
  EXPECT_TRUE(fs::exists(path("decoded/photo_00.png")));
  const std::string by_run = "weights.codec=" + path("run");
  mentor({"codec", "encode", picture, "--config", path("codec.yaml"), "--set", by_run, "--out",
          path("again.json")});
  EXPECT_EQ(read_text(path("again.json")), read_text(codes));
}

TEST_F(TrainCodec, ResumedEqualsUninterruptedBitForBit) {
  const std::tuple<int, std::string, int64_t> cases[] = {
      {kAlone, "fp32", 3}, {kAlone, "bf16", 3}, {kTwo, "fp32", 3}};
  for (const auto& [ranks, dtype, step] : cases) {
    SCOPED_TRACE(testing::Message() << ranks << " ranks, " << dtype);
    const std::string name = dtype + std::to_string(ranks);
    const auto named = [&](const std::string& out) {
      return call(out + name, ranks,
                  {"checkpoint.every=3", "train.log_every=2", "train.ema_decay=0.9",
                   "runtime.dtype=" + dtype});
    };
    const TrainCall whole = named("whole"), cut = named("cut");
    train(whole);
    kill_after(cut, step);  // codes were counted since the last look at them
    train(cut);
    expect_same_state(checkpoint(whole.out, 6), checkpoint(cut.out, 6));
    EXPECT_EQ(repeatable(whole.out), repeatable(cut.out));
  }
}

TEST_F(TrainCodec, SaysNothingOnStandardOutput) {
  for (const TrainCall& quiet : {call("codec"), TrainCall{.out = "stage1"}}) {
    const ProgramResult result = run(with(quiet, {"train.steps=1"}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, "") << quiet.out;
  }
}

TEST_F(TrainCodec, ShardsChangeNothing) {
  const auto variant = [&](const std::string& out, int ranks, const std::string& set) {
    train(call(out, ranks, {"codec_training.adversarial_weight=0", set}));
    return checkpoint(out, 6) / "model.safetensors";
  };
  expect_close(variant("sharded", kTwo, "optimizer.sharding=zero1"),
               variant("plain", kTwo, "optimizer.sharding=none"), "0");
  EXPECT_EQ(repeatable("sharded"), repeatable("plain"));
}

TEST_F(TrainCodec, GoesOnWithAnotherNumberOfRanks) {
  const TrainCall two = call("two", kTwo, {"checkpoint.every=3"});
  train(two);
  TrainCall one = two;
  one.ranks = kAlone;
  one.out = "one";
  one.more = {"--resume", checkpoint("two", 3).string()};
  train(one);
  EXPECT_EQ(metrics("one").front().at("step"), 4);
}

TEST_F(TrainCodec, TrainsOnAFolderOfPicturesOfAnySize) {
  fs::create_directories(path("pictures/more"));
  write_image(path("pictures/tiny.png"), Image(7, 5));
  write_image(path("pictures/more/long.png"), Image(90, 12));
  for (const char* name : {"photo_01.png", "photo_02.png"}) {
    fs::copy_file(path(name), path(std::string("pictures/") + name));
  }
  const std::string folder = path("pictures");
  train(call(
      "run", kAlone,
      {"data.mixture.drawn.samples=0", "data.mixture.pictures.file=" + folder,
       "data.mixture.pictures.weight=4", "data.validation=" + folder, "data.validation_toy=false",
       "data.validation_tasks=[]", "codec_training.crop_min=0.5", "train.steps=3"}));
  const auto validations = metrics("run", "validation");
  ASSERT_EQ(validations.size(), 1U);
  EXPECT_EQ(validations.front().at("samples"), 4);
}

TEST_F(TrainCodec, StartsFromACodecWithOrWithoutADiscriminator) {
  const TrainCall first = call("first", kAlone, {"train.steps=1"});
  EXPECT_THAT(log_of(first), AllOf(HasSubstr("codec: drawn at random"),
                                   HasSubstr("discriminator: drawn at random")));
  TrainCall second = with(first, {"train.init_from=" + path("first")});
  second.out = "second";
  EXPECT_THAT(log_of(second), Not(HasSubstr("drawn at random")));

  // As an official file: a codec without a discriminator.
  const TrainCall official = call("official", kAlone,
                                  {"model.codec.layout=official", "model.codec.ch=16",
                                   "model.codec.ch_mult=[1, 1, 2]", "train.steps=1"});
  train(with(official, {"codec_training.adversarial_weight=0"}));
  TrainCall tuned = with(official, {"weights.codec=" + path("official")});
  tuned.out = "tuned";
  EXPECT_THAT(log_of(tuned), AllOf(HasSubstr("discriminator: drawn at random"),
                                   Not(HasSubstr("codec: drawn at random"))));
}

TEST_F(TrainCodec, WhatCannotBeTrainedIsSaidInOneMessage) {
  EXPECT_THAT(message_of({"codec_training.perceptual_weight=1"}),
              HasSubstr("codec_training.lpips_vgg: "));
  EXPECT_THAT(message_of({"codec_training.perceptual_weight=1",
                          "codec_training.lpips_vgg=" + path("none.pth")}),
              AllOf(HasSubstr("codec_training.lpips_vgg: "), HasSubstr("none.pth does not exist")));
  EXPECT_THAT(message_of({"codec_training.discriminator_layers=5"}),
              HasSubstr("5 layers need pictures of 96 pixels, but model.image_size is 32"));
  EXPECT_THAT(message_of({"codec_training.discriminator_layers=4"}),
              HasSubstr("4 layers need pictures of 48 pixels, but model.image_size is 32"));
  EXPECT_THAT(message_of({"codec_training.crop_min=0.8"}),
              HasSubstr("data.mixture.drawn holds 200 segmentation records"));
  EXPECT_THAT(message_of({"codec_training.unquantised_steps=9", "train.steps=8"}),
              HasSubstr("the codebook would begin after step 9, but the run has 8"));
  fs::create_directories(path("empty"));
  EXPECT_THAT(message_of({"data.mixture.pictures.file=" + path("empty")}),
              HasSubstr("holds no picture (jpg, png, webp, bmp)"));
  EXPECT_THAT(message_of({"weights.codec=" + path("none")}),
              HasSubstr("weights.codec: " + path("none") + " does not exist"));
  // Two things are wrong with a file of another layout: its lines are more than one.
  const ProgramResult layout =
      run(call("refused", kAlone, {"weights.codec=" + path("weights/codec.safetensors")}));
  EXPECT_EQ(layout.exit_code, 2);
  EXPECT_THAT(layout.err, AllOf(HasSubstr("8 tensors of the codec (VQGAN) missing"),
                                HasSubstr("30 tensors of the codec (VQGAN) of another shape")));
}

TEST_F(TrainCodec, GoesOnWithTheSameCodecOnly) {
  train(call("run", kAlone, {"train.steps=1"}));
  EXPECT_THAT(message_of({"model.codec.z_channels=32"}, "run"),
              HasSubstr("model.codec.z_channels: 16 in the checkpoint, 32 now"));
  train(call("run", kAlone,
             {"train.steps=2", "model.t5.num_layers=3", "model.codec.commit_beta=0.5"}));
  EXPECT_EQ(metrics("run").back().at("step"), 2);
}

}  // namespace
}  // namespace mentor
