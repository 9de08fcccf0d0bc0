#include "config/sample_config.h"
#include "mentor/config/yaml.h"
#include "mentor/core/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace mentor {
namespace {

Origins read(const std::string& text, SampleConfig& config) {
  return read_config({.name = "a.yaml", .text = text}, config);
}

TEST(DumpConfig, ShowsValuesWithTheirOrigin) {
  SampleConfig config;
  const Origins origins = read("shape:\n  preset: large\ntitle: 'a: b'\n", config);
  EXPECT_EQ(dump_config(config, origins),
            "shape:\n"
            "  preset: large                               # a.yaml:2\n"
            "  width: 1024                                 # preset large\n"
            "  ratio: 0.5                                  # preset large\n"
            "  levels: [1, 2]                              # preset large\n"
            "  rates: []                                   # preset large\n"
            "verbose: false                                # default\n"
            "title: \"a: b\"                                 # a.yaml:3\n"
            "mode: fast                                    # default\n"
            "file: \"\"                                      # default\n"
            "names: []                                     # default\n");
  EXPECT_EQ(dump_config(config, origins, /*minimal=*/true),
            "shape:\n"
            "  preset: large                               # a.yaml:2\n"
            "title: \"a: b\"                                 # a.yaml:3\n");
  EXPECT_EQ(dump_config(SampleConfig(), Origins(), /*minimal=*/true),
            "shape:\n"
            "  preset: small                               # default\n");
}

TEST(DumpConfig, ShowsEveryEntryOfAGroup) {
  SampleConfig config;
  const Origins origins = read("sources:\n  b: {}\n  a: {weight: 2}\n  c:\n", config);
  const auto dumped = [&](bool minimal) {
    const std::string yaml = dump_config(config, origins, minimal);
    return yaml.substr(yaml.find("sources"));
  };
  EXPECT_EQ(dumped(true),
            "sources:\n"
            "  a:\n"
            "    weight: 2                                 # a.yaml:3\n"
            "  b:\n"
            "    file: \"\"                                  # default\n"
            "  c:\n"
            "    file: \"\"                                  # default\n");
  EXPECT_THAT(dumped(false),
              testing::HasSubstr("  b:\n    file: \"\"                                "
                                 "  # default\n    weight: 1 "));
}

/// Random configurations, with texts that YAML could misread.
class RandomConfig {
 public:
  explicit RandomConfig(unsigned seed) : random_(seed) {}

  SampleConfig draw() {
    SampleConfig config;
    if (coin()) config.shape.apply_preset("large");
    if (coin()) config.shape.width = integer(1, 1 << 24);
    if (coin()) config.shape.ratio = std::uniform_real_distribution<>(1e-9, 1)(random_);
    for (int64_t i = integer(0, 3); i > 0; --i)
      config.shape.levels.push_back(integer(1, 1LL << 40));
    for (int64_t i = integer(0, 3); i > 0; --i) config.shape.rates.push_back(real());
    config.verbose = coin();
    config.title = text();
    config.mode = coin() ? "fast" : "exact";
    if (coin()) config.file = "/" + text();
    config.file = config.file.lexically_normal();
    for (int64_t i = integer(0, 3); i > 0; --i) config.names.push_back(text());
    for (const char* name : {"t2i", "seg-1", "7", "null", "_"}) {
      if (coin()) continue;
      SampleConfig::Source& source = config.sources[name];
      if (coin()) source.weight = std::abs(real());
      if (coin()) source.file = std::filesystem::path("/" + text()).lexically_normal();
    }
    return config;
  }

 private:
  int64_t integer(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool coin() { return integer(0, 1) == 1; }
  double real() {
    return std::ldexp(std::uniform_real_distribution<>(-1, 1)(random_),
                      static_cast<int>(integer(-900, 900)));
  }
  std::string text() {
    static const std::vector<std::string> kPieces = {
        "a",  "null", "~",  "true", "1.5",  ": ", " #", "#",    "\"",   "'",    "\\", "\n", "\t",
        "[",  "]",    "{",  "}",    ",",    "&",  "*",  "!",    "%",    "@",    "`",  "|",  ">",
        "- ", "?",    "--", "---",  "\x01", "é",  "猫", "🙂", "\r\n", "\x7f", " ",  "=",  "<<"};
    std::string joined;
    for (int64_t i = integer(0, 5); i > 0; --i) {
      joined += kPieces[static_cast<size_t>(integer(0, std::ssize(kPieces) - 1))];
    }
    return joined;
  }
  std::mt19937 random_;
};

TEST(DumpConfig, ReadsBackEqual) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    const SampleConfig config = RandomConfig(seed).draw();
    for (const bool minimal : {false, true}) {
      const std::string yaml = dump_config(config, Origins(), minimal);
      SampleConfig again;
      ASSERT_NO_THROW(read(yaml, again)) << yaml;
      ASSERT_EQ(again, config) << yaml;
    }
  }
}

TEST(ConfigHelp, ComesFromTheFields) {
  SampleConfig config;
  const FieldTable table = fields_for_help(config);
  EXPECT_EQ(config_help(table, "sources", 80),
            "sources.NAME: one entry of sources\n"
            "  sources.NAME.file: path (default \"\")\n"
            "      a path\n"
            "  sources.NAME.weight: number, >= 0 (default 1)\n"
            "      how much of it\n");
  EXPECT_EQ(config_help(table, "shape.ratio", 80),
            "shape: a nested section\n"
            "  shape.ratio: number, > 0 and <= 1 (default 0.5)\n"
            "      a share\n");
  EXPECT_THAT(config_help(table, "shape", 80),
              testing::HasSubstr("  shape.preset: text, small | large (default small)\n"));
  EXPECT_THAT(config_help(table, "", 80), testing::HasSubstr("shape             a nested section"));
  const std::string all = config_help(table, "all", 60);
  for (const Field& field : table.fields()) EXPECT_THAT(all, testing::HasSubstr(field.path + ": "));
  try {
    (void)config_help(table, "shpe", 80);
    FAIL() << "an unknown section must be refused";
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "there is no section or key 'shpe' (did you mean 'shape'?)");
  }
}

TEST(ConfigHelp, BoundsReadAsPeopleWriteThem) {
  EXPECT_EQ(describe(bound::any()), "");
  EXPECT_EQ(describe(bound::positive()), "> 0");
  EXPECT_EQ(describe(bound::non_negative()), ">= 0");
  EXPECT_EQ(describe(bound::between(0, 0.5)), "0 to 0.5");
  EXPECT_EQ(describe(Bound{.max = 3, .max_excluded = true}), "< 3");
  EXPECT_EQ(describe(bound::one_of({"a", "b"})), "a | b");
}

}  // namespace
}  // namespace mentor
