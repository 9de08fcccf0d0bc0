#include "config/sample_config.h"
#include "mentor/config/yaml.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

namespace mentor {
namespace {

Origins read(const std::string& text, SampleConfig& config, std::vector<Override> overrides = {}) {
  return read_config({.name = "a.yaml", .text = text, .overrides = std::move(overrides)}, config);
}

/// The message of the ConfigError that `read` throws.
template <class Read>
std::string error_of(Read read) {
  try {
    read();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

struct BadConfig {
  const char* yaml;
  const char* message;
};

class BadConfigTest : public testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTest, SaysWhereWhatAndTheCure) {
  SampleConfig config;
  EXPECT_EQ(error_of([&] { read(GetParam().yaml, config); }), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadConfigTest,
    testing::Values(
        BadConfig{"verbos: true", "a.yaml:1: verbos: unknown key (did you mean 'verbose'?)"},
        BadConfig{"shape: {widht: 3}",
                  "a.yaml:1: shape.widht: unknown key (did you mean 'width'?)"},
        BadConfig{"\nwidth: 3", "a.yaml:2: width: unknown key (did you mean 'shape.width'?)"},
        BadConfig{
            "shape.width: 3",
            "a.yaml:1: shape.width: a key has no dot: put it into its section, which ends with "
            "a colon"},
        BadConfig{"zzzzzz: 3", "a.yaml:1: zzzzzz: unknown key"},
        BadConfig{"verbose: yes", "a.yaml:1: verbose: needs true or false, not 'yes'"},
        BadConfig{"verbose: \"true\"",
                  "a.yaml:1: verbose: needs true or false, not the text 'true'"},
        BadConfig{"shape:\n  width: wide", "a.yaml:2: shape.width: needs an integer, not 'wide'"},
        BadConfig{"shape:\n  width: 1.5", "a.yaml:2: shape.width: needs an integer, not '1.5'"},
        BadConfig{"shape:\n  width: '3'",
                  "a.yaml:2: shape.width: needs an integer, not the text '3'"},
        BadConfig{"shape:\n  width:", "a.yaml:2: shape.width: needs an integer, has no value"},
        BadConfig{"shape:\n  width: 0", "a.yaml:2: shape.width: must be 1 to 16777216, not 0"},
        BadConfig{"shape:\n  width: 99999999999999999999",
                  "a.yaml:2: shape.width: 99999999999999999999 does not fit into 64 bits"},
        BadConfig{"shape: {ratio: .nan}",
                  "a.yaml:1: shape.ratio: needs a finite number, not '.nan'"},
        BadConfig{"shape: {ratio: nan}", "a.yaml:1: shape.ratio: needs a finite number, not 'nan'"},
        BadConfig{"shape: {ratio: -inf}",
                  "a.yaml:1: shape.ratio: needs a finite number, not '-inf'"},
        BadConfig{"shape: {ratio: 1e999}",
                  "a.yaml:1: shape.ratio: 1e999 does not fit a 64-bit "
                  "floating-point number"},
        BadConfig{"shape: {ratio: 0}", "a.yaml:1: shape.ratio: must be > 0 and <= 1, not 0"},
        BadConfig{"shape: {ratio: [1]}", "a.yaml:1: shape.ratio: needs a number, not a list"},
        BadConfig{"shape: {levels: 3}",
                  "a.yaml:1: shape.levels: needs a list of integers, not '3'"},
        BadConfig{"shape: {levels: [1, x, -2]}",
                  "a.yaml:1: shape.levels[1]: needs an integer, not 'x'\n"
                  "a.yaml:1: shape.levels[2]: must be > 0, not -2"},
        BadConfig{"names: [a, [b]]", "a.yaml:1: names[1]: must not be a list"},
        BadConfig{"title: {a: b}", "a.yaml:1: title: needs a text, not a section"},
        BadConfig{"title: ~",
                  "a.yaml:1: title: needs a text, has no value (write \"\" for an "
                  "empty one)"},
        BadConfig{"mode: exactly",
                  "a.yaml:1: mode: must be fast | exact, not 'exactly' (did you mean 'exact'?)"},
        BadConfig{"shape: 3", "a.yaml:1: shape: is a section and needs keys of its own, not '3'"},
        BadConfig{"title: a\nmode: fast\ntitle: b",
                  "a.yaml:3: title: is given twice (first in line 1)"},
        BadConfig{"- a", "a.yaml:1: needs sections (KEY: VALUE lines), not a list"},
        BadConfig{"just text", "a.yaml:1: needs sections (KEY: VALUE lines), not 'just text'"},
        BadConfig{"[a]: b", "a.yaml:1: a key must be a word"},
        BadConfig{"a: [1", "a.yaml:1: not YAML: end of sequence flow not found"},
        BadConfig{"title: a\n---\ntitle: b", "a.yaml: holds 2 documents; one is needed"},
        BadConfig{"sources: {a b: {}}",
                  "a.yaml:1: sources.a b: a name is made of letters, digits, - and _"},
        BadConfig{"sources:\n  a: {wieght: 2}",
                  "a.yaml:2: sources.a.wieght: unknown key (did you mean 'weight'?)"},
        BadConfig{"sources: {a: 3}",
                  "a.yaml:1: sources.a: is a section and needs keys of its own, not '3'"},
        BadConfig{"sources: [a]",
                  "a.yaml:1: sources: is a section and needs keys of its own, not a list"},
        BadConfig{"sourcs: {a: {}}", "a.yaml:1: sourcs: unknown key (did you mean 'sources'?)"},
        BadConfig{"base: nothere.yaml", "a.yaml:1: base: there is no file nothere.yaml"},
        BadConfig{"base: [a]", "a.yaml:1: base: needs the path of a YAML file, not a list"},
        BadConfig{"verbos: 1\nmode: slow\nshape:\n  width: -1\n",
                  "a.yaml:1: verbos: unknown key (did you mean 'verbose'?)\n"
                  "a.yaml:2: mode: must be fast | exact, not 'slow'\n"
                  "a.yaml:4: shape.width: must be 1 to 16777216, not -1"}));

TEST(ReadConfig, TakesEveryType) {
  SampleConfig config;
  read(
      "shape:\n  width: +16\n  ratio: 2.5e-1\n  levels: [3]\n  rates: [1, 2.5]\nverbose: true\n"
      "title: 1.0\nmode: exact\nfile: /x/../y\nnames: [a, 'b c']\n",
      config);
  EXPECT_EQ(config.shape.width, 16);
  EXPECT_EQ(config.shape.ratio, 0.25);
  EXPECT_EQ(config.shape.levels, std::vector<int64_t>{3});
  EXPECT_EQ(config.shape.rates, (std::vector<double>{1, 2.5}));
  EXPECT_TRUE(config.verbose);
  EXPECT_EQ(config.title, "1.0");
  EXPECT_EQ(config.file, "/y");
  EXPECT_EQ(config.names, (std::vector<std::string>{"a", "b c"}));
}

TEST(ReadConfig, NothingWrittenMeansDefaults) {
  for (const char* text : {"", "# only a comment\n", "shape:\n  # width: 3\n", "{}"}) {
    SampleConfig config;
    const Origins origins = read(text, config);
    EXPECT_EQ(config, SampleConfig()) << text;
    EXPECT_EQ(origins.of("shape.width"), "default") << text;
  }
}

TEST(ReadConfig, PresetComesBeforeTheKeysBesideIt) {
  SampleConfig config;
  const Origins origins = read("shape:\n  ratio: 0.25\n  preset: large\n", config);
  EXPECT_EQ(config.shape.width, 1024);
  EXPECT_EQ(config.shape.ratio, 0.25);
  EXPECT_EQ(origins.of("shape.width"), "preset large");
  EXPECT_EQ(origins.of("shape.ratio"), "a.yaml:2");
  EXPECT_EQ(origins.of("title"), "default");
  EXPECT_EQ(origins.where("shape.ratio"), "a.yaml:2: ");
  EXPECT_EQ(origins.where("shape.width"), "a.yaml: ");
}

TEST(ReadConfig, OverridesWin) {
  SampleConfig config;
  const Origins origins = read("title: a\nshape: {width: 3}", config,
                               {parse_override("title=x: y = [z"), parse_override("shape.width=4"),
                                parse_override("shape.levels=[7, 8]"), parse_override("title=#2"),
                                parse_override("shape.preset=large")});
  EXPECT_EQ(config.title, "#2");
  EXPECT_EQ(config.shape.width, 4);
  EXPECT_EQ(config.shape.levels, (std::vector<int64_t>{7, 8}));
  EXPECT_EQ(config.shape.preset, "large");
  EXPECT_EQ(origins.of("title"), "--set");
  EXPECT_EQ(origins.where("title"), "--set: ");
}

TEST(ReadConfig, BadOverridesAreReportedWithTheFile) {
  SampleConfig config;
  const auto message = error_of([&] {
    read("mode: slow", config,
         {parse_override("shape.widht=4"),
          parse_override("shap.width=4"),
          parse_override("shape.width=x"),
          parse_override("shape={}"),
          parse_override("width=1"),
          parse_override("shape.levels=[1,"),
          {.path = "mode", .value = "fst", .origin = "--mode"}});
  });
  EXPECT_EQ(message,
            "a.yaml:1: mode: must be fast | exact, not 'slow'\n"
            "--set: shape.widht: unknown key (did you mean 'shape.width'?)\n"
            "--set: shap.width: unknown key (did you mean 'shape.width'?)\n"
            "--set: shape.width: needs an integer, not 'x'\n"
            "--set: shape: is a section: give one of its keys\n"
            "--set: width: unknown key (did you mean 'shape.width'?)\n"
            "--set: shape.levels: '[1,' is not YAML: end of sequence flow not found\n"
            "--mode: mode: must be fast | exact, not 'fst' (did you mean 'fast'?)");
  EXPECT_EQ(error_of([] { (void)parse_override("x"); }),
            "--set: 'x' is no assignment: write KEY=VALUE, as in generate.seed=1");
}

TEST(ReadConfig, BaseChainsAndPathsRelativeToTheirFile) {
  const TempDir dir;
  write_text(dir / "root.yaml", "title: root\nmode: exact\nfile: r.bin\nshape: {width: 2}\n");
  write_text(dir / "sub/middle.yaml", "base: ../root.yaml\ntitle: middle\n");
  write_text(dir / "sub/leaf.yaml", "base: middle.yaml\nshape:\n  ratio: 1\n");
  SampleConfig config;
  const Origins origins = read_config({.name = (dir / "sub/leaf.yaml").string()}, config);
  EXPECT_EQ(config.title, "middle");
  EXPECT_EQ(config.mode, "exact");
  EXPECT_EQ(config.shape.width, 2);
  EXPECT_EQ(config.shape.ratio, 1);
  EXPECT_EQ(config.file, dir / "r.bin");
  EXPECT_EQ(origins.of("title"), (dir / "sub/middle.yaml").string() + ":2");
  EXPECT_EQ(origins.of("mode"), (dir / "root.yaml").string() + ":2");
  EXPECT_EQ(origins.of("shape.ratio"), (dir / "sub/leaf.yaml").string() + ":3");
}

TEST(ReadConfig, EntriesOfAGroupAppearByBeingNamed) {
  const TempDir dir;
  write_text(dir / "base.yaml", "sources:\n  a: {file: a.bin}\n  b: {file: b.bin, weight: 2}\n");
  write_text(dir / "sub/leaf.yaml", "base: ../base.yaml\nsources: {b: {weight: 0}}\n");
  SampleConfig config;
  const std::string leaf = (dir / "sub/leaf.yaml").string();
  const Origins origins = read_config(
      {.name = leaf,
       .overrides = {parse_override("sources.a.weight=3"), parse_override("sources.c-1.file=/c")}},
      config);
  const std::map<std::string, SampleConfig::Source> expected = {
      {"a", {dir / "a.bin", 3}}, {"b", {dir / "b.bin", 0}}, {"c-1", {"/c", 1}}};
  EXPECT_EQ(config.sources, expected);
  EXPECT_EQ(origins.of("sources.b.weight"), leaf + ":2");
  EXPECT_EQ(origins.of("sources.b.file"), (dir / "base.yaml").string() + ":3");
  EXPECT_EQ(origins.of("sources.c-1.weight"), "default");
  EXPECT_EQ(origins.where("sources.b"), (dir / "base.yaml").string() + ":3: ");
  EXPECT_EQ(origins.where("sources.none"), leaf + ": ");
  EXPECT_EQ(error_of([] {
              SampleConfig other;
              read("", other,
                   {parse_override("sources.a.wieght=1"), parse_override("sources.b=1"),
                    parse_override("sources.c/d.file=1")});
            }),
            "--set: sources.a.wieght: unknown key (did you mean 'sources.a.weight'?)\n"
            "--set: sources.b: is a section: give one of its keys\n"
            "--set: sources.c/d: a name is made of letters, digits, - and _");
}

TEST(ReadConfig, ProblemsOfAllFilesAndCirclesAreReported) {
  const TempDir dir;
  write_text(dir / "a.yaml", "base: b.yaml\nmode: slow\n");
  write_text(dir / "b.yaml", "title: ok\nbase: a.yaml\nwidht: 1\n");
  SampleConfig config;
  const std::string a = (dir / "a.yaml").string();
  const std::string b = (dir / "b.yaml").string();
  EXPECT_EQ(error_of([&] { read_config({.name = a}, config); }),
            b + ":2: base: goes round in a circle: " + a + " -> " + b + " -> " + a + "\n" + b +
                ":3: widht: unknown key (did you mean 'shape.width'?)\n" + a +
                ":2: mode: must be fast | exact, not 'slow'");
  EXPECT_THROW(read_config({.name = (dir / "none.yaml").string()}, config), UserError);
}

}  // namespace
}  // namespace mentor
