#include "mentor/app/weights_tools.h"
#include "mentor/core/error.h"
#include "mentor/models/pretrained.h"
#include "mentor/tensor/weights_file.h"
#include "mentor/text/tokenizer.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

fs::path checkpoint(const std::string& name) { return fixture_path("checkpoints/" + name); }

void init_tiny(const fs::path& folder, uint64_t seed, const std::string& dtype = "bf16") {
  init_weights({.run = load_run_config({}), .seed = seed, .dtype = dtype, .folder = folder});
}

std::string inspected(WeightsInspectOptions options) {
  std::ostringstream out;
  inspect_weights(options, out);
  return out.str();
}

struct DiffResult {
  bool equal;
  std::string text;
};
DiffResult diff(WeightsDiffOptions options) {
  std::ostringstream out;
  const bool equal = diff_weights(options, out);
  return {equal, out.str()};
}

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(WeightsInit, FolderIsAllThatARunNeeds) {
  const TempDir dir;
  init_tiny(dir / "tiny", 1);
  const LoadedRunConfig run = load_run_config(dir / "tiny/config.yaml");
  EXPECT_EQ(run.config.weights.model, fs::weakly_canonical(dir / "tiny/model.safetensors"));
  ModelSet models = build_models(run.config.model);
  const PretrainedReport report = load_pretrained(models, run.config.weights, {});
  EXPECT_TRUE(report.names.complete());
  EXPECT_TRUE(report.names.unexpected.empty());
  EXPECT_TRUE(report.notes.empty());
  EXPECT_EQ(named_tensors(models).at("output.weight").abs().max().item<double>(), 0);
  const Tokenizer tokenizer = Tokenizer::load(
      run.config.weights.tokenizer, {.image_token_id = run.config.model.prompt.image_token_id});
  EXPECT_EQ(tokenizer.encode("<image>").front(), run.config.model.prompt.image_token_id);
}

TEST(WeightsInit, FolderMayMove) {
  const TempDir dir;
  init_tiny(dir / "here", 1);
  fs::rename(dir / "here", dir / "there");
  const LoadedRunConfig run = load_run_config(dir / "there/config.yaml");
  EXPECT_TRUE(fs::exists(run.config.weights.model));
  EXPECT_TRUE(fs::exists(run.config.weights.codec));
  EXPECT_TRUE(fs::exists(run.config.weights.tokenizer));
}

TEST(WeightsInit, SameSeedSameWeightsOnAnyNumberOfThreads) {
  const TempDir dir;
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  init_tiny(dir / "a", 5, "fp32");
  at::set_num_threads(3);
  init_tiny(dir / "b", 5, "fp32");
  init_tiny(dir / "c", 6, "fp32");
  at::set_num_threads(threads);
  for (const char* file : {"model.safetensors", "codec.safetensors"}) {
    EXPECT_TRUE(diff({.a = dir / "a" / file, .b = dir / "b" / file}).equal);
    EXPECT_FALSE(diff({.a = dir / "a" / file, .b = dir / "c" / file}).equal);
  }
}

TEST(WeightsInit, NeverOverwrites) {
  const TempDir dir;
  init_tiny(dir / "tiny", 1);
  EXPECT_THAT(message_of([&] { init_tiny(dir / "tiny", 2); }),
              AllOf(HasSubstr("model.safetensors: exists already"), HasSubstr("--out")));
}

TEST(WeightsInspect, SaysWhatATrainingFileHolds) {
  const std::string text = inspected({.path = checkpoint("mentor_tiny.pt")});
  EXPECT_THAT(text, HasSubstr("torch zip, weights under 'model'"));
  EXPECT_THAT(text, HasSubstr("MENTOR (decoder (LlamaGen) 20, text encoder (T5) 2"));
  EXPECT_THAT(text, HasSubstr("steps: 3"));
  EXPECT_THAT(text, HasSubstr("optimizer: "));
  EXPECT_THAT(text, HasSubstr("image_size=32"));
  EXPECT_THAT(text, HasSubstr("decoder.dim 32"));
  EXPECT_THAT(text, HasSubstr("layers.*.attention.wqkv.weight"));
  EXPECT_THAT(text, Not(HasSubstr("layers.1.attention.wqkv.weight")));
  EXPECT_THAT(inspected({.path = checkpoint("mentor_tiny.pt"), .all = true}),
              HasSubstr("layers.1.attention.wqkv.weight"));
}

TEST(WeightsInspect, JsonHoldsTheRecordedSums) {
  std::ifstream recorded(checkpoint("expected.json"));
  const nlohmann::json expected =
      nlohmann::json::parse(recorded).at("files").at("bare.pt").at("tensors");
  const nlohmann::json json =
      nlohmann::json::parse(inspected({.path = checkpoint("bare.pt"), .json = true}));
  ASSERT_EQ(json.at("tensors").size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto& actual = json.at("tensors")[i];
    EXPECT_EQ(actual.at("key"), expected[i].at("path")[0]);
    EXPECT_EQ(actual.at("shape"), expected[i].at("shape"));
    EXPECT_EQ(actual.at("dtype"), "fp32");
    EXPECT_NEAR(actual.at("sum"), expected[i].at("sum").get<double>(), 1e-7);
  }
}

TEST(WeightsInspect, JsonOfACodecHoldsItsLayout) {
  const TempDir dir;
  init_tiny(dir / "tiny", 1);
  const nlohmann::json dimensions =
      nlohmann::json::parse(inspected({.path = dir / "tiny/codec.safetensors", .json = true}))
          .at("dimensions");
  EXPECT_EQ(dimensions.at("codec.layout"), "official");
  EXPECT_EQ(dimensions.at("codec.ch"), 32);
  EXPECT_EQ(dimensions.at("codec.ch_mult"), nlohmann::json({1, 1, 2, 2}));
}

TEST(WeightsInspect, ComparesWithAConfigurationOrNamesThePreset) {
  const TempDir dir;
  init_tiny(dir / "tiny", 1);
  EXPECT_THAT(inspected({.path = dir / "tiny"}), HasSubstr("fits         tiny\n"));
  const nlohmann::json json = nlohmann::json::parse(
      inspected({.path = checkpoint("bare.pt"), .json = true, .model = model_preset("mentor-xl")}));
  EXPECT_EQ(json.at("fit").at("mismatched").size(), 20U);
  EXPECT_EQ(json.at("fit").at("missing").size(), 34U * 7U);
}

TEST(WeightsConvert, MentorFileToSafetensorsAndBackIsEqual) {
  const TempDir dir;
  const fs::path original = checkpoint("mentor_tiny.pt");
  convert_weights({.in = original, .out = dir / "a.safetensors"});
  const DiffResult first = diff({.a = original, .b = dir / "a.safetensors"});
  EXPECT_TRUE(first.equal) << first.text;
  EXPECT_THAT(first.text, HasSubstr("1 second names of a tensor"));
  convert_weights({.in = dir / "a.safetensors", .out = dir / "b.pt"});
  const DiffResult second = diff({.a = original, .b = dir / "b.pt"});
  EXPECT_TRUE(second.equal) << second.text;
  EXPECT_THAT(second.text, HasSubstr("0 second names"));
}

TEST(WeightsConvert, HuggingFaceFolderToOursAndBackIsEqual) {
  const TempDir dir;
  const fs::path folder = checkpoint("t5_sharded_safetensors");
  convert_weights({.in = folder, .out = dir / "t5.safetensors"});
  const StateDict ours = read_weights(dir / "t5.safetensors");
  EXPECT_EQ(ours.size(), 21U);
  EXPECT_TRUE(ours.contains("multimodal_encoder.language_model.shared.weight"));
  convert_weights({.in = dir / "t5.safetensors", .out = dir / "hf", .part = "t5", .layout = "hf"});
  const StateDict original = read_weights(folder);
  const StateDict back = read_weights(dir / "hf");
  EXPECT_EQ(back.size(), 21U);
  for (const auto& [key, tensor] : back) EXPECT_TRUE(tensor.equal(original.at(key))) << key;
}

TEST(WeightsConvert, KeepsTheConfigOfAFolderAndChangesTheDtype) {
  const TempDir dir;
  const fs::path folder = checkpoint("t5_sharded_safetensors");
  convert_weights({.in = folder, .out = dir / "hf", .dtype = "bf16", .part = "t5", .layout = "hf"});
  EXPECT_TRUE(fs::exists(dir / "hf/config.json"));
  EXPECT_EQ(read_weights(dir / "hf").at("shared.weight").scalar_type(), at::kBFloat16);
  const DiffResult result = diff({.a = folder, .b = dir / "hf", .tolerance = 0.05});
  EXPECT_THAT(result.text, HasSubstr("21 keys equal, 0 different, 17 only in one file"));
}

TEST(WeightsConvert, PartsAndLayoutsThatMakeNoFileAreRefused) {
  const TempDir dir;
  const fs::path mentor = checkpoint("mentor_tiny.pt");
  struct Case {
    WeightsConvertOptions options;
    std::string message;
  };
  const Case cases[] = {
      {{.in = mentor, .out = dir / "x.weights"}, "the name does not say which container"},
      {{.in = mentor, .out = dir / "x.pt", .part = "codec"}, "holds nothing of --part codec"},
      {{.in = mentor, .out = dir / "x.pt", .layout = "hf"}, "give --part t5, clip or projector"},
      {{.in = mentor, .out = dir / "x.pt", .part = "t5", .layout = "llamagen"},
       "give --part decoder or codec"},
  };
  for (const auto& [options, message] : cases) {
    EXPECT_THAT(message_of([&, o = options] { convert_weights(o); }), HasSubstr(message));
  }
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(WeightsConvert, EveryPartOfAMentorFileFillsItsModel) {
  const TempDir dir;
  const std::pair<const char*, size_t> parts[] = {
      {"decoder", 20}, {"t5", 22}, {"clip", 55}, {"projector", 4}, {"encoder", 81}};
  for (const auto& [part, count] : parts) {
    const fs::path out = dir / (std::string(part) + ".pt");
    convert_weights({.in = checkpoint("mentor_tiny.pt"), .out = out, .part = part});
    EXPECT_EQ(read_weights(out).size(), count) << part;
  }
}

TEST(WeightsDiff, ListsWhatDiffers) {
  const DiffResult result = diff({.a = checkpoint("bare.pt"), .b = checkpoint("mismatched.pt")});
  EXPECT_FALSE(result.equal);
  EXPECT_THAT(result.text, HasSubstr("output.weight: shape [32, 16] and [31, 16]"));
  EXPECT_THAT(result.text, HasSubstr("layers.1.ffn_norm.weight: only in A"));
  EXPECT_THAT(result.text, HasSubstr("layers.0.attention.kv_cache.k_cache: only in B"));
  EXPECT_TRUE(diff({.a = checkpoint("bare.pt"), .b = checkpoint("bare_both_prefixes.pt")}).equal);
}

}  // namespace
}  // namespace mentor
