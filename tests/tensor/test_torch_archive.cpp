#include "mentor/core/error.h"
#include "mentor/tensor/torch_archive.h"
#include "mentor/tensor/zip_archive.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mentor {
namespace {

using std::string_literals::operator""s;  // pickles hold zero bytes

StateDict awkward_tensors() {
  const at::Tensor base = at::arange(24, at::kFloat).reshape({4, 6});
  StateDict tensors;
  tensors.set("base", base);
  tensors.set("alias", base);
  tensors.set("column", base.select(1, 2));
  tensors.set("transposed", base.t());
  tensors.set("expanded", base.slice(0, 0, 1).expand({5, 6}));
  tensors.set("bf16", at::arange(7).to(at::kBFloat16));
  tensors.set("flags", at::tensor({1, 0, 1}).to(at::kBool));
  tensors.set("scalar", at::scalar_tensor(-9, at::kLong));
  tensors.set("empty", at::empty({3, 0, 2}, at::kHalf));
  return tensors;
}

StateDict read_all(const fs::path& file) {
  TorchArchive archive(file, /*verify_checksums=*/true);
  return archive.state_dict(archive.root());
}

TEST(SaveTorchArchive, RoundTripKeepsLayoutAndSharing) {
  const TempDir dir;
  save_torch_archive(dir / "x.pt", awkward_tensors());
  const StateDict read = read_all(dir / "x.pt");
  EXPECT_EQ(read.size(), awkward_tensors().size());
  for (const auto& [key, tensor] : awkward_tensors()) {
    SCOPED_TRACE(key);
    EXPECT_EQ(read.at(key).scalar_type(), tensor.scalar_type());
    EXPECT_EQ(read.at(key).strides(), tensor.strides());
    EXPECT_TRUE(at::equal(read.at(key), tensor));
  }
  EXPECT_TRUE(read.at("column").is_alias_of(read.at("base")));
  EXPECT_FALSE(read.at("bf16").is_alias_of(read.at("base")));
}

TEST(SaveTorchArchive, StorageIsAlignedForTheMapping) {
  const TempDir dir;
  save_torch_archive(dir / "x.pt", awkward_tensors());
  const auto mapping = MappedFile::open(dir / "x.pt");
  for (const ZipEntry& entry : read_zip(mapping->bytes(), "x.pt")) {
    EXPECT_EQ((entry.bytes.data() - mapping->bytes().data()) % 64, 0) << entry.name;
  }
}

TEST(SaveTorchArchive, AFolderThatIsAFileIsAUserError) {
  const TempDir dir;
  write_text(dir / "plain", "x");
  EXPECT_THROW(save_torch_archive(dir / "plain/x.pt", awkward_tensors()), UserError);
}

TEST(ZipArchive, WritesAndReadsZip64) {
  const TempDir dir;
  const std::string content(1000, 'a');
  FileWriter writer(dir / "wide.zip", dir / "wide.zip");
  ZipWriter zip(writer, /*zip64_from=*/200);
  zip.add("narrow", "b");
  zip.add("wide", content);
  zip.add("behind", "c");
  zip.finish();
  writer.close();
  const std::string bytes = read_text(dir / "wide.zip");
  const auto entries = read_zip(bytes, "wide.zip");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[1].bytes, content);
  EXPECT_EQ(entries[2].bytes, "c");
  EXPECT_EQ(entries[1].crc, crc32(content));
}

TEST(ZipArchive, ChecksumIsThatOfTheStandard) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);  // the check value of CRC-32/ISO-HDLC
  EXPECT_EQ(crc32(""), 0u);
}

struct Call {
  const char* name;
  std::string pickle;
  const char* refusal;  // empty: it must load
};

class PickledCall : public testing::TestWithParam<Call> {};

TEST_P(PickledCall, IsPermittedOrRefused) {
  const std::string& bytes = GetParam().pickle;
  if (*GetParam().refusal == '\0') {
    EXPECT_EQ(Pickle(bytes, "here").consumed(), bytes.size());
    return;
  }
  try {
    const Pickle pickle(bytes, "here");
    FAIL() << "no error";
  } catch (const WeightsError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("here: "));
    EXPECT_THAT(error.what(), testing::HasSubstr(GetParam().refusal));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PickledCall,
    testing::Values(
        Call{"Reduce", "cposix\nsystem\n(X\x01\0\0\0atR."s, "'posix system', which is not allowed"},
        Call{"Inst", "(X\x01\0\0\0aios\nsystem\n."s, "'os system', which is not allowed"},
        Call{"Obj", "(cos\nsystem\nX\x01\0\0\0ao."s, "'os system', which is not allowed"},
        Call{"TypedCall",
             "ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nN(X\x01\0\0\0atNtR."s,
             "'os system', which is not allowed"},
        Call{"PythonTwoBuiltin", "c__builtin__\neval\n(X\x01\0\0\0atR."s, "'builtins eval'"},
        Call{"Computed", "N)R.", "not allowed"},
        Call{"NestedTypedCalls",
             "ctorch._tensor\n_rebuild_from_type_v2\nq\0(h\0N(h\0N(h\0N(h\0NNttttR."s,
             "nested too deeply"},
        Call{"NameOnly", "cos\nsystem\n.", ""},
        Call{"Instance", "cargparse\nNamespace\n)\x81}(X\x01\0\0\0aK\x01ub."s, ""},
        Call{"InstanceOfNoClass", "N)\x81.", "no class"},
        Call{"Numpy", "cnumpy.core.multiarray\nscalar\n(NNtR.", ""},
        Call{"MarkLeft", "(", "ends unexpectedly"}, Call{"PopBelowMark", "N(a.", "stack"},
        Call{"NoMark", "t.", "mark"}, Call{"OddItems", "}(Nu.", "stack"},
        Call{"ItemsOfAList", "](NNu.", "no dictionary"},
        Call{"ExtensionCode", "\x82\x01.", "opcode"},
        Call{"NewerProtocol", "\x80\x06N.", "newer than 5"}),
    [](const auto& call) { return std::string(call.param.name); });

TEST(Pickle, ReadsTheTextOpcodesOfProtocolZero) {
  const Pickle pickle("(dp0\nS'a'\nI7\nsVb\nI01\nsS'c'\nL-12L\nsS'd'\nF2.5\nsS'e'\n(lp1\nI1\nas.",
                      "p");
  const PickleValue& root = pickle.root();
  EXPECT_EQ(root.find("a")->integer, 7);
  EXPECT_EQ(root.find("b")->kind, PickleValue::Kind::kBool);
  EXPECT_EQ(root.find("c")->integer, -12);
  EXPECT_EQ(root.find("d")->real, 2.5);
  EXPECT_EQ(root.find("e")->items.size(), 1u);
  EXPECT_EQ(root.find("f"), nullptr);
}

TEST(Pickle, SharedAndCyclicValuesNeedNoRecursion) {
  const Pickle cyclic("]q\0h\0a."s, "p");
  EXPECT_EQ(cyclic.root().items.at(0), &cyclic.root());
  const Pickle deep(std::string(1'000'000, ']') + std::string(999'999, 'a') + ".", "p");
  EXPECT_EQ(deep.root().items.size(), 1u);
}

TEST(Pickle, CopiesOfOneListAreBounded) {
  std::string bytes = "ccollections\nOrderedDict\nq\0(]q\x01("s;
  for (int i = 0; i < 100; ++i) bytes += "NN\x86";
  bytes += "e";
  for (int i = 0; i < 1000; ++i) bytes += "h\0h\x01\x85R0"s;
  EXPECT_THROW(Pickle(bytes + ".", "p"), WeightsError);
}

TEST(TorchArchive, AnEndlessExpansionIsRefused) {
  const TempDir dir;
  StateDict tensors;
  tensors.set("w", at::zeros({1}).expand({int64_t{1} << 40}));
  save_torch_archive(dir / "x.pt", tensors);
  EXPECT_THROW((void)read_all(dir / "x.pt"), WeightsError);
}

}  // namespace
}  // namespace mentor
