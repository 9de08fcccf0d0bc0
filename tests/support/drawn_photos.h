#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/image/image_io.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

namespace mentor {

/// A photo set that a test draws itself: number i shows one coloured shape on two colours.
class DrawnPhotos {
 public:
  static constexpr int64_t kSide = 64;  // what the tiny preset draws

  /// Draws `count` pictures and as many records of each task into `folder`, and a quarter of that
  /// that is held out: photo_00.png, mask_00.png, other_00.png (its shape elsewhere), ...,
  /// records.jsonl, validation.jsonl, backgrounds.jsonl.
  explicit DrawnPhotos(fs::path folder, int64_t count = 24) : folder_(std::move(folder)) {
    std::string backgrounds;
    for (int64_t i = 0; i < count + count / 4; ++i) {
      const Shape shape = shape_of(i);
      write_image(folder_ / file("photo", i), draw(shape, i, i));
      write_image(folder_ / file("mask", i), mask(shape));
      write_image(folder_ / file("other", i), draw(moved(shape), i, i + 1));
      write_image(folder_ / file("background", i), draw({}, i, i + 2));
      (i < count ? records_ : held_out_) += records_of(i);
      backgrounds += nlohmann::json{{"input_image", file("background", i)}}.dump() + "\n";
    }
    write_text(folder_ / "records.jsonl", records_);
    write_text(folder_ / "validation.jsonl", held_out_);
    write_text(folder_ / "backgrounds.jsonl", backgrounds);
  }

  [[nodiscard]] const std::string& records() const { return records_; }

  /// "a red circle on blue and green"
  static std::string caption(int64_t i) {
    return "a " + object(i) + " on " + kColours[first_ground(i)].name + " and " +
           kColours[second_ground(i)].name;
  }
  /// "red circle"
  static std::string object(int64_t i) {
    return std::string(kColours[i % 6].name) + " " + kShapes[(i / 2) % 3];
  }

 private:
  struct Colour {
    const char* name;
    std::array<uint8_t, 3> rgb;
  };
  static constexpr std::array<Colour, 6> kColours = {{{"red", {220, 40, 40}},
                                                      {"green", {40, 160, 60}},
                                                      {"blue", {50, 80, 210}},
                                                      {"yellow", {240, 210, 60}},
                                                      {"white", {245, 245, 245}},
                                                      {"purple", {130, 60, 170}}}};
  static constexpr std::array<const char*, 3> kShapes = {"circle", "square", "triangle"};

  struct Shape {
    int64_t kind = 0, x = 0, y = 0, radius = 0;

    [[nodiscard]] bool covers(int64_t px, int64_t py) const {
      const int64_t dx = std::abs(px - x), dy = py - y;
      if (radius == 0) return false;
      if (kind == 0) return dx * dx + dy * dy <= radius * radius;
      if (kind == 1) return dx <= radius && std::abs(dy) <= radius;
      return std::abs(dy) <= radius && 2 * dx <= dy + radius;
    }
  };
  static Shape shape_of(int64_t i) {
    return {
        .kind = (i / 2) % 3, .x = 20 + i * 7 % 25, .y = 20 + i * 11 % 25, .radius = 12 + i * 5 % 8};
  }
  static Shape moved(Shape shape) {
    shape.x = kSide - shape.x;
    shape.y = kSide - shape.y;
    return shape;
  }
  static int64_t first_ground(int64_t i) { return (i + 1 + i / 6 % 2) % 6; }
  static int64_t second_ground(int64_t i) { return (i + 3 + i / 6 % 2) % 6; }

  static Image draw(const Shape& shape, int64_t colours, int64_t grounds) {
    Image image(kSide, kSide);
    for (int64_t y = 0; y < kSide; ++y) {
      for (int64_t x = 0; x < kSide; ++x) {
        const bool second = grounds % 2 == 0 ? x >= kSide / 2 : y >= kSide / 2;
        int64_t colour = second ? second_ground(grounds) : first_ground(grounds);
        if (shape.covers(x, y)) colour = colours % 6;
        std::ranges::copy(kColours[colour].rgb, image.at(x, y));
      }
    }
    return image;
  }
  static Image mask(const Shape& shape) {
    Image image(kSide, kSide, /*c=*/1);
    for (int64_t y = 0; y < kSide; ++y) {
      for (int64_t x = 0; x < kSide; ++x) *image.at(x, y) = shape.covers(x, y) ? 255 : 0;
    }
    return image;
  }

  static std::string file(const std::string& what, int64_t i) {
    return what + "_" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ".png";
  }
  /// One line for each task.
  static std::string records_of(int64_t i) {
    using nlohmann::json;
    const std::string photo = file("photo", i), mask = file("mask", i), text = caption(i);
    const json lines[] = {{{"image_path", photo}, {"input_text", text}, {"generation_only", true}},
                          {{"image_path", photo}, {"source_image", photo}, {"input_text", text}},
                          {{"image_path", mask},
                           {"source_image", photo},
                           {"input_text", ""},
                           {"objects", object(i)},
                           {"do_mask", true}},
                          {{"image_path", mask},
                           {"source_image", photo},
                           {"input_text", text},
                           {"objects", object(i)},
                           {"do_replace", true}},
                          {{"image_path", file("other", i)},
                           {"source_image", photo},
                           {"input_text", text},
                           {"objects", object(i)}}};
    std::string result;
    for (const json& line : lines) result += line.dump() + "\n";
    return result;
  }

  fs::path folder_;
  std::string records_, held_out_;
};

}  // namespace mentor
