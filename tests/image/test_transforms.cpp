#include "mentor/core/error.h"
#include "mentor/image/contact_sheet.h"
#include "mentor/image/image_io.h"
#include "mentor/image/transforms.h"
#include "support/golden.h"
#include "support/image_fixtures.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <stdexcept>

namespace mentor {
namespace {

using nlohmann::json;

/// The recorded results of the reference's data set class. The cases below are named by the
/// records they come from; what a task does with prompts is tested with the data module.
class DataFixture : public testing::Test {
 protected:
  const json expected_ = json::parse(read_text(fixture_path("data/expected.json")));
  const RawSafetensors tensors_{fixture_path("data/expected.safetensors")};
  const int64_t size_ = expected_.at("config").at("image_size");
  const int64_t clip_size_ = expected_.at("config").at("clip_image_size");

  [[nodiscard]] static Image load(const std::string& name) {
    return read_image(fixture_path("data/" + name));
  }
  [[nodiscard]] Image mask(const std::string& name) const {
    return to_grey(squash(load("masks/" + name), size_));
  }
  void expect_target(const Image& target, const std::string& case_key) const {
    EXPECT_EQ(planes(target), tensors_.values<uint8_t>(case_key + ".target_u8")) << case_key;
  }
  void expect_clip(const std::vector<Image>& conditions, const std::string& case_key) const {
    std::vector<uint8_t> all;
    for (const Image& condition : conditions) {
      const std::vector<uint8_t> one = planes(clip_crop(condition, clip_size_));
      all.insert(all.end(), one.begin(), one.end());
    }
    EXPECT_EQ(all, tensors_.values<uint8_t>(case_key + ".clip_u8")) << case_key;
  }
};

TEST_F(DataFixture, TargetsOfTextToImageAndReconstruction) {
  expect_target(center_crop(load("images/wide.png"), size_), "case00");
  // A target smaller than the crop is stretched to the square first.
  expect_target(
      center_crop(resize(load("images/small.png"), {size_, size_}, Filter::kBicubic), size_),
      "case01");
  expect_target(center_crop(load("images/big.png"), size_), "case02");
  expect_target(
      center_crop(resize(load("images/tall.png"), {size_, size_}, Filter::kBicubic), size_),
      "case03");
  expect_target(center_crop(load("images/same.png"), size_), "case04");
  expect_target(center_crop(load("images/output.png"), size_), "case15");
}

TEST_F(DataFixture, ConditionPictures) {
  expect_clip({squash(load("images/tall.png"), size_)}, "case03");
  expect_clip({squash(load("images/wide.png"), size_)}, "case04");
  expect_clip({squash(load("images/wide.png"), size_), squash(load("images/tall.png"), size_)},
              "case05");
  expect_clip({squash(load("images/two.png"), size_)}, "case07");
  expect_clip({squash(load("images/input.png"), size_)}, "case15");
  expect_clip({squash(pad_to_square(load("images/tall.png")), size_),
               squash(pad_to_square(load("images/other.png")), size_)},
              "case27");
  expect_clip({squash(load("images/tall.png"), size_), squash(load("images/other.png"), size_)},
              "case28");
}

TEST_F(DataFixture, SegmentedTargets) {
  const Image two = squash(load("images/two.png"), size_);
  const std::pair<const char*, const char*> cases[] = {{"two_0.png", "case07"},
                                                       {"two_1.png", "case10"},
                                                       {"two_0_other_size.png", "case11"},
                                                       {"two_0_soft.png", "case12"},
                                                       {"two_0_colour.png", "case07"}};
  for (const auto& [mask_name, case_key] : cases)
    expect_target(keep_masked(two, mask(mask_name)), case_key);
}

TEST_F(DataFixture, ObjectCrops) {
  const Image three = squash(load("images/three.png"), size_);
  const auto crops = [&](std::vector<std::string> names, ObjectCrop kind) {
    std::vector<Image> cropped;
    for (const std::string& name : names)
      cropped.push_back(crop_object(three, mask(name), kind).value());
    return cropped;
  };
  const std::vector<std::string> all{"three_0.png", "three_1.png", "three_2.png"};
  const std::vector<std::string> some{"three_2.png", "three_0.png"};
  expect_clip(crops(all, ObjectCrop::kBox), "case19");
  expect_clip(crops(some, ObjectCrop::kBox), "case20");
  expect_clip(crops(all, ObjectCrop::kSegment), "case22");
  expect_clip(crops(some, ObjectCrop::kSegment), "case23");
}

TEST_F(DataFixture, Floats) {
  const auto close = [this](const std::vector<float>& actual, const std::string& name) {
    const std::vector<float> stored = tensors_.values<float>(name);
    ASSERT_EQ(actual.size(), stored.size());
    for (size_t i = 0; i < stored.size(); ++i) ASSERT_NEAR(actual[i], stored[i], 1e-6) << name;
  };
  const Image tall = load("images/tall.png");
  close(clip_pixels(squash(tall, size_), clip_size_), "float.pixel_values");
  close(target_pixels(center_crop(resize(tall, {size_, size_}, Filter::kBicubic), size_)),
        "float.target");
}

TEST(CenterCrop, LlamaGensVariantDiffersOnlyBelowTheCropSize) {
  const Image large = noise_image(100, 70, 3, 1), small = noise_image(40, 20, 3, 2);
  EXPECT_EQ(center_crop(large, 32), center_crop(large, 32, CenterCrop::kLlamaGen));
  const Image enlarged = center_crop(small, 32, CenterCrop::kLlamaGen);
  EXPECT_EQ(enlarged.width, 32);
  EXPECT_EQ(enlarged.height, 32);
}

TEST(Transforms, AnySizeFromOnePixelOn) {
  for (int64_t width = 1; width <= 40; width += 3) {
    for (int64_t height = 1; height <= 40; height += 13) {
      const Image image = noise_image(width, height, 3, 7);
      for (const CenterCrop variant : {CenterCrop::kMentor, CenterCrop::kLlamaGen}) {
        const Image cropped = center_crop(image, 16, variant);
        EXPECT_EQ(cropped.width, 16);
        EXPECT_EQ(cropped.height, 16);
      }
      EXPECT_EQ(clip_pixels(image, 14).size(), size_t{3 * 14 * 14});
      EXPECT_EQ(center_square(image).width, std::min(width, height));
      EXPECT_EQ(pad_to_square(image).height, std::max(width, height));
    }
  }
}

TEST(CropSquare, TheWholeShorterSideInTheMiddleIsTheCenterCrop) {
  const Image picture = noise_image(90, 60, 3, 1);
  EXPECT_EQ(crop_square(picture, 32, {}), center_crop(picture, 32, CenterCrop::kLlamaGen));
}

TEST(CropSquare, LiesWhereItIsAskedFor) {
  Image picture(80, 40);
  for (int64_t y = 0; y < 40; ++y) {
    for (int64_t x = 50; x < 80; ++x) *picture.at(x, y) = 255;
  }
  const Image left = crop_square(picture, 16, {.share = 0.5, .right = 0, .down = 0.99});
  const Image right = crop_square(picture, 16, {.share = 0.5, .right = 0.999, .down = 0});
  EXPECT_EQ(left, Image(16, 16));
  for (int64_t i = 0; i < 16; ++i) EXPECT_EQ(*right.at(i, i), 255) << i;
}

TEST(CropSquare, EnlargesAPictureThatIsSmaller) {
  for (const ImageSize size : {ImageSize{5, 9}, ImageSize{1, 1}, ImageSize{200, 3}}) {
    const Image square = crop_square(Image(size.width, size.height), 24, {.share = 0.8});
    EXPECT_EQ(square.size(), (ImageSize{24, 24})) << size.width;
  }
}

TEST(Mirror, ExchangesLeftAndRight) {
  Image picture(3, 2);
  *picture.at(0, 1) = 7;
  const Image mirrored = mirror(picture);
  EXPECT_EQ(*mirrored.at(2, 1), 7);
  EXPECT_EQ(*mirrored.at(0, 1), 0);
  EXPECT_EQ(mirror(mirrored), picture);
}

TEST(Transforms, AVeryLongPictureCostsLittle) {
  const Image line = noise_image(1, 60000, 3, 7);
  EXPECT_EQ(clip_pixels(line).size(), size_t{3 * 224 * 224});  // whole: 9 GB
  EXPECT_EQ(center_crop(line, 512).width, 512);
}

TEST(ToImage, FollowsTheThreeRules) {
  const std::vector<float> values{-2.0f, -1.0f, 0.0f, 0.1f, 1.0f, 2.0f};
  const auto bytes = [&values](ByteRule rule) {
    return to_image(values, {2, 1}, rule).pixels;  // planar [3, 1, 2] becomes two RGB pixels
  };
  EXPECT_EQ(bytes(ByteRule::kSampling), (std::vector<uint8_t>{0, 128, 255, 0, 140, 255}));
  EXPECT_EQ(bytes(ByteRule::kSaveImage), (std::vector<uint8_t>{0, 128, 255, 0, 140, 255}));
  EXPECT_EQ(bytes(ByteRule::kDemo), (std::vector<uint8_t>{0, 128, 255, 0, 140, 255}));
  EXPECT_THROW((void)to_image(values, {3, 1}, ByteRule::kDemo), std::invalid_argument);
}

TEST(ToImage, UndoesTargetPixelsUnderEveryRule) {
  Image all(16, 16);
  for (size_t i = 0; i < all.pixels.size(); ++i) all.pixels[i] = static_cast<uint8_t>(i / 3);
  for (const ByteRule rule : {ByteRule::kSampling, ByteRule::kSaveImage, ByteRule::kDemo})
    EXPECT_EQ(to_image(target_pixels(all), {16, 16}, rule), all);
}

TEST(ToImage, NotANumberBecomesBlackNotUndefined) {
  const std::vector<float> values(3, std::nanf(""));
  for (const ByteRule rule : {ByteRule::kSampling, ByteRule::kSaveImage, ByteRule::kDemo})
    EXPECT_EQ(to_image(values, {1, 1}, rule).pixels, (std::vector<uint8_t>{0, 0, 0}));
}

TEST(MaskBox, EndsAtTheLastRowAndColumn) {
  Image mask(8, 6, 1);
  EXPECT_EQ(mask_box(mask), std::nullopt);
  *mask.at(2, 1) = 1;
  EXPECT_EQ(mask_box(mask), std::nullopt) << "a single pixel leaves nothing";
  *mask.at(5, 4) = 255;
  EXPECT_EQ(mask_box(mask), (Box{2, 1, 5, 4}));
  EXPECT_FALSE(crop_object(Image(8, 6), Image(8, 6, 1), ObjectCrop::kBox).has_value());
  EXPECT_THROW((void)crop_object(Image(8, 6), Image(6, 8, 1), ObjectCrop::kBox),
               std::invalid_argument);
}

TEST(ContactSheet, PlacesPicturesRowByRowWithCaptions) {
  const std::vector<Image> pictures{noise_image(30, 30, 3, 1), noise_image(60, 30, 3, 2),
                                    noise_image(10, 40, 1, 3)};
  const ContactSheetOptions options{.columns = 2, .cell_size = 30, .margin = 4};
  const Image plain = contact_sheet(pictures, {}, options);
  EXPECT_EQ(plain.width, 2 * 34 + 4);
  EXPECT_EQ(plain.height, 2 * 34 + 4);
  EXPECT_EQ(crop(plain, {4, 4, 34, 34}), pictures[0]);
  EXPECT_EQ(*plain.at(0, 0), 255);

  const std::vector<std::string> captions{"a", "a caption that is far too long", ""};
  const Image titled = contact_sheet(pictures, captions, options);
  EXPECT_EQ(titled.height, 2 * (34 + 24) + 4);
  const Image under_first = crop(titled, {4, 34, 34, 58});
  EXPECT_LT(*std::min_element(under_first.pixels.begin(), under_first.pixels.end()), 128);
  EXPECT_THROW((void)contact_sheet({}, {}), std::invalid_argument);
  EXPECT_THROW((void)contact_sheet(pictures, std::span(captions).first(2)), std::invalid_argument);
}

}  // namespace
}  // namespace mentor
