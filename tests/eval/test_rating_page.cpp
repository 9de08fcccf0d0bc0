#include "eval/evaluation_fixture.h"
#include "mentor/core/error.h"
#include "mentor/core/sha256.h"
#include "mentor/eval/rating_page.h"
#include "support/check_markup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace mentor {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RatingPageTest : public ::testing::Test {
 protected:
  RatingPageTest() { draw_samples(folder_.dir / "theirs", folder_.dataset, 1, 48); }

  static int64_t count(const std::string& page, std::string_view part) {
    int64_t found = 0;
    for (size_t at = page.find(part); at != page.npos; at = page.find(part, at + 1)) ++found;
    return found;
  }
  std::string error_of(const std::vector<fs::path>& samples) const {
    try {
      (void)rating_page(folder_.dataset, {.samples = samples});
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }

  JudgedFolder folder_{48};
  fs::path mine_ = folder_.config.samples, theirs_ = folder_.dir / "theirs";
};

TEST_F(RatingPageTest, AsksForBothSidesOfEachQuestion) {
  const RatingPageOptions options{.samples = {mine_, theirs_}, .count = 20};
  const std::string page = rating_page(folder_.dataset, options);
  EXPECT_EQ(check_markup(page), "");
  EXPECT_EQ(count(page, "<section class=\"question\">"), 20);
  EXPECT_EQ(count(page, "<img src=\"data:image/png"), 3 * 20);
  EXPECT_EQ(count(page, "type=\"radio\""), 20 * 2 * 2 * 5);
  EXPECT_THAT(page, HasSubstr("<li>samples</li><li>theirs</li>"));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  EXPECT_EQ(page, rating_page(folder_.dataset, options)) << "a function of its seed";
  const std::string other =
      rating_page(folder_.dataset, {.samples = {mine_, theirs_}, .count = 20, .seed = 1});
  EXPECT_NE(page, other);

  int64_t mine_first = 0;  // sides are drawn
  for (size_t at = page.find("<section"); at != page.npos; at = page.find("<section", at + 1)) {
    const size_t name = page.find("name=\"", at) + 6;
    if (page[name] == '0') ++mine_first;
  }
  EXPECT_GT(mine_first, 3);
  EXPECT_LT(mine_first, 17);
}

TEST_F(RatingPageTest, OneMethodIsEnough) {
  const std::string page = rating_page(folder_.dataset, {.samples = {mine_}, .count = 1000});
  EXPECT_EQ(count(page, "<section class=\"question\">"), 45) << "all there are";
  EXPECT_EQ(count(page, "type=\"radio\""), 45 * 2 * 5);
}

TEST_F(RatingPageTest, ShowsTheTextThatTheMethodsGot) {
  const std::string id = folder_.dataset.subjects[0].collection_id();
  put_file(mine_ / "text" / id / "3_0.txt", "A toy elsewhere");
  EXPECT_THAT(rating_page(folder_.dataset, {.samples = {mine_}, .count = 45}),
              HasSubstr("<p class=\"asked\">A toy elsewhere</p>"));
  const RatingPageOptions both{.samples = {mine_, theirs_}, .count = 45};
  EXPECT_THAT(rating_page(folder_.dataset, both), Not(HasSubstr("A toy elsewhere")));
  put_file(theirs_ / "text" / id / "3_0.txt", "A toy elsewhere");
  EXPECT_THAT(rating_page(folder_.dataset, both), HasSubstr("A toy elsewhere"));
}

TEST_F(RatingPageTest, KnowsItsPictures) {
  const auto id = [&] {
    const std::string page = rating_page(folder_.dataset, {.samples = {mine_}, .count = 45});
    const size_t at = page.find("data-id=\"");
    return at == page.npos ? "none" : page.substr(at + 9, 64);
  };
  const fs::path picture =
      mine_ / "tgt_image" / folder_.dataset.subjects[0].collection_id() / "3_0.jpg";
  const std::string before = id(), bytes = read_text(picture);
  EXPECT_EQ(id(), before);
  EXPECT_EQ(before.find_first_not_of("0123456789abcdef"), before.npos) << before;
  put_file(picture, encode_jpeg(Image(40, 40)));
  EXPECT_NE(id(), before) << "the browser remembers nothing of it";
  EXPECT_THAT(rating_page(folder_.dataset, {.samples = {mine_}, .count = 45}),
              HasSubstr("-3|" + sha256_hex(read_text(picture)) + "|0\""));
  put_file(picture, bytes);
  EXPECT_EQ(id(), before);
}

TEST_F(RatingPageTest, SaysWhatIsWrong) {
  fs::create_directories(folder_.dir / "empty/tgt_image");
  EXPECT_THAT(error_of({mine_, folder_.dir / "empty"}),
              HasSubstr("has no picture that can be rated beside one of the other method"));
  fs::create_directories(folder_.dir / "again");
  fs::rename(theirs_, folder_.dir / "again/samples");
  EXPECT_THAT(error_of({mine_, folder_.dir / "again/samples"}), HasSubstr("have the same name"));
}

}  // namespace
}  // namespace mentor
