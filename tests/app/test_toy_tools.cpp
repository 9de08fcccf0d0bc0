#include "mentor/app/data_sources.h"
#include "mentor/app/toy_tools.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/image/image_io.h"
#include "mentor/toy/captions.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>
#include <sstream>

namespace mentor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ToyToolsTest : public ::testing::Test {
 protected:
  LoadedRunConfig load(const std::string& data, const std::vector<Override>& overrides = {}) const {
    write_text(dir_ / "run.yaml", "model: {preset: tiny}\nweights: {tokenizer: " +
                                      fixture_path("tokenizer/tokenizer.json").string() +
                                      "}\ntoy: {size: 64, records: 12, seed: 3, jitter: 0.5}\n" +
                                      "data:\n  image_only_rate: 0.2\n" + data);
    return load_run_config(dir_ / "run.yaml", overrides);
  }
  void make(Split split, const std::string& name) const {
    std::ostringstream ignored;
    make_toy({.config = load("").config, .split = split, .out = dir_ / name}, ignored);
  }
  std::string error_of(const std::string& data, const std::vector<Override>& overrides = {}) const {
    try {
      (void)open_mixture(load(data, overrides));
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  }

  TempDir dir_;
};

void expect_equal(const Example& drawn, const Example& read) {
  EXPECT_EQ(drawn.task, read.task);
  EXPECT_EQ(drawn.ids, read.ids);
  EXPECT_EQ(drawn.pixels_NCHW, read.pixels_NCHW);
  EXPECT_EQ(drawn.target_CHW, read.target_CHW);
  EXPECT_FALSE(drawn.target_CHW.empty());
}

TEST_F(ToyToolsTest, DrawnRecordsAreThoseOfTheFiles) {
  make(Split::kTrain, "made");
  std::string drawn = "  mixture:\n", read = "  backgrounds: made/backgrounds.jsonl\n  mixture:\n";
  for (const Task task : kToyTasks) {
    const std::string name(task_name(task));
    drawn += "    " + name + ": {toy: train, tasks: [" + name + "]}\n";
    read += "    " + name + ": {file: made/" + name + ".jsonl}\n";
  }
  const LoadedRunConfig by_drawing = load(drawn), by_reading = load(read);
  Mixture from_world = open_mixture(by_drawing), from_files = open_mixture(by_reading);
  ASSERT_EQ(from_world.entries.size(), 5u);
  EXPECT_EQ(from_world.table(), from_files.table());
  const ExampleMaker make_drawn =
      make_examples(by_drawing.config, std::move(from_world.sources), {.seed = 5});
  const ExampleMaker make_read =
      make_examples(by_reading.config, std::move(from_files.sources), {.seed = 5});
  for (int64_t entry = 0; entry < 5; ++entry) {
    for (int64_t record = 0; record < 12; ++record) {
      expect_equal(make_drawn(1, {entry, record}), make_read(1, {entry, record}));
    }
  }
}

TEST_F(ToyToolsTest, OneEntryHoldsAllTasksOneAfterAnother) {
  const LoadedRunConfig run = load("  mixture: {toy: {toy: train, tasks: [subject, recovery]}}\n");
  const Mixture mixture = open_mixture(run);
  EXPECT_EQ(mixture.shares.front().records, 24);
  EXPECT_EQ(mixture.entries.front().tasks,
            (std::map<Task, int64_t>{{Task::kRecovery, 12}, {Task::kSubject, 12}}));
  EXPECT_EQ(mixture.sources.front().records->record(11).task(Stage::kInstruction), Task::kRecovery);
  EXPECT_EQ(open_source(run.config, {}, "toy").records->size(), 24);
  const Mixture alignment =
      open_mixture(load("  stage: alignment\n  mixture: {toy: {toy: train, tasks: [subject]}}\n"));
  EXPECT_EQ(alignment.entries.front().tasks, (std::map<Task, int64_t>{{Task::kSegmentation, 12}}));
}

TEST_F(ToyToolsTest, RecoveredObjectsCanBeKeptLegible) {
  const auto scale = [&](const std::string& data, uint64_t seed) {
    return draw_choices(sample_options(load(data).config), seed).perturbation.scale;
  };
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_GE(scale("  recovery_min_scale: 0.8\n", seed), 0.8);
    EXPECT_EQ(scale("  recovery_min_scale: 0.2\n", seed), scale("", seed));
  }
}

TEST_F(ToyToolsTest, ValidationTakesHeldOutSubjects) {
  const LoadedRunConfig run =
      load("  validation_toy: true\n  validation_tasks: [subject]\n  validation_samples: 4\n");
  const Mixture validation = *open_validation(run);
  EXPECT_THAT(validation.sources.front().selection, ElementsAre(0, 3, 6, 9));
  EXPECT_EQ(validation.sources.front().records->where(3), "toy/held_out/subject:3");
}

TEST_F(ToyToolsTest, SaysWhatIsWrong) {
  EXPECT_THAT(error_of("  mixture: {a: {toy: train, file: a.jsonl}}\n"),
              HasSubstr("data.mixture.a.toy: the entry names a file, too"));
  EXPECT_THAT(error_of("  mixture: {a: {toy: train, tasks: [multi_image]}}\n"),
              HasSubstr("data.mixture.a.tasks: the toy world has no record of these tasks"));
  EXPECT_THAT(error_of("  validation_toy: true\n  validation: a.jsonl\n"),
              HasSubstr("data.validation_toy: data.validation names a file, too"));
  EXPECT_THAT(error_of("  mixture: {a: {toy: train}}\n", {parse_override("toy.size=32")}),
              HasSubstr("toy.size: is 32, but model.image_size is 64"));
  EXPECT_THAT(error_of("  mixture: {a: {toy: sometimes}}\n"), HasSubstr("not 'sometimes'"));
}

TEST_F(ToyToolsTest, AFolderIsWholeOrAbsent) {
  make(Split::kHeldOut, "made/");
  for (const auto& entry : fs::directory_iterator(dir_.path())) {
    EXPECT_NE(entry.path().extension(), ".tmp") << "left behind";
  }
  const RecordFile subjects(dir_ / "made/subject.jsonl");
  EXPECT_EQ(subjects.size(), 12);
  for (int64_t i = 0; i < 12; ++i) {
    const ToyPair pair = parse_toy_pair(subjects.line(i), subjects.where(i));
    EXPECT_TRUE(is_held_out(pair.target.subject));
    EXPECT_EQ(read_image(subjects.record(i).sources.front()), paint_scene(pair.target, 64).image);
  }
  EXPECT_THROW(make(Split::kTrain, "made"), UserError);
  write_text(dir_ / "file", "");
  EXPECT_THROW(make(Split::kTrain, "file"), UserError);
  EXPECT_THROW(make(Split::kTrain, "file/made"), UserError);
  fs::create_directories(dir_ / "empty");
  make(Split::kTrain, "empty");
  EXPECT_TRUE(fs::exists(dir_ / "empty/backgrounds/sea.png"));
}

TEST_F(ToyToolsTest, RequestsAskForWhatTheRecordsShow) {
  make(Split::kHeldOut, "cases");
  const LoadedRunConfig run = load("");
  const RecordFile requests(dir_ / "cases/subject.requests.jsonl");
  const RecordFile records(dir_ / "cases/subject.jsonl");
  ASSERT_EQ(requests.size(), records.size());
  for (int64_t i = 0; i < records.size(); ++i) {
    const nlohmann::json request = nlohmann::json::parse(requests.line(i));
    const Sample sample = make_sample(records.record(i), sample_options(run.config), {}, nullptr);
    EXPECT_EQ(request.at("prompt"), sample.prompt);
    EXPECT_EQ(dir_ / "cases" / request.at("image"), records.record(i).images.front());
    EXPECT_EQ(request.at("id"), format("{:06}", i));
  }
  EXPECT_FALSE(fs::exists(dir_ / "cases/recovery.requests.jsonl"));
}

TEST_F(ToyToolsTest, OnlyWhatTheTasksNeedIsWritten) {
  std::ostringstream out;
  make_toy({.config = load("").config, .tasks = {Task::kTextToImage}, .out = dir_ / "made"}, out);
  EXPECT_THAT(out.str(), HasSubstr("12 pictures and masks of 64 x 64 pixels"));
  EXPECT_TRUE(fs::is_empty(dir_ / "made/masks"));
  EXPECT_FALSE(fs::exists(dir_ / "made/subject.jsonl"));
}

TEST_F(ToyToolsTest, ATaskThatIsNamedTwiceIsMadeOnce) {
  const auto made = [&](const std::vector<Task>& tasks, const std::string& name) {
    std::ostringstream out;
    make_toy({.config = load("").config, .tasks = tasks, .out = dir_ / name}, out);
    return out.str();
  };
  const std::string out = made({Task::kSubject, Task::kRecovery, Task::kSubject}, "twice");
  EXPECT_EQ(out.find("subject.jsonl: "), out.rfind("subject.jsonl: ")) << out;
  EXPECT_LT(out.find("subject.jsonl: "), out.find("recovery.jsonl: "));
  (void)made({Task::kSubject, Task::kRecovery}, "once");
  EXPECT_EQ(read_text(dir_ / "twice/subject.jsonl"), read_text(dir_ / "once/subject.jsonl"));
}

TEST_F(ToyToolsTest, ADataSetHasDifferentSubjectsAndScenes) {
  const auto make_dataset = [&](const std::string& name, int64_t subjects) {
    std::ostringstream ignored;
    ToyMakeOptions options{.config = load("").config, .split = Split::kHeldOut, .out = dir_ / name};
    options.config.toy.records = subjects;
    options.config.toy.underdescribed_rate = 1;
    make_toy_dataset(options, ignored);
  };
  make_dataset("data", 70);
  make_dataset("again", 70);
  int64_t subjects = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "data/captions")) {
    if (!entry.is_regular_file()) continue;
    ++subjects;
    const fs::path name = fs::relative(entry.path(), dir_ / "data/captions");
    EXPECT_EQ(read_text(entry.path()), read_text(dir_ / "again/captions" / name));
    std::istringstream lines(read_text(entry.path()));
    std::string subject;
    std::getline(lines, subject);
    EXPECT_EQ(name.parent_path(), subject == "fish" ? "live_subject/animal" : "object");
    std::set<std::string> prompts;
    for (std::string line; std::getline(lines, line);) prompts.insert(line);
    EXPECT_EQ(prompts.size(), 9u) << name;
    for (const std::string& prompt : prompts) {
      const Scene scene = parse_prompt(prompt).scene;
      EXPECT_THAT(prompt, HasSubstr(std::string(background_words(scene.background))));
      EXPECT_THAT(prompt, HasSubstr(std::string(place_words(scene))));
    }
    const fs::path image = fs::path(name).replace_extension(".png");
    EXPECT_EQ(read_image(dir_ / "data/images" / image).width, 64);
  }
  EXPECT_EQ(subjects, 70);
  EXPECT_THAT([&] { make_dataset("many", 73); },
              ::testing::ThrowsMessage<ConfigError>(HasSubstr("73 subjects are asked for, and")));
}

}  // namespace
}  // namespace mentor
