#include "support/train_program.h"

// mentor train vision as a user runs it.

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TrainVision : public TrainProgram {
 protected:
  [[nodiscard]] static TrainCall call(const std::string& out, int ranks = 0) {
    return {.config = "vision.yaml",
            .out = out,
            .ranks = ranks,
            .set = {"train.steps=6", "checkpoint.every=3", "train.log_every=2",
                    "train.validate_every=3", "train.sample_every=6"},
            .part = "vision"};
  }
};

TEST_F(TrainVision, ResumedEqualsUninterruptedBitForBit) {
  for (const int ranks : {0, 2}) {
    SCOPED_TRACE(ranks);
    const TrainCall whole = call("whole" + std::to_string(ranks), ranks);
    const TrainCall cut = call("cut" + std::to_string(ranks), ranks);
    train(whole);
    kill_after(cut, 3);
    train(cut);
    expect_same_state(checkpoint(whole.out, 6), checkpoint(cut.out, 6));
    EXPECT_EQ(repeatable(whole.out), repeatable(cut.out));
  }
}

TEST_F(TrainVision, TheModelIsWhatStageOneStartsFrom) {
  train(call("tower"));
  const auto validation = metrics("tower", "validation");
  EXPECT_LT(validation.back().at("loss"), validation.front().at("loss"));
  EXPECT_TRUE(fs::exists(fs::path(path("tower")) / "samples/step_00000006.png"));
  train({.out = "stage1", .set = {"train.steps=1"}, .more = {"--init-from", path("tower")}});
  // The tower is what changed, and stage 1 leaves it alone.
  const auto differing = [&](const std::string& a, const std::string& b) {
    return run_program({MENTOR_BINARY, "weights", "diff", a, b, "--tolerance", "0"}).out;
  };
  const std::string trained = (checkpoint("tower", 6) / "model.safetensors").string();
  const std::string start = path("weights/model.safetensors");
  EXPECT_THAT(differing(start, trained),
              HasSubstr("vision_model.vision_tower.vision_model.encoder.layers.0"));
  EXPECT_THAT(differing(trained, (checkpoint("stage1", 1) / "model.safetensors").string()),
              ::testing::Not(HasSubstr("vision_tower.vision_model.encoder.layers.0")));
}

TEST_F(TrainVision, RecordsWithoutCaptionsAreRefused) {
  TrainCall objects = call("objects");
  objects.set.push_back("data.mixture.captions.tasks=[segmentation]");
  const ProgramResult result = run(objects);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("data.mixture.captions: holds segmentation records"),
                                HasSubstr("tasks: [text_to_image]")));
}

}  // namespace
}  // namespace mentor
