#include "mentor/image/perturbation.h"
#include "mentor/image/transforms.h"
#include "support/golden.h"
#include "support/image_fixtures.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace mentor {
namespace {

using nlohmann::json;

struct Difference {
  double mean = 0.0;
  double share_above_3 = 0.0;
  double share_above_16 = 0.0;
};

Difference difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.channels, b.channels);
  Difference d;
  if (a.pixels.size() != b.pixels.size()) return {255, 1, 1};
  const double one = 1.0 / static_cast<double>(a.pixels.size());
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    const int distance = std::abs(a.pixels[i] - b.pixels[i]);
    d.mean += distance * one;
    d.share_above_3 += distance > 3 ? one : 0.0;
    d.share_above_16 += distance > 16 ? one : 0.0;
  }
  return d;
}

/// Exact without perspective; OpenCV versions differ in the rounding of the perspective warp.
void expect_close(const Image& actual, const Image& expected, bool perspective) {
  const Difference d = difference(actual, expected);
  if (!perspective) {
    EXPECT_EQ(d.mean, 0.0);
    return;
  }
  EXPECT_LE(d.mean, 2.0);
  EXPECT_LE(d.share_above_16, 0.03);
}

Perturbation parse(const json& test, ImageSize canvas) {
  Perturbation p;
  p.scale = test.at("scale");
  if (test.contains("shear"))
    p.stretch = Stretch{test.at("scale_x"), test.at("scale_y"), test.at("shear")};
  if (test.contains("angle")) p.degrees = test.at("angle").get<double>();
  const auto size = test.at("size").get<std::vector<double>>();
  if (test.contains("corners")) {
    p.perspective.emplace();
    for (size_t i = 0; i < 4; ++i)
      (*p.perspective)[i] = {test.at("corners")[i][0].get<double>() / size[0],
                             test.at("corners")[i][1].get<double>() / size[1]};
  }
  const auto offset = test.at("offset").get<std::vector<double>>();
  const auto place = [](double at, double canvas_side, double side) {
    return (at + 0.5) / (std::max(0.0, canvas_side - side) + 1.0);
  };
  p.place_x = place(offset[0], static_cast<double>(canvas.width), size[0]);
  p.place_y = place(offset[1], static_cast<double>(canvas.height), size[1]);
  return p;
}

TEST(Perturbation, EqualsTheReferenceWithExplicitParameters) {
  const json file = json::parse(read_text(fixture_path("data/expected.json")));
  const RawSafetensors tensors(fixture_path("data/expected.safetensors"));
  const Image background = stored_image(tensors, "perturb.background");
  const MaskedObject object{stored_image(tensors, "perturb.foreground"),
                            stored_image(tensors, "perturb.mask")};
  const ImageSize canvas = background.size();
  for (const json& test : file.at("perturbation").at("cases")) {
    const std::string key = test.at("key");
    SCOPED_TRACE(key + ": " + test.at("name").get<std::string>());
    const Perturbation perturbation = parse(test, canvas);
    const bool perspective = perturbation.perspective.has_value();
    const MaskedObject warped = warp_object(object, perturbation, canvas);
    expect_close(warped.mask, stored_image(tensors, key + ".mask"), perspective);
    if (tensors.contains(key + ".image"))
      expect_close(warped.image, stored_image(tensors, key + ".image"), perspective);
    expect_close(recompose(background, object, perturbation),
                 stored_image(tensors, key + ".composite"), perspective);
  }
}

TEST(Perturbation, DrawsTheReferencesRanges) {
  constexpr int kNumDraws = 4000;
  int num_warped = 0;
  double lowest_scale = 1.0, highest_scale = 0.0, degree_sum = 0.0;
  for (uint64_t seed = 0; seed < kNumDraws; ++seed) {
    const Perturbation p = draw_perturbation(seed);
    lowest_scale = std::min(lowest_scale, p.scale);
    highest_scale = std::max(highest_scale, p.scale);
    const Perturbation larger = draw_perturbation(seed, 0.6);
    EXPECT_NEAR(larger.scale, 0.6 + 0.5 * (p.scale - 0.2), 1e-9);
    EXPECT_EQ(larger.degrees, p.degrees) << "the smallest scale changes nothing else";
    EXPECT_EQ(p.stretch.has_value(), p.degrees.has_value());
    EXPECT_EQ(p.stretch.has_value(), p.perspective.has_value());
    EXPECT_TRUE(p.place_x >= 0.0 && p.place_x < 1.0 && p.place_y >= 0.0 && p.place_y < 1.0);
    if (!p.stretch) continue;
    ++num_warped;
    degree_sum += *p.degrees;
    EXPECT_LE(std::abs(*p.degrees), 20.0);
    EXPECT_LE(std::abs(p.stretch->shear), 0.3);
    EXPECT_LE(std::abs(p.stretch->scale_x - 1.0), 0.3);
    EXPECT_LE(std::abs(p.stretch->scale_y - 1.0), 0.3);
    for (size_t i = 0; i < 4; ++i) {
      const bool right = i == 1 || i == 2, bottom = i >= 2;
      const Corner corner = (*p.perspective)[i];
      EXPECT_EQ(corner.x > 0.5, right);
      EXPECT_EQ(corner.y > 0.5, bottom);
      EXPECT_TRUE(corner.x <= 0.2 || corner.x >= 0.8);
      EXPECT_TRUE(corner.y <= 0.2 || corner.y >= 0.8);
    }
  }
  EXPECT_NEAR(num_warped, kNumDraws / 2, 150);
  EXPECT_NEAR(lowest_scale, 0.2, 0.01);
  EXPECT_NEAR(highest_scale, 1.0, 0.01);
  EXPECT_NEAR(degree_sum / num_warped, 0.0, 1.0);
}

TEST(Perturbation, IsAFunctionOfTheSeedAndNeverFails) {
  const Image background = noise_image(64, 64, 3, 1);
  const MaskedObject object{noise_image(64, 64, 3, 2), noise_image(64, 64, 1, 3)};
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Image once = recompose(background, object, draw_perturbation(seed));
    EXPECT_EQ(once, recompose(background, object, draw_perturbation(seed)));
    EXPECT_NE(once, background);
  }
  const MaskedObject dot{noise_image(1, 1, 3, 2), noise_image(1, 1, 1, 3)};
  for (uint64_t seed = 0; seed < 50; ++seed)
    EXPECT_NO_THROW((void)recompose(background, dot, draw_perturbation(seed)));
}

}  // namespace
}  // namespace mentor
