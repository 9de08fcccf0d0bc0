#include "mentor/core/filesystem.h"
#include "mentor/core/random.h"
#include "mentor/image/transforms.h"
#include "support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mentor {
namespace {

using Json = nlohmann::json;

/// The fixture's picture of a size: the leading bytes of the integer rule's numbers.
Image drawn_picture(int64_t width, int64_t height, uint64_t seed) {
  Image image(width, height);
  const uint64_t start = fnv1a(std::to_string(width) + "x" + std::to_string(height)) ^ seed;
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<uint8_t>(mix64(start + (i + 1) * 0x9e3779b97f4a7c15ULL) >> 56);
  }
  return image;
}

TEST(EmbedderPixels, EqualTheReferencesAtEverySampledPlace) {
  const Json meta = Json::parse(read_text(fixture_path("embedders/meta.json")));
  const double tolerance = std::stod(meta.at("tolerance").at("pixels").get<std::string>());
  int num_cases = 0;
  for (const Json& item : meta.at("preprocessing")) {
    const Image image = drawn_picture(item.at("width"), item.at("height"), meta.at("seed"));
    const auto compare = [&](const char* name, const std::vector<float>& pixels) {
      const auto places = item.at("places").get<std::vector<size_t>>();
      for (size_t i = 0; i < places.size(); ++i) {
        EXPECT_NEAR(pixels.at(places[i]), item.at(name).at(i).get<float>(), tolerance)
            << name << " of " << image.width << "x" << image.height << ", place " << places[i];
      }
    };
    compare("clip", clip_pixels(image));
    compare("dino", dino_pixels(image, CropRule::kHalfEven));
    compare("dinov2", dino_pixels(image, CropRule::kFloor));
    ++num_cases;
  }
  EXPECT_GE(num_cases, 4);
}

TEST(EmbedderPixels, TheRulesDifferByOnePixelWhereHalfTheRoomIsOdd) {
  const Image image = drawn_picture(256, 256 + 43, 1);  // room for 75 rows: 37 above, or 38
  const std::vector<float> floor = dino_pixels(image, CropRule::kFloor);
  const std::vector<float> half_even = dino_pixels(image, CropRule::kHalfEven);
  EXPECT_TRUE(std::equal(floor.begin() + 224, floor.begin() + 223 * 224, half_even.begin()));
  EXPECT_NE(floor, half_even);
}

}  // namespace
}  // namespace mentor
