#include "mentor/core/error.h"
#include "mentor/tensor/mapped_file.h"
#include "mentor/tensor/safetensors.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace mentor {
namespace {

StateDict one_of_each_dtype() {
  StateDict tensors;
  for (const auto dtype : {at::kBool, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong,
                           at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    tensors.set(c10::toString(dtype), at::arange(-3, 12).reshape({3, 5}).to(dtype));
  }
  tensors.set("scalar", at::scalar_tensor(7, at::kFloat));
  tensors.set("empty", at::empty({3, 0, 2}, at::kHalf));
  tensors.set("transposed", at::arange(6).reshape({2, 3}).t());
  return tensors;
}

void expect_equal(const StateDict& actual, const StateDict& expected) {
  EXPECT_EQ(actual.size(), expected.size());
  for (const auto& [key, tensor] : expected) {
    SCOPED_TRACE(key);
    EXPECT_EQ(actual.at(key).scalar_type(), tensor.scalar_type());
    EXPECT_TRUE(at::equal(actual.at(key), tensor));
  }
}

void write_raw(const fs::path& file, const std::string& header, const std::string& content) {
  const uint64_t length = header.size();
  write_text(file, std::string(reinterpret_cast<const char*>(&length), 8) + header + content);
}

TEST(Safetensors, RoundTripKeepsEveryDtypeAndShape) {
  const TempDir dir;
  const fs::path file = dir / "all.safetensors";
  save_safetensors(file, one_of_each_dtype(), {{"format", "pt"}, {"step", "12"}});
  SafetensorsMetadata metadata;
  const StateDict read = read_safetensors(file, &metadata);
  expect_equal(read, one_of_each_dtype());
  EXPECT_EQ(metadata, (SafetensorsMetadata{{"format", "pt"}, {"step", "12"}}));
  for (const auto& [key, tensor] : read) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.const_data_ptr()) % tensor.element_size(), 0u)
        << key;
  }
}

TEST(Safetensors, TensorsOutliveTheFileAndSurviveDroppedPages) {
  const TempDir dir;
  const fs::path file = dir / "large.safetensors";
  const at::Tensor original = at::arange(100000, at::kFloat);
  StateDict saved;
  saved.set("x", original);
  save_safetensors(file, saved);
  const at::Tensor mapped = read_safetensors(file).at("x");
  fs::remove(file);
  EXPECT_TRUE(at::equal(mapped, original));
  drop_mapped_pages(mapped);
  EXPECT_TRUE(at::equal(mapped, original));
  drop_mapped_pages(original);
  EXPECT_EQ(original[99999].item<float>(), 99999.0F) << "memory that is not mapped was dropped";
}

TEST(Safetensors, StreamsOneTensorAtATime) {
  const TempDir dir;
  const fs::path file = dir / "streamed.safetensors";
  std::vector<std::string> asked;
  write_safetensors(file, {{"small", at::kByte, {3}}, {"wide", at::kDouble, {2, 2}}},
                    [&](const TensorSpec& spec) {
                      asked.push_back(spec.key);
                      return at::ones(spec.shape, spec.dtype);
                    });
  EXPECT_THAT(asked, testing::ElementsAre("wide", "small"));
  EXPECT_TRUE(at::equal(read_safetensors(file).at("wide"), at::ones({2, 2}, at::kDouble)));
}

TEST(Safetensors, AFailingWriterLeavesTheOldFile) {
  const TempDir dir;
  const fs::path file = dir / "kept.safetensors";
  save_safetensors(file, one_of_each_dtype());
  const auto produce = [](const TensorSpec&) -> at::Tensor { throw UserError("interrupted"); };
  EXPECT_THROW(write_safetensors(file, {{"x", at::kFloat, {1}}}, produce), UserError);
  EXPECT_THROW(write_safetensors(file, {{"x", at::kFloat, {2}}},
                                 [](const TensorSpec&) { return at::ones({3}); }),
               c10::Error);
  expect_equal(read_safetensors(file), one_of_each_dtype());
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()), 1);
}

TEST(Safetensors, AKeyThatIsNotUtf8IsNamed) {
  const TempDir dir;
  const fs::path file = dir / "x.safetensors";
  StateDict tensors;
  tensors.set("caf\xe9", at::zeros({1}));
  try {
    save_safetensors(file, tensors);
    FAIL() << "no error";
  } catch (const WeightsError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith(file.string() + ": tensor \"caf\xEF\xBF\xBD\""));
    EXPECT_THAT(error.what(), testing::HasSubstr("not UTF-8"));
  }
  EXPECT_FALSE(fs::exists(file));
}

TEST(Safetensors, AFullDiskNamesTheFile) {
  const TempDir dir;
  try {
    FileWriter writer("/dev/full", dir / "full.safetensors");
    writer.write("x");
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("full.safetensors: cannot write: No space left"));
  }
}

TEST(Safetensors, MisalignedDataIsCopied) {
  const TempDir dir;
  const fs::path file = dir / "odd.safetensors";
  const float values[] = {1.5F, -2.0F};
  std::string content(1 + sizeof(values), '\0');
  std::memcpy(content.data() + 1, values, sizeof(values));
  write_raw(file,
            R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
            R"("b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})",
            content);
  EXPECT_TRUE(at::equal(read_safetensors(file).at("b"), at::tensor({1.5F, -2.0F})));
}

struct BadHeader {
  const char* header;
  const char* message;
};

class SafetensorsHeader : public testing::TestWithParam<BadHeader> {};

TEST_P(SafetensorsHeader, IsRefused) {
  const TempDir dir;
  write_raw(dir / "bad.safetensors", GetParam().header, std::string(16, '\0'));
  try {
    SafetensorsMetadata metadata;
    (void)read_safetensors(dir / "bad.safetensors", &metadata);
    FAIL() << "no error";
  } catch (const WeightsError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith((dir / "bad.safetensors").string()));
    EXPECT_THAT(error.what(), testing::HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SafetensorsHeader,
    testing::Values(
        BadHeader{"[]", "not a JSON object"}, BadHeader{R"({"w":3})", "'w': no valid 'dtype'"},
        BadHeader{R"({"w":{"dtype":"F32","shape":[4]}})", "no valid 'data_offsets'"},
        BadHeader{R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0]}})", "[begin, end]"},
        BadHeader{R"({"w":{"dtype":"F32","shape":[4.5],"data_offsets":[0,16]}})", "natural"},
        BadHeader{R"({"w":{"dtype":"F32","shape":[0,9223372036854775807,4],"data_offsets":[0,0]}})",
                  "overflows"},
        BadHeader{R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
                  R"("w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})",
                  "'w': occurs twice"},
        BadHeader{R"({"__metadata__":{"a":1}})", "'a' is not a string"}));

}  // namespace
}  // namespace mentor
