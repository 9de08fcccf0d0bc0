// Every file of the checkpoints fixture: what is recorded in expected.json, or the recorded
// refusal.
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/tensor/torch_archive.h"
#include "mentor/tensor/weights_file.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cctype>

namespace mentor {
namespace {

using Json = nlohmann::json;

fs::path checkpoint(const std::string& name) { return fixture_path("checkpoints/" + name); }

const Json& expected() {
  static const Json json = Json::parse(read_text(checkpoint("expected.json")));
  return json;
}

std::vector<std::string> names_below(const char* section) {
  std::vector<std::string> names;
  for (const auto& [name, value] : expected().at(section).items()) {
    if (value.is_object() && (value.contains("tensors") || value.contains("must"))) {
      names.push_back(name);
    }
  }
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

std::string joined(const Json& path) {
  std::string text;
  for (const Json& part : path) {
    text += (text.empty() ? "" : "/") + (part.is_string() ? part.get<std::string>() : part.dump());
  }
  return text;
}

void expect_recorded(const at::Tensor& tensor, const Json& record) {
  const std::map<std::string, at::ScalarType> dtypes = {
      {"float64", at::kDouble},    {"float32", at::kFloat}, {"float16", at::kHalf},
      {"bfloat16", at::kBFloat16}, {"int64", at::kLong},    {"int32", at::kInt},
      {"int16", at::kShort},       {"int8", at::kChar},     {"uint8", at::kByte},
      {"bool", at::kBool}};
  EXPECT_EQ(tensor.scalar_type(), dtypes.at(record.at("dtype")));
  EXPECT_EQ(tensor.sizes().vec(), record.at("shape").get<std::vector<int64_t>>());
  const at::Tensor values = tensor.to(at::kDouble).reshape({-1});
  EXPECT_NEAR(values.sum().item<double>(), record.at("sum").get<double>(),
              1e-9 * (1 + values.abs().sum().item<double>()));
  const auto first = record.at("first3").get<std::vector<double>>();
  ASSERT_GE(values.numel(), static_cast<int64_t>(first.size()));
  for (size_t i = 0; i < first.size(); ++i) {
    const at::Tensor rounded = at::scalar_tensor(first[i], at::kDouble).to(tensor.scalar_type());
    EXPECT_EQ(values[static_cast<int64_t>(i)].item<double>(),
              rounded.to(at::kDouble).item<double>());
  }
}

class GoodCheckpoint : public testing::TestWithParam<std::string> {};

TEST_P(GoodCheckpoint, HasTheRecordedTensors) {
  const fs::path file = checkpoint(GetParam());
  const Json& record = expected().at("files").at(GetParam());
  const bool torch_file = file.extension() == ".pt" || file.extension() == ".bin";
  const StateDict tensors =
      torch_file ? TorchArchive(file, /*verify_checksums=*/true).all_tensors() : read_weights(file);
  EXPECT_EQ(tensors.size(), record.at("tensors").size());
  for (const Json& tensor : record.at("tensors")) {
    const std::string path = joined(tensor.at("path"));
    SCOPED_TRACE(path);
    expect_recorded(tensors.at(path), tensor);
  }
  const Json strides = record.value("strides", Json::object());
  for (const auto& [name, layout] : strides.items()) {
    const at::Tensor& tensor = tensors.at("tensors/" + name);
    EXPECT_EQ(tensor.strides().vec(), layout.at("stride").get<std::vector<int64_t>>()) << name;
    EXPECT_EQ(tensor.storage_offset(), layout.at("offset").get<int64_t>()) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GoodCheckpoint, testing::ValuesIn(names_below("files")), test_name);

class DamagedCheckpoint : public testing::TestWithParam<std::string> {};

TEST_P(DamagedCheckpoint, LoadsOrIsRefusedAsRecorded) {
  const Json& record = expected().at("damaged").at(GetParam());
  const fs::path file = checkpoint("damaged/" + GetParam());
  const auto must = record.at("must").get<std::string>();
  try {
    const StateDict tensors = read_weights(file, {.verify_checksums = true});
    EXPECT_NE(must, "refuse");
    EXPECT_EQ(tensors.at("w").numel(), 4);
  } catch (const WeightsError& error) {
    EXPECT_NE(must, "load") << error.what();
    EXPECT_THAT(error.what(), testing::StartsWith(file.string()));
    for (const Json& mention : record.at("message_mentions")) {
      const auto words = mention.get<std::string>();
      if (words == "file name") continue;
      EXPECT_THAT(error.what(), testing::HasSubstr(words.substr(0, words.find(';'))));
    }
  }
  EXPECT_FALSE(fs::exists("EXECUTED_BY_PICKLE"));
}

INSTANTIATE_TEST_SUITE_P(Files, DamagedCheckpoint, testing::ValuesIn(names_below("damaged")),
                         test_name);

void expect_scalar(const PickleValue& value, const Json& wanted) {
  if (wanted.is_null()) {
    EXPECT_EQ(value.kind, PickleValue::Kind::kNone);
  } else if (wanted.is_string()) {
    EXPECT_EQ(value.text, wanted.get<std::string>());
  } else if (wanted.is_boolean()) {
    EXPECT_EQ(value.integer != 0, wanted.get<bool>());
  } else if (wanted.is_number_float()) {
    EXPECT_EQ(
        value.kind == PickleValue::Kind::kInt ? static_cast<double>(value.integer) : value.real,
        wanted.get<double>());
  } else {
    EXPECT_EQ(value.integer, wanted.get<int64_t>());
  }
}

TEST(Checkpoints, ALengthThatSpellsPkIsNoZip) {
  const TempDir dir;
  std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.resize(0x4B50, ' ');
  const uint64_t length = header.size();
  const std::string first(reinterpret_cast<const char*>(&length), sizeof(length));
  ASSERT_TRUE(first.starts_with("PK"));
  write_text(dir / "w.safetensors", first + header + std::string(4, '\0'));
  EXPECT_EQ(read_weights(dir / "w.safetensors").at("w").numel(), 1);
}

TEST(Checkpoints, ScalarsAndArgumentsCanBeRead) {
  const TorchArchive archive(checkpoint("mentor_tiny.pt"));
  const Json& scalars = expected().at("files").at("mentor_tiny.pt").at("scalars");
  EXPECT_EQ(archive.root().find("steps")->integer, scalars.at("steps").get<int64_t>());
  for (const char* section : {"lr_scheduler", "args"}) {
    const PickleValue* values = archive.root().find(section);
    ASSERT_NE(values, nullptr);
    for (const auto& [key, expected_value] : scalars.at(section).items()) {
      SCOPED_TRACE(key);
      const PickleValue* value = values->find(key);
      ASSERT_NE(value, nullptr);
      expect_scalar(*value, expected_value);
    }
  }
  const PickleValue* moments = archive.root().find("optimizer")->find("state")->find(0);
  ASSERT_NE(moments, nullptr);
  EXPECT_EQ(moments->find("exp_avg")->kind, PickleValue::Kind::kTensor);
}

TEST(Checkpoints, AliasesShareTheirStorage) {
  const StateDict weights = read_weights(checkpoint("mentor_tiny.pt"));
  const std::string prefix = "multimodal_encoder.language_model.";
  EXPECT_TRUE(weights.at(prefix + "shared.weight")
                  .is_alias_of(weights.at(prefix + "encoder.embed_tokens.weight")));
}

struct Layout {
  const char* file;
  bool prefer_ema;
  const char* container;
  const char* wrapper;
  std::vector<std::string> stripped;
};

class CheckpointLayout : public testing::TestWithParam<Layout> {};

TEST_P(CheckpointLayout, IsRecognised) {
  const Layout& layout = GetParam();
  WeightsReport report;
  const StateDict weights =
      read_weights(checkpoint(layout.file), {.prefer_ema = layout.prefer_ema}, &report);
  EXPECT_EQ(report.container, layout.container);
  EXPECT_EQ(report.wrapper, layout.wrapper);
  EXPECT_EQ(report.stripped, layout.stripped);
  for (const auto& [key, tensor] : weights) {
    EXPECT_FALSE(key.starts_with("module.") || key.starts_with("_orig_mod.")) << key;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, CheckpointLayout,
    testing::Values(Layout{"bare.pt", false, "torch zip", "", {}},
                    Layout{"bare_module_prefix.pt", false, "torch zip", "", {"module."}},
                    Layout{"bare_orig_mod_prefix.pt", false, "torch zip", "", {"_orig_mod."}},
                    Layout{"bare_both_prefixes.pt", false, "torch zip", "", {"module._orig_mod."}},
                    Layout{"deepspeed_module.pt", false, "torch zip", "module", {}},
                    Layout{"state_dict_wrapper.pt", false, "torch zip", "state_dict", {}},
                    Layout{"legacy.pt", false, "torch legacy", "model", {}},
                    Layout{"mentor_tiny.pt", true, "torch zip", "model", {}},
                    Layout{"vq_tiny.pt", false, "torch zip", "model", {}},
                    Layout{"vq_tiny.pt", true, "torch zip", "ema", {}},
                    Layout{"blip2_sharded_bin", false, "torch zip", "", {}},
                    Layout{"t5_sharded_safetensors", false, "safetensors", "", {}}),
    [](const auto& layout) {
      return test_name({layout.param.file, layout.index}) + (layout.param.prefer_ema ? "_ema" : "");
    });

TEST(ReadWeights, ReportsWhatItSkipped) {
  WeightsReport report;
  const StateDict weights = read_weights(checkpoint("opaque_objects.pt"), {}, &report);
  EXPECT_EQ(weights.size(), 1u);
  EXPECT_THAT(report.skipped, testing::ElementsAre("dtype", "device", "size", "ns", "set"));
}

TEST(ReadWeights, ChecksumsAreOptional) {
  const fs::path file = checkpoint("damaged/bad_crc.pt");
  EXPECT_EQ(read_weights(file).size(), 1u);
  EXPECT_THROW((void)read_weights(file, {.verify_checksums = true}), WeightsError);
}

TEST(ReadWeights, RefusesAFolderWithoutWeightsAndCollidingKeys) {
  const TempDir dir;
  EXPECT_THROW((void)read_weights(dir.path()), WeightsError);
  StateDict colliding;
  colliding.set("module.w", at::ones({1}));
  colliding.set("_orig_mod.w", at::ones({1}));
  save_torch_archive(dir / "colliding.pt", colliding);
  EXPECT_THROW((void)read_weights(dir / "colliding.pt"), WeightsError);
}

}  // namespace
}  // namespace mentor
