#include "mentor/core/content_hash.h"
#include "mentor/core/error.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

namespace mentor {
namespace {

TEST(ContentHash, IsXxh3OfTheBytesHoweverTheyCome) {
  // XXH3's published value for no input with seed 0.
  EXPECT_EQ(hash_bytes("").string(), "99aa06d3014798d86001c324468d497f");
  const std::string text(100'000, 'x');
  ContentHasher hasher;
  for (size_t i = 0; i < text.size(); i += 777) hasher.add(std::string_view(text).substr(i, 777));
  EXPECT_EQ(hasher.hash(), hash_bytes(text));
  const TempDir dir;
  write_text(dir / "file", text);
  EXPECT_EQ(hash_file(dir / "file"), hash_bytes(text));
  EXPECT_NE(hash_bytes(text + "x"), hash_bytes(text));
  EXPECT_THROW((void)hash_file(dir / "none"), DataError);
}

TEST(ContentHash, FieldsDoNotRunIntoEachOther) {
  const auto hash = [](std::string_view a, std::string_view b) {
    ContentHasher hasher;
    hasher.add_field(a);
    hasher.add_field(b);
    return hasher.hash();
  };
  EXPECT_NE(hash("ab", "c"), hash("a", "bc"));
  EXPECT_EQ(hash("ab", "c"), hash("ab", "c"));
}

}  // namespace
}  // namespace mentor
