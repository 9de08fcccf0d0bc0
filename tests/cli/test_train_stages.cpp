#include "support/train_program.h"

#include <chrono>

// mentor train from the first step to a picture: both stages on two ranks, and eight records
// learnt by heart.

namespace mentor {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class TrainStages : public TrainProgram {
 protected:
  /// `mentor WORDS...`, which must succeed.
  static void mentor(std::vector<std::string> words) {
    words.insert(words.begin(), MENTOR_BINARY);
    words.insert(words.end(), {"--log-level", "error"});
    const ProgramResult result = run_program(std::move(words));
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  /// The loss of every task is lower at the end.
  void expect_falling(const std::string& out, const std::set<std::string>& tasks) const {
    const auto lines = metrics(out);
    std::set<std::string> found;
    for (const auto& [task, first] : lines.front().at("task_loss").items()) {
      found.insert(task);
      EXPECT_LT(lines.back().at("task_loss").at(task), 0.95 * first.get<double>()) << task;
    }
    EXPECT_EQ(found, tasks);
    const auto held_out = metrics(out, "validation");
    ASSERT_GE(held_out.size(), 2U);
    EXPECT_EQ(held_out.back().at("task_loss").size(), tasks.size());
  }
  void expect_what_a_run_leaves(const std::string& out) const {
    EXPECT_THAT(read_text(path(out + "/report.html")), HasSubstr("<svg"));
    EXPECT_FALSE(fs::is_empty(path(out + "/tensorboard")));
    const auto sheets = metrics(out, "pictures");
    ASSERT_FALSE(sheets.empty());
    for (const auto& sheet : sheets) {
      const Image image = read_image(path(out + "/" + sheet.at("file").get<std::string>()));
      EXPECT_GT(image.width, 3 * DrawnPhotos::kSide);
    }
  }
  [[nodiscard]] nlohmann::json codes_in(const std::string& name) const {
    return nlohmann::json::parse(read_text(path(name))).at("pictures").at(0).at("codes");
  }
};

TEST_F(TrainStages, BothOnTwoRanksWithAKillBetween) {
  // Six photos, so that their pictures are learnt and not only which codes there are.
  const std::string records = path("records.jsonl"), all = read_text(records);
  size_t end = 0;
  for (int line = 0; line < 30; ++line) end = all.find('\n', end) + 1;
  write_text(records, all.substr(0, end));
  std::vector<std::string> shown = {"train.global_batch=6",
                                    "train.micro_batch=3",
                                    "train.log_every=6",
                                    "train.validate_every=12",
                                    "train.sample_every=12",
                                    "train.sample_count=3",
                                    "train.steps=48",
                                    "checkpoint.every=12",
                                    "optimizer.lr=3e-3",
                                    "data.validation_samples=12",
                                    "data.validation=" + path("validation.jsonl")};
  shown.insert(shown.end(), kNoDropout.begin(), kNoDropout.end());
  const TrainCall first = with({.out = "stage1", .ranks = 2}, shown);
  kill_after(first, 24);
  train(first);
  EXPECT_THAT(metrics("stage1"), SizeIs(8));
  EXPECT_THAT(metrics("stage1", "event").at(2).at("text"), HasSubstr("step_00000024"));
  expect_falling("stage1", {"text_to_image", "reconstruction", "segmentation"});
  expect_what_a_run_leaves("stage1");

  TrainCall second = with(first, {"train.init_from=" + path("stage1")});
  second.config = "stage2.yaml";
  second.out = "stage2";
  train(second);
  EXPECT_LT(metrics("stage2").front().at("loss"), metrics("stage1").front().at("loss"));
  expect_falling("stage2", {"text_to_image", "segmentation", "recovery", "subject"});
  expect_what_a_run_leaves("stage2");

  const std::string config = (checkpoint("stage2", 48) / "config.yaml").string();
  mentor({"score", config, "--out", path("held_out.json")});
  const auto measured = metrics("stage2", "validation").back();
  const auto scored = nlohmann::json::parse(read_text(path("held_out.json")));
  EXPECT_EQ(scored.at("pictures"), measured.at("samples"));
  EXPECT_NEAR(scored.at("nll_mean"), measured.at("loss"), 1e-5);
  for (const auto& [task, loss] : measured.at("task_loss").items()) {
    if (loss.is_null()) continue;  // none is held out
    EXPECT_NEAR(scored.at("nll_mean_by_task").at(task), loss, 1e-5) << task;
  }
  mentor({"generate", config, "--task", "subject", "--object", DrawnPhotos::object(3), "--image",
          path("other_03.png"), "--prompt", DrawnPhotos::caption(3), "--out", path("drawn.png")});
  EXPECT_EQ(read_image(path("drawn.png")).width, DrawnPhotos::kSide);
}

TEST_F(TrainStages, EightRecordsAreLearntByHeart) {
  // Two of each of four tasks.
  std::istringstream in(photos_.records());
  std::string records;
  int number = 0;
  for (std::string line; std::getline(in, line) && number < 40; ++number) {
    const int kind = std::array{0, 1, 2, 4}[number / 5 % 4];
    if (number % 5 == kind) records += line + "\n";
  }
  write_text(path("eight.jsonl"), records);
  const TrainCall call =
      with({.config = "stage2.yaml", .out = "eight", .set = kNoDropout},
           {"data.mixture.text_to_image.file=" + path("eight.jsonl"),
            "data.mixture.text_to_image.tasks=[]", "data.mixture.segmentation.samples=0",
            "data.mixture.recovery.samples=0", "data.mixture.subject.samples=0",
            "train.global_batch=8", "train.micro_batch=8", "train.steps=140", "train.log_every=20",
            "model.decoder.condition_dropout=0", "optimizer.lr=3e-3", "schedule.shape=cosine",
            "schedule.warmup_steps=10"});
  const auto start = std::chrono::steady_clock::now();
  train(call);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LT(seconds.count(), 60);
  EXPECT_LT(values("eight", "loss").back(), 0.1);

  // One picture of a sentence, one of a subject: drawn again code by code.
  const std::string config = (checkpoint("eight", 140) / "config.yaml").string();
  const auto expect_drawn = [&](int64_t photo, std::vector<std::string> request) {
    request.insert(request.begin(), {"generate", config, "--greedy", "--guidance-scale", "1"});
    request.insert(request.end(), {"--prompt", DrawnPhotos::caption(photo), "--out",
                                   path("drawn.png"), "--save-tokens", path("drawn.json")});
    mentor(request);
    mentor({"codec", "encode", path("photo_0" + std::to_string(photo) + ".png"), "--config", config,
            "--out", path("target.json")});
    const auto drawn = codes_in("drawn.json"), target = codes_in("target.json");
    ASSERT_EQ(drawn.size(), target.size());
    size_t equal = 0;
    for (size_t i = 0; i < drawn.size(); ++i) equal += drawn[i] == target[i] ? 1 : 0;
    EXPECT_GT(equal, 0.9 * static_cast<double>(target.size())) << "photo " << photo;
  };
  expect_drawn(0, {"--task", "text"});
  expect_drawn(3, {"--task", "subject", "--object", DrawnPhotos::object(3), "--image",
                   path("other_03.png")});
}

}  // namespace
}  // namespace mentor
