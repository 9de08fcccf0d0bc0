#include "mentor/core/error.h"
#include "mentor/data/loader.h"
#include "mentor/image/image_io.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kRecordBytes = 16 + 4 * 2 + 8;

CodeCacheIdentity identity() { return {.image_size = 32, .codes_per_side = 2, .codec = "c0dec"}; }
std::vector<uint16_t> codes(uint16_t first) {
  return {first, 2, 65535, static_cast<uint16_t>(first + 1)};
}
ContentHash key(const std::string& text) { return hash_bytes(text); }

void write(const fs::path& folder, const std::vector<std::string>& keys, int64_t number = 0) {
  CodeCacheWriter writer(folder, identity(), number);
  for (const std::string& name : keys) writer.add(key(name), codes(static_cast<uint16_t>(name[0])));
  writer.sync();
}

/// What opening says, without the folder, whose name is random.
std::string error_of(const TempDir& dir, const std::function<void()>& open) {
  try {
    open();
  } catch (const ConfigError& error) {
    std::string message = error.what();
    const std::string folder = dir.path().string() + "/";
    for (size_t at = 0; (at = message.find(folder)) != std::string::npos;) {
      message.erase(at, folder.size());
    }
    return message;
  }
  return "no error";
}

TEST(CodeCache, GivesBackWhatSeveralWritersPutIn) {
  const TempDir dir;
  {
    // At the same time, as two processes would.
    CodeCacheWriter first(dir / "codes", identity(), 0), second(dir / "codes", identity(), 1);
    first.add(key("a"), codes(1));
    second.add(key("b"), codes(2));
    first.add(key("c"), codes(3));
    EXPECT_EQ(error_of(dir, [&] { CodeCacheWriter(dir / "codes", identity(), 1); }),
              "codes/codes-0001.bin: another process is writing it: give every process a number of "
              "its own (--shard I/N)");
  }
  write(dir / "codes", {"d"}, 1);  // goes on behind what is there
  const CodeCache cache(dir / "codes", identity());
  EXPECT_EQ(cache.size(), 4);
  EXPECT_THAT(cache.find(key("a")), ElementsAreArray(codes(1)));
  EXPECT_THAT(cache.find(key("b")), ElementsAreArray(codes(2)));
  EXPECT_THAT(cache.find(key("c")), ElementsAreArray(codes(3)));
  EXPECT_THAT(cache.find(key("d")), ElementsAreArray(codes('d')));
  EXPECT_THAT(cache.find(key("e")), IsEmpty());
}

TEST(CodeCache, ATornEndIsLeftOutAndWrittenOver) {
  const TempDir dir;
  const fs::path file = dir / "codes/codes-0000.bin";
  write(dir / "codes", {"a", "b"});
  for (const int64_t kept : {kRecordBytes + 1, 2 * kRecordBytes - 1}) {
    fs::resize_file(file, static_cast<uintmax_t>(kept));
    const CodeCache torn(dir / "codes", identity());
    EXPECT_EQ(torn.size(), 1);
    EXPECT_THAT(torn.find(key("b")), IsEmpty());
    write(dir / "codes", {"b"});
    EXPECT_EQ(fs::file_size(file), 2U * kRecordBytes);
    const CodeCache whole(dir / "codes", identity());
    EXPECT_THAT(whole.find(key("b")), ElementsAreArray(codes('b')));
    EXPECT_THAT(torn.find(key("a")), ElementsAreArray(codes('a'))) << "an open cache stays";
  }
}

TEST(CodeCache, DamagedRecordsAreLeftOut) {
  const TempDir dir;
  write(dir / "codes", {"a", "b", "c"});
  const fs::path file = dir / "codes/codes-0000.bin";
  std::string bytes = read_text(file);
  bytes[static_cast<size_t>(kRecordBytes) + 20] ^= 1;  // a code of the second
  write_text(file, bytes);
  const CodeCache cache(dir / "codes", identity());
  EXPECT_EQ(cache.size(), 2);
  EXPECT_THAT(cache.find(key("b")), IsEmpty());
  EXPECT_THAT(cache.find(key("c")), ElementsAreArray(codes('c')));
}

TEST(CodeCache, AnotherIdentityIsRefusedByReaderAndWriter) {
  const TempDir dir;
  write(dir / "codes", {"a"});
  const std::string cure =
      ": name another folder in data.code_cache or delete this one, then run 'mentor data encode "
      "CONFIG'";
  const CodeCacheIdentity larger{.image_size = 64, .codes_per_side = 4, .codec = "c0dec"};
  EXPECT_EQ(error_of(dir, [&] { CodeCache(dir / "codes", larger); }),
            "codes: holds codes per side: 2, not 4; pictures of the size 32, not 64" + cure);
  const CodeCacheIdentity trained{.image_size = 32, .codes_per_side = 2, .codec = "other"};
  EXPECT_EQ(error_of(dir, [&] { CodeCacheWriter(dir / "codes", trained, 3); }),
            "codes: holds codes of a codec with other weights or another precision: \"c0dec\", not "
            "\"other\"" +
                cure);
  EXPECT_FALSE(fs::exists(dir / "codes/codes-0003.bin"));
  write_text(dir / "codes/manifest.json", "{\"format\": 1");
  EXPECT_EQ(error_of(dir, [&] { CodeCache(dir / "codes", identity()); }),
            "codes/manifest.json: is damaged" + cure);
  EXPECT_EQ(error_of(dir, [&] { CodeCache(dir / "none", identity()); }),
            "none: holds no codes: run 'mentor data encode CONFIG'");
}

/// Records of one drawing, made into samples of 32 pixels.
class TargetKeyTest : public ::testing::Test {
 protected:
  TargetKeyTest() {
    write_image(dir_ / "a.png", Image(40, 40));
    write_image(dir_ / "b.png", Image(50, 40));
  }
  std::optional<ContentHash> key_of(const std::string& fields, SampleOptions options = {}) const {
    options.image_size = options.image_size == 512 ? 32 : options.image_size;
    return target_key(
        parse_record(R"({"input_text": "x", "source_image": "a.png", )" + fields + "}", "file:1",
                     dir_.path()),
        options);
  }
  TempDir dir_;
};

TEST_F(TargetKeyTest, DependsOnPicturesSizeAndWhatIsMadeOfThem) {
  const auto whole = key_of(R"("image_path": "a.png")");
  ASSERT_TRUE(whole);
  EXPECT_EQ(key_of(R"("image_path": "a.png", "generation_only": true)"), whole);
  EXPECT_NE(key_of(R"("image_path": "b.png")"), whole);
  EXPECT_NE(key_of(R"("image_path": "a.png")", {.image_size = 64}), whole);
  const std::string object = R"("image_path": "b.png", "objects": "cat")";
  const auto squashed = key_of(object);
  EXPECT_NE(squashed, whole);
  EXPECT_EQ(key_of(object + R"(, "do_replace": true)"), squashed) << "the same target";
  const auto segmented = key_of(object + R"(, "do_mask": true)");
  EXPECT_NE(segmented, squashed);
  EXPECT_EQ(key_of(object, {.stage = Stage::kAlignment}), segmented);
  EXPECT_NE(key_of(R"("image_path": "a.png", "objects": "cat", "do_mask": true)"), segmented);

  fs::rename(dir_ / "b.png", dir_ / "a.png");
  EXPECT_NE(key_of(R"("image_path": "a.png")"), whole) << "the content counts, not the name";
  EXPECT_FALSE(key_of(R"("image_path": "none.png")"));
}

TEST_F(TargetKeyTest, ExamplesTakeKnownCodesAndOpenNoTarget) {
  write_text(dir_ / "records.jsonl",
             R"({"image_path": "a.png", "input_text": "x", "generation_only": true})"
             "\n"
             R"({"image_path": "b.png", "input_text": "x", "generation_only": true})"
             "\n");
  const auto first = key_of(R"("image_path": "a.png", "generation_only": true)");
  {
    CodeCacheWriter writer(dir_ / "codes", identity(), 0);
    writer.add(*first, codes(7));
  }
  const auto make = [&](int64_t record) {
    std::vector<ExampleSource> sources;
    sources.push_back(
        {.records = open_records(dir_ / "records.jsonl"), .sample = {.image_size = 32}});
    const ExampleMaker maker({}, std::move(sources),
                             Tokenizer::load(fixture_path("tokenizer/tokenizer.json")), {},
                             std::make_shared<const CodeCache>(dir_ / "codes", identity()));
    return maker(0, {0, record});
  };
  const Example known = make(0), other = make(1);
  EXPECT_EQ(known.codes, codes(7));
  EXPECT_TRUE(known.target_CHW.empty());
  EXPECT_TRUE(known.target_valid);
  EXPECT_THAT(other.codes, IsEmpty());
  EXPECT_EQ(other.target_CHW.size(), 3U * 32 * 32);

  write_image(dir_ / "a.png", Image(41, 40));  // a picture that changes misses
  EXPECT_THAT(make(0).codes, IsEmpty());
}

}  // namespace
}  // namespace mentor
