#include "mentor/app/data_sources.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace mentor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A base file of three entries over the recorded records (18, of them one bad line).
class MixtureTest : public ::testing::Test {
 protected:
  MixtureTest() {
    fs::create_directory_symlink(fixture_path("data"), dir_ / "data");
    write_text(dir_ / "base.yaml", R"(model:
  preset: tiny
weights:
  tokenizer: )" + fixture_path("tokenizer/tokenizer.json").string() +
                                       R"(
data:
  backgrounds: data/background.jsonl
  image_only_rate: 0.5
  mixture:
    drawings: {file: data/records.jsonl, weight: 2, tasks: [text_to_image], image_only_rate: 0}
    objects: {file: data/records.jsonl, samples: 4, tasks: [segmentation, recovery]}
    rest:
      file: data/records.jsonl
)");
  }
  LoadedRunConfig load(const std::vector<std::string>& sets, const std::string& yaml = "") const {
    write_text(dir_ / "ablation.yaml", "base: base.yaml\n" + yaml);
    std::vector<Override> overrides;
    for (const std::string& set : sets) overrides.push_back(parse_override(set));
    return load_run_config(dir_ / "ablation.yaml", overrides);
  }
  Mixture open(const std::vector<std::string>& sets, const std::string& yaml = "") const {
    return open_mixture(load(sets, yaml));
  }
  /// The message of a ConfigError, without the folder, whose name is random.
  template <class Read>
  std::string error_of(Read read) const {
    try {
      read();
    } catch (const ConfigError& error) {
      std::string message = error.what();
      const std::string folder = dir_.path().string() + "/";
      for (size_t at = 0; (at = message.find(folder)) != std::string::npos;) {
        message.erase(at, folder.size());
      }
      return message;
    }
    return "no error";
  }
  static std::vector<std::string> names(const Mixture& mixture) {
    std::vector<std::string> names;
    for (const MixtureSummary& entry : mixture.entries) names.push_back(entry.name);
    return names;
  }

  TempDir dir_;
};

TEST_F(MixtureTest, TakesWeightsCountsAndTasks) {
  const Mixture mixture = open({});
  EXPECT_THAT(names(mixture), ElementsAre("drawings", "objects", "rest"));
  EXPECT_EQ(mixture.shares[0].records, 3);
  EXPECT_EQ(mixture.shares[0].samples, 6);
  EXPECT_EQ(mixture.shares[1].records, 6);
  EXPECT_EQ(mixture.shares[1].samples, 4);
  EXPECT_EQ(mixture.shares[2].records, 18);
  EXPECT_EQ(mixture.shares[2].samples, 18);
  EXPECT_THAT(mixture.sources[0].selection, ElementsAre(0, 1, 2));
  EXPECT_THAT(mixture.sources[1].selection, ElementsAre(5, 7, 10, 13, 14, 15));
  EXPECT_TRUE(mixture.sources[2].selection.empty());
  EXPECT_EQ(mixture.sources[0].sample.image_only_rate, 0);
  EXPECT_EQ(mixture.sources[1].sample.image_only_rate, 0.5);
  EXPECT_EQ(mixture.entries[2].bad, 1);
  EXPECT_EQ(mixture.table(),
            "entry        records  samples/epoch  tasks\n"
            "drawings           3              6  3 text_to_image (1 bad lines)\n"
            "objects            6              4  5 segmentation, 1 recovery (1 bad lines)\n"
            "rest              18             18  3 text_to_image, 3 reconstruction, "
            "5 segmentation, 1 recovery, 3 subject, 1 multi_object, 1 multi_image (1 bad lines)\n"
            "in all                           28\n");
}

TEST_F(MixtureTest, OneLineIsAnAblation) {
  EXPECT_THAT(names(open({}, "data: {mixture: {objects: {samples: 0}}}\n")),
              ElementsAre("drawings", "rest"));
  EXPECT_THAT(names(open({"data.mixture.drawings.weight=0"})), ElementsAre("objects", "rest"));
  const Mixture more = open({"data.mixture.rest.samples=7", "data.stage=alignment"});
  EXPECT_EQ(more.shares[2].samples, 7);
  // By what a record is: stage 1 shows the object of the others, too, but they have no mask.
  EXPECT_THAT(more.sources[1].selection, ElementsAre(5, 7, 10, 13, 14, 15));
  EXPECT_EQ(more.entries[1].tasks.size(), 1u) << "all of them are segmentation there";
}

TEST_F(MixtureTest, ASampleDoesNotDependOnOtherEntries) {
  const auto example = [&](const LoadedRunConfig& run, size_t entry, int64_t record) {
    Mixture mixture = open_mixture(run);
    const ExampleMaker make = make_examples(run.config, std::move(mixture.sources), {.seed = 5});
    return make(1, {static_cast<int64_t>(entry), record});
  };
  const LoadedRunConfig all = load({}), one = load({"data.mixture.drawings.samples=0"});
  bool differs = false;
  for (const int64_t record : {3, 4, 7}) {
    const Example first = example(all, 2, record), second = example(one, 1, record);
    EXPECT_EQ(first.ids, second.ids);
    EXPECT_EQ(first.pixels_NCHW, second.pixels_NCHW);
    EXPECT_FALSE(first.pixels_NCHW.empty());
    // The same record of another entry makes choices of its own.
    const Example third =
        example(load({}, "data: {mixture: {zz: {file: data/records.jsonl}}}"), 3, record);
    differs = differs || third.ids != first.ids || third.pixels_NCHW != first.pixels_NCHW;
  }
  EXPECT_TRUE(differs);
}

TEST_F(MixtureTest, AFileOfTheMixtureIsOpenedAsItsEntry) {
  const RunConfig config = load({"data.mixture.drawings.file=/gone"}).config;
  const Mixture mixture = open({});
  EXPECT_EQ(open_source(config, fixture_path("data/records.jsonl")).key, mixture.sources[1].key);
  EXPECT_EQ(open_source(config, fixture_path("data/background.jsonl")).key, 0U);
  const ExampleSource rest = open_source(config, {}, "rest");
  EXPECT_EQ(rest.key, mixture.sources[2].key);
  EXPECT_EQ(rest.sample.image_only_rate, 0.5);
  EXPECT_EQ(error_of([&] { (void)open_source(config, {}, "rst"); }),
            "data.mixture has no entry 'rst' (did you mean 'rest'?)");
}

TEST_F(MixtureTest, TheValidationFileGivesFixedRecordsFromAllOverIt) {
  EXPECT_FALSE(open_validation(load({})));
  const std::string file = fixture_path("data/records.jsonl").string();
  const Mixture some =
      *open_validation(load({"data.validation=" + file, "data.validation_samples=6"}));
  EXPECT_THAT(some.sources.front().selection, ElementsAre(0, 3, 6, 9, 12, 15));
  EXPECT_EQ(some.sources.front().sample.image_only_rate, 0);
  EXPECT_EQ(some.shares.front().records, 6);
  EXPECT_EQ(some.shares.front().samples, 6);
  EXPECT_EQ(open_validation(load({"data.validation=" + file}))->shares.front().samples, 18);
  EXPECT_EQ(error_of([&] { (void)open_validation(load({}, "data: {validation: no.jsonl}")); }),
            "ablation.yaml:2: data.validation: there is no file no.jsonl");
}

TEST_F(MixtureTest, AllProblemsComeWithTheirPlaces) {
  write_text(dir_ / "empty.jsonl", "\n");
  EXPECT_EQ(
      error_of([&] {
        (void)open({"data.mixture.rest.weight=0.01"},
                   "data:\n  mixture:\n"
                   "    a: {file: no.jsonl}\n"
                   "    b: {file: empty.jsonl}\n"
                   "    c: {file: data/background.jsonl, tasks: [subject]}\n"
                   "    drawings: {tasks: [subject], file: data/records.jsonl}\n");
      }),
      "ablation.yaml:4: data.mixture.a.file: there is no file no.jsonl\n"
      "ablation.yaml:5: data.mixture.b.file: empty.jsonl: holds no record\n"
      "ablation.yaml:6: data.mixture.c.tasks: no record of data/background.jsonl is of one of "
      "these tasks; it holds none that can be read\n"
      "--set: data.mixture.rest.weight: 0.01 x 18 records is no sample; 0 switches the entry "
      "off");
  EXPECT_THAT(error_of([&] { (void)open({"data.backgrounds="}); }),
              HasSubstr("data.mixture.objects: 1 recovery records need data.backgrounds, which is "
                        "not set"));
  EXPECT_EQ(error_of([&] {
              (void)open({"data.mixture.rest.samples=0", "data.mixture.objects.samples=0",
                          "data.mixture.drawings.samples=0"});
            }),
            "base.yaml:9: data.mixture: every entry is switched off (samples or weight 0)");
  EXPECT_THAT(error_of([&] { (void)open_mixture(load_run_config({})); }),
              HasSubstr("data.mixture: names no file"));
  EXPECT_EQ(error_of([&] { (void)load({}, "data: {mixture: {object: {samples: 0}}}"); }),
            "ablation.yaml:2: data.mixture.object: names no file (did you mean 'objects'?)");
  EXPECT_THAT(error_of([&] { (void)load({"data.mixture.rest.tasks=[segmentatoin]"}); }),
              HasSubstr("not 'segmentatoin' (did you mean 'segmentation'?)"));
}

TEST(MixtureEntry, KnowsEveryTask) {
  MixtureEntry entry;
  const FieldTable table = fields_of(entry);
  std::set<std::string> names;
  for (const std::string& word : table.find_field("tasks")->bound.words) {
    EXPECT_EQ(task_name(parse_task(word)), word);
    names.insert(word);
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(Task::kMultiImage) + 1);
}

}  // namespace
}  // namespace mentor
