#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/image/resample.h"
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

/// The formula of pil.json and pil_seeded.json; the constants are the x, y, channel and product
/// factors and the modulus of the product.
Image formula_image(int64_t width, int64_t height, const std::vector<int64_t>& k) {
  Image image(width, height);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.at(x, y)[c] =
            static_cast<uint8_t>((k[0] * x + k[1] * y + k[2] * c + k[3] * ((x * y) % k[4])) % 256);
  return image;
}

void expect_equal(const Image& image, const json& expected) {
  EXPECT_EQ(json::array({image.width, image.height}), expected.at("size"));
  int64_t sum = 0, weighted_sum = 0;
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    sum += image.pixels[i];
    weighted_sum += image.pixels[i] * static_cast<int64_t>(i % 1009);
  }
  EXPECT_EQ(sum, expected.at("sum"));
  EXPECT_EQ(weighted_sum, expected.at("wsum"));
  const auto first = expected.at("first").get<std::vector<uint8_t>>();
  ASSERT_LE(first.size(), image.pixels.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), image.pixels.begin()));
}

void expect_clip_pixels(const Image& image, const json& expected) {
  const int64_t size = expected.value("clip_size", int64_t{224});
  const std::vector<float> values_CHW = clip_pixels(image, size);
  double sum = 0.0, absolute = 0.0;
  for (const float v : values_CHW) {
    sum += v;
    absolute += std::abs(v);
  }
  EXPECT_NEAR(sum, expected.at("sum").get<double>(), 0.02);
  EXPECT_NEAR(absolute, expected.at("abs_sum").get<double>(), 0.02);
  for (const auto& [key, pixel] : expected.items()) {
    int64_t row = 0, column = 0;
    if (!key.starts_with("px")) continue;
    const bool named = std::sscanf(key.c_str(), "px_row_%ld_column_%ld", &row, &column) == 2 ||
                       std::sscanf(key.c_str(), "px_%ld_%ld", &row, &column) == 2;
    ASSERT_TRUE(named || key == "px00") << key;
    for (int64_t c = 0; c < 3; ++c)
      EXPECT_NEAR(values_CHW[(c * size + row) * size + column], pixel.at(c).get<double>(), 1e-5)
          << key;
  }
}

Image paste_case(const json& test, const std::vector<int64_t>& constants) {
  const auto canvas_size = test.at("input").get<std::vector<int64_t>>();
  const auto size = test.value("foreground", std::vector<int64_t>{40, 30});
  const auto at = test.value("at", std::vector<int64_t>{7, 11});
  Image mask(size[0], size[1], 1);
  for (int64_t y = 0; y < mask.height; ++y)
    for (int64_t x = 0; x < mask.width; ++x) *mask.at(x, y) = static_cast<uint8_t>(9 * y + 5 * x);
  Image canvas = formula_image(canvas_size[0], canvas_size[1], constants);
  paste_masked(canvas, formula_image(size[0], size[1], constants), mask, at[0], at[1]);
  return canvas;
}

void check_case(const json& test, const std::vector<int64_t>& constants) {
  const std::string name = test.at("name");
  SCOPED_TRACE(test.dump().substr(0, 120));
  const auto input = test.at("input").get<std::vector<int64_t>>();
  const Image image = formula_image(input[0], input[1], constants);
  const auto named_filter = [&name] {
    if (name.ends_with("nearest")) return Filter::kNearest;
    if (name.ends_with("box")) return Filter::kBox;
    return name.ends_with("bicubic") ? Filter::kBicubic : Filter::kLanczos;
  };
  if (name == "clip_preprocess") return expect_clip_pixels(image, test);
  const auto size = test.at("size").get<std::vector<int64_t>>();
  if (name.starts_with("resize")) {
    expect_equal(resize(image, {size[0], size[1]}, named_filter()), test);
  } else if (name.starts_with("affine")) {
    const auto matrix = test.at("matrix").get<AffineMatrix>();
    expect_equal(affine(image, matrix, {size[0], size[1]}, named_filter()), test);
  } else if (name.starts_with("rotate")) {
    expect_equal(rotate_expanded(image, test.at("angle"), named_filter()), test);
  } else if (name == "to_L") {
    expect_equal(to_grey(image), test);
  } else if (name == "paste_mask") {
    expect_equal(paste_case(test, constants), test);
  } else if (name.starts_with("center_crop_arr")) {
    expect_equal(center_crop(image, test.value("crop_size", int64_t{64})), test);
  } else {
    FAIL() << "unknown case " << name;
  }
}

TEST(Resample, EqualsPillowBitForBit) {
  const json file = json::parse(read_text(fixture_path("pil/pil.json")));
  for (const json& test : file.at("cases")) check_case(test, {7, 13, 29, 5, 11});
  EXPECT_GE(file.at("cases").size(), 20u);
}

TEST(Resample, EqualsPillowBitForBitOnMoreSizes) {
  const json file = json::parse(read_text(fixture_path("pil/pil_seeded.json")));
  const auto constants = file.at("constants").get<std::vector<int64_t>>();
  for (const json& test : file.at("cases")) check_case(test, constants);
  EXPECT_GE(file.at("cases").size(), 20u);
}

constexpr Filter kFilters[] = {Filter::kNearest, Filter::kBox, Filter::kBicubic, Filter::kLanczos};

TEST(Resample, SameSizeIsTheIdentity) {
  for (const int64_t channels : {1, 3})
    for (const Filter filter : kFilters) {
      const Image image = noise_image(37, 23, channels, 5);
      EXPECT_EQ(resize(image, {37, 23}, filter), image);
    }
}

TEST(Resample, AnySizeFromOnePixelOnKeepsAConstantPicture) {
  uint32_t state = 1;
  const auto side = [&state](int64_t limit) {
    state = state * 1664525u + 1013904223u;
    return 1 + static_cast<int64_t>(state >> 16) % limit;
  };
  for (int i = 0; i < 300; ++i) {
    Image image(side(i < 100 ? 3 : 90), side(70), i % 2 == 0 ? 3 : 1);
    std::fill(image.pixels.begin(), image.pixels.end(), static_cast<uint8_t>(i));
    const ImageSize size{side(120), side(120)};
    const Image resized = resize(image, size, kFilters[i % 4]);
    ASSERT_EQ(resized.size(), size);
    for (const uint8_t value : resized.pixels) ASSERT_EQ(value, static_cast<uint8_t>(i));
  }
}

TEST(Resample, OneChannelEqualsOneOfThree) {
  const Image rgb = noise_image(61, 44, 3, 9);
  Image green(61, 44, 1);
  for (size_t i = 0; i < green.pixels.size(); ++i) green.pixels[i] = rgb.pixels[3 * i + 1];
  for (const Filter filter : kFilters) {
    const Image small = resize(rgb, {29, 71}, filter),
                small_green = resize(green, {29, 71}, filter);
    for (size_t i = 0; i < small_green.pixels.size(); ++i)
      ASSERT_EQ(small_green.pixels[i], small.pixels[3 * i + 1]) << i;
  }
}

TEST(Resample, WindowIsThatPartOfTheWhole) {
  const Image image = noise_image(80, 60, 3, 3);
  for (const Filter filter : kFilters)
    for (const ImageSize size : {ImageSize{33, 47}, ImageSize{80, 90}, ImageSize{100, 60}}) {
      const Box window{5, 9, 29, 40};
      EXPECT_EQ(resize_window(image, size, window, filter),
                crop(resize(image, size, filter), window));
    }
}

TEST(Resample, RejectsEmptySizesAndForeignChannels) {
  EXPECT_THROW((void)resize(Image(4, 4), {0, 4}, Filter::kBox), std::invalid_argument);
  EXPECT_THROW((void)resize(Image(), {4, 4}, Filter::kBox), std::invalid_argument);
  EXPECT_THROW((void)resize(Image(4, 4, 4), {2, 2}, Filter::kBox), std::invalid_argument);
  EXPECT_THROW((void)affine(Image(4, 4), {}, {2, 2}, Filter::kBox), std::invalid_argument);
}

TEST(Crop, IsBlackOutsideThePicture) {
  Image image(2, 1, 1);
  image.pixels = {10, 20};
  EXPECT_EQ(crop(image, {-1, -1, 2, 1}).pixels, (std::vector<uint8_t>{0, 0, 0, 0, 10, 20}));
  EXPECT_EQ(crop(image, {1, 0, 3, 2}).pixels, (std::vector<uint8_t>{20, 0, 0, 0}));
  EXPECT_EQ(crop(image, {7, 7, 9, 8}).pixels, (std::vector<uint8_t>{0, 0}));
}

TEST(Paste, IsCutAtEveryBorder) {
  Image dot(2, 2, 1);
  dot.pixels = {1, 2, 3, 4};
  const std::vector<std::pair<std::pair<int, int>, std::vector<uint8_t>>> cases = {
      {{-1, -1}, {4, 0, 0, 0}}, {{1, 1}, {0, 0, 0, 1}}, {{1, -1}, {0, 3, 0, 0}},
      {{-1, 1}, {0, 0, 2, 0}},  {{5, 0}, {0, 0, 0, 0}}, {{0, -9}, {0, 0, 0, 0}},
  };
  const Image opaque = [] {
    Image mask(2, 2, 1);
    mask.pixels = {255, 255, 255, 255};
    return mask;
  }();
  for (const auto& [place, expected] : cases) {
    Image canvas(2, 2, 1), masked(2, 2, 1);
    paste(canvas, dot, place.first, place.second);
    paste_masked(masked, dot, opaque, place.first, place.second);
    EXPECT_EQ(canvas.pixels, expected) << place.first << "," << place.second;
    EXPECT_EQ(masked, canvas);
  }
  Image canvas(2, 2);
  EXPECT_THROW(paste(canvas, dot, 0, 0), std::invalid_argument);
}

TEST(Rotate, ByNoAngleIsTheIdentityAndByNinetyTurns) {
  const Image image = noise_image(8, 4, 3, 2);
  EXPECT_EQ(rotate_expanded(image, 0.0, Filter::kBicubic), image);
  const Image turned = rotate_expanded(image, 90.0, Filter::kNearest);
  ASSERT_EQ(turned.width, 4);
  ASSERT_EQ(turned.height, 8);
  for (int64_t y = 0; y < 8; ++y)
    for (int64_t x = 0; x < 4; ++x)
      EXPECT_EQ(*turned.at(x, y), *image.at(7 - y, x)) << x << "," << y;
}

}  // namespace
}  // namespace mentor
