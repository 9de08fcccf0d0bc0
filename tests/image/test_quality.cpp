#include "mentor/core/error.h"
#include "mentor/image/quality.h"
#include "support/golden.h"
#include "support/u8_safetensors.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

namespace mentor {
namespace {

Image golden_picture(const std::string& name) {
  const RawSafetensors io(fixture_path("codec_training/io.safetensors"));
  const std::vector<int64_t> shape = io.shape(name);
  Image image(shape.at(1), shape.at(0), shape.at(2));
  image.pixels = io.values<uint8_t>(name);
  return image;
}

Image noisy(int64_t width, int64_t height, uint32_t seed) {
  Image image(width, height);
  for (uint8_t& value : image.pixels) {
    seed = seed * 1664525 + 1013904223;
    value = static_cast<uint8_t>(seed >> 24);
  }
  return image;
}

TEST(Quality, TheSquaredErrorIsThatOfValuesUpToOne) {
  Image black(2, 1), other(2, 1);
  EXPECT_EQ(mean_squared_error(black, other), 0);
  other.pixels = {255, 0, 0, 51, 0, 0};
  EXPECT_DOUBLE_EQ(mean_squared_error(black, other), (1 + 0.04) / 6);
  EXPECT_NEAR(psnr(black, other), -10 * std::log10(1.04 / 6), 1e-9);
  EXPECT_THROW((void)mean_squared_error(black, Image(1, 2)), DataError);
}

TEST(QualityGolden, AgreesWithAnIndependentImplementation) {
  std::ifstream file(fixture_path("codec_training/meta.json"));
  const nlohmann::json expected = nlohmann::json::parse(file).at("quality");
  const Image a = golden_picture("quality.a"), b = golden_picture("quality.b");
  EXPECT_NEAR(psnr(a, b), expected.at("psnr"), 1e-9);
  EXPECT_NEAR(ssim(a, b), expected.at("ssim"), 1e-6);
  EXPECT_NEAR(ssim(b, a), expected.at("ssim"), 1e-6);
}

TEST(Quality, OfEqualPictures) {
  const Image a = noisy(40, 23, 1);
  EXPECT_EQ(psnr(a, a), std::numeric_limits<double>::infinity());
  EXPECT_NEAR(ssim(a, a), 1, 1e-6);
}

TEST(Quality, PsnrOfAKnownError) {
  Image a(2, 2, 1), b(2, 2, 1);
  b.pixels = {0, 0, 0, 10};  // mean square 25
  EXPECT_NEAR(psnr(a, b), 10 * std::log10(255.0 * 255.0 / 25.0), 1e-12);
}

TEST(Quality, UnrelatedNoiseIsNotSimilar) {
  EXPECT_NEAR(ssim(noisy(64, 64, 1), noisy(64, 64, 2)), 0, 0.05);
}

TEST(Quality, FlatPicturesDifferByTheirBrightnessAlone) {
  // Variances are 0: what remains is (2 m n + c1) / (m^2 + n^2 + c1).
  Image a(11, 11, 1), b(11, 11, 1);
  std::ranges::fill(a.pixels, 200);
  std::ranges::fill(b.pixels, 100);
  const double c1 = 2.55 * 2.55;
  EXPECT_NEAR(ssim(a, b), (2 * 200 * 100 + c1) / (200 * 200 + 100 * 100 + c1), 1e-5);
}

TEST(Quality, RefusesWhatCannotBeCompared) {
  EXPECT_THAT([] { (void)psnr(Image(3, 4), Image(4, 3)); },
              ::testing::ThrowsMessage<DataError>(::testing::HasSubstr("3 x 4 pixels")));
  EXPECT_THAT([] { (void)ssim(Image(20, 20, 1), Image(20, 20, 3)); },
              ::testing::ThrowsMessage<DataError>(::testing::HasSubstr("1 channels")));
  EXPECT_THAT([] { (void)ssim(Image(10, 20), Image(10, 20)); },
              ::testing::ThrowsMessage<DataError>(::testing::HasSubstr("at least 11 pixels")));
}

}  // namespace
}  // namespace mentor
