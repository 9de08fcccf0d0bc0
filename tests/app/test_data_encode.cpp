#include "mentor/app/build.h"
#include "mentor/app/data_encode.h"
#include "mentor/app/data_sources.h"
#include "mentor/app/data_tools.h"
#include "mentor/app/weights_tools.h"
#include "mentor/core/error.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace mentor {
namespace {

using ::testing::HasSubstr;

class DataEncode : public ::testing::Test {
 protected:
  LoadedRunConfig load(const std::vector<std::string>& sets = {}) const {
    write_text(dir_ / "run.yaml", "base: " + weights_ + R"(/config.yaml
runtime: {dtype: fp32}
data:
  backgrounds: )" + fixture_path("data/background.jsonl").string() +
                                      R"(
  code_cache: codes
  mixture:
    all: {file: )" + fixture_path("data/records.jsonl").string() +
                                      "}\n");
    std::vector<Override> overrides;
    for (const std::string& set : sets) overrides.push_back(parse_override(set));
    return load_run_config(dir_ / "run.yaml", overrides);
  }
  std::string encode(const LoadedRunConfig& run, int64_t shard = 0, int64_t num_shards = 1) const {
    std::ostringstream out;
    encode_data({.run = run, .shard = shard, .num_shards = num_shards, .batch = 3}, out);
    return out.str();
  }
  static Vqgan codec_of(const LoadedRunConfig& run) {
    return load_models(run.config, start_runtime(run.config.runtime),
                       {.encoder = false, .decoder = false, .codec = true})
        .codec;
  }
  void SetUp() override {
    init_weights({.run = load_run_config({}), .dtype = "fp32", .folder = weights_});
  }

  TempDir dir_;
  const std::string weights_ = (dir_ / "weights").string();
};

TEST_F(DataEncode, TheCodesAreThoseThatTrainingWouldMake) {
  const LoadedRunConfig run = load();
  EXPECT_THAT(encode(run), HasSubstr(" 2 bad records left out"));
  EXPECT_THAT(encode(run), HasSubstr(": 0 targets encoded, 16 known already, 2 bad"));
  const c10::InferenceMode inference;
  Vqgan codec = codec_of(run);
  const ExampleMaker plain = make_examples(run.config, open_mixture(run).sources);
  const ExampleMaker cached = make_examples(run.config, open_mixture(run).sources,
                                            {.code_cache = open_code_cache(run, codec)});
  int compared = 0;
  for (int64_t record = 0; record < 18; ++record) {
    if (record == 16 || record == 17) continue;  // bad ones
    Example expected = plain(0, {0, record});
    const Example example = cached(0, {0, record});
    const at::Tensor codes =
        codec->encode_to_codes(at::from_blob(expected.target_CHW.data(), {1, 3, 64, 64}))
            .contiguous();
    const auto* first = codes.const_data_ptr<int64_t>();
    EXPECT_THAT(example.codes, ::testing::ElementsAreArray(first, first + codes.numel()));
    EXPECT_TRUE(example.target_CHW.empty());
    EXPECT_EQ(example.ids, expected.ids);
    EXPECT_EQ(example.pixels_NCHW, expected.pixels_NCHW);
    ++compared;
  }
  EXPECT_EQ(compared, 16);
}

TEST_F(DataEncode, ShardsTogetherMakeWhatOneMakes) {
  const LoadedRunConfig one = load(),
                        three = load({"data.code_cache=" + (dir_ / "three").string()});
  (void)encode(one);
  for (int64_t shard = 0; shard < 3; ++shard) (void)encode(three, shard, 3);
  const Vqgan codec = codec_of(one);
  EXPECT_EQ(open_code_cache(three, codec)->size(), open_code_cache(one, codec)->size());
  EXPECT_THAT(encode(three), HasSubstr(": 0 targets encoded, 16 known already"));
}

TEST_F(DataEncode, ACacheOfAnotherCodecIsRefusedWithThePlace) {
  const LoadedRunConfig run = load();
  (void)encode(run);
  Vqgan codec = codec_of(run);
  const CodeCacheIdentity before = code_cache_identity(run.config.model, codec);
  const auto change = [&](const std::string& prefix) {
    for (auto& parameter : codec->named_parameters()) {
      if (!parameter.key().starts_with(prefix)) continue;
      parameter.value().set_data(parameter.value().detach() + 1);  // the old ones are a mapped file
    }
  };
  change("decoder.");  // makes no codes
  EXPECT_EQ(code_cache_identity(run.config.model, codec).codec, before.codec);
  change("encoder.conv_in.");
  try {
    (void)open_code_cache(run, codec);
    FAIL() << "was accepted";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("run.yaml:5: data.code_cache: "));
    EXPECT_THAT(error.what(), HasSubstr("other weights"));
  }
}

TEST(FindWeightFiles, TheWorkingDirectoryIsNotMeantByNoPath) {
  const TempDir dir;
  write_text(dir / "checkpoints/step_00000001/state.yaml", "");
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  const WeightsConfig found = find_weight_files({});
  fs::current_path(before);
  EXPECT_EQ(found.model, "");
  EXPECT_EQ(found.codec, "");
  EXPECT_EQ(find_weight_files({.model = dir.path()}).model,
            dir / "checkpoints/step_00000001/model.safetensors");
}

}  // namespace
}  // namespace mentor
