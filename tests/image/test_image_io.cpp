#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/image/image_io.h"
#include "mentor/image/resample.h"
#include "support/golden.h"
#include "support/image_fixtures.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdlib>
#include <random>

namespace mentor {
namespace {

using testing::AllOf;
using testing::HasSubstr;

int largest_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  int largest = a.pixels.size() == b.pixels.size() ? 0 : 256;
  for (size_t i = 0; i < a.pixels.size() && largest < 256; ++i)
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const DataError& e) {
    return e.what();
  }
  return "no error";
}

fs::path malformed(const std::string& name) { return fixture_path("data/malformed/" + name); }

TEST(DecodeImage, EqualsPillowForEveryKindOfPicture) {
  const RawSafetensors stored(malformed("odd_images.safetensors"));
  const auto expected = nlohmann::json::parse(read_text(malformed("expected.json")));
  const auto& odd_images = expected.at("odd_images");
  for (const auto& entry : odd_images.at("files")) {
    const std::string file = entry.at("file");
    SCOPED_TRACE(file);
    const std::string key = fs::path(file).filename();
    const Image image = read_image(malformed(file));
    ASSERT_EQ(image.channels, 3);
    if (key == "gray16.png") {  // Pillow clips at 255; the fixture accepts the high byte as well
      int64_t sum = 0;
      for (const uint8_t value : image.pixels) sum += value;
      EXPECT_EQ(sum, odd_images.at("gray16_high_byte_sum"));
      continue;
    }
    EXPECT_EQ(largest_difference(image, stored_image(stored, key)), 0);
  }
}

TEST(ReadImage, NamesTheFileAndWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"images/truncated.png", "cut short"},
      {"images/zero_bytes.png", "empty"},
      {"images/not_an_image.png", "not a picture"},
      {"images/bad_checksum.png", "damaged"},
      {"images/huge_header.png", "100000x100000"},
      {"images/absent.png", "No such file"},
      {"images", "is a folder"},
  };
  for (const auto& [name, reason] : cases)
    EXPECT_THAT(error_of([&] { (void)read_image(malformed(name)); }),
                AllOf(HasSubstr(malformed(name).string()), HasSubstr(reason)));
}

TEST(DecodeImage, EveryTruncationIsAnError) {
  for (const char* name : {"baseline.jpg", "progressive.jpg", "cmyk.jpg", "subsampled.jpg",
                           "palette.png", "rgba.png", "lossless.webp", "bitmap.bmp"}) {
    const std::string whole = read_text(malformed(std::string("odd_images/") + name));
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_THROW((void)decode_image(whole.substr(0, size), name), DataError)
          << name << " cut to " << size << " of " << whole.size();
  }
}

TEST(DecodeImage, RefusesPicturesBeyondTheLimitsByTheirHeader) {
  const std::string png = encode_png(Image(30, 20));
  const std::string jpeg = encode_jpeg(Image(30, 20));
  EXPECT_EQ(decode_image(png, "p", {.max_pixels = 600}).width, 30);
  for (const std::string& bytes : {png, jpeg})
    EXPECT_THAT(error_of([&] { (void)decode_image(bytes, "p", {.max_pixels = 599}); }),
                AllOf(HasSubstr("p: "), HasSubstr("30x20"), HasSubstr("limit of 599 pixels")));
  EXPECT_EQ(decode_image(png, "p", {.min_side = 20}).height, 20);
  EXPECT_THAT(error_of([&] { (void)decode_image(png, "p", {.min_side = 21}); }),
              AllOf(HasSubstr("p: "), HasSubstr("30x20"), HasSubstr("21 pixels at least")));
}

TEST(DecodeImage, PrintsNothing) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  for (const char* name : {"truncated.png", "bad_checksum.png", "not_an_image.png"})
    (void)error_of([&] { (void)read_image(malformed(std::string("images/") + name)); });
  const std::string jpeg = read_text(malformed("odd_images/baseline.jpg"));
  (void)error_of([&] { (void)decode_image(jpeg.substr(0, jpeg.size() / 2), "half.jpg"); });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

std::string number(uint32_t value, int num_bytes, bool big_endian) {
  std::string bytes;
  for (int i = 0; i < num_bytes; ++i)
    bytes += static_cast<char>(value >> (8 * (big_endian ? num_bytes - 1 - i : i)));
  return bytes;
}

/// An EXIF block of two entries, of which the second is the orientation.
std::string tiff_with_orientation(int orientation, bool big_endian) {
  const auto n = [big_endian](uint32_t value, int num_bytes) {
    return number(value, num_bytes, big_endian);
  };
  const std::string maker = n(0x010F, 2) + n(2, 2) + n(1, 4) + n(0, 4);
  const std::string tag =
      n(0x0112, 2) + n(3, 2) + n(1, 4) + n(static_cast<uint32_t>(orientation), 2) + n(0, 2);
  return (big_endian ? "MM" : "II") + n(42, 2) + n(8, 4) + n(2, 2) + maker + tag + n(0, 4);
}

std::string jpeg_with_orientation(const Image& image, int orientation, bool big_endian) {
  const std::string block =
      std::string("Exif\0\0", 6) + tiff_with_orientation(orientation, big_endian);
  const auto length = static_cast<uint32_t>(block.size() + 2);
  return encode_jpeg(image, 100).insert(2, "\xFF\xE1" + number(length, 2, true) + block);
}

/// The checksum of PNG chunks (CRC-32).
uint32_t checksum(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

TEST(DecodeImage, ReadsTheOrientationOfPngAndWebp) {
  const DecodeOptions upright{.apply_orientation = true};
  const std::string tiff = tiff_with_orientation(6, false);
  const auto tiff_size = static_cast<uint32_t>(tiff.size());

  constexpr size_t kEndOfPngHeader = 8 + 25;
  const std::string chunk = "eXIf" + tiff;
  std::string png = encode_png(Image(24, 16));
  png.insert(kEndOfPngHeader,
             number(tiff_size, 4, true) + chunk + number(checksum(chunk), 4, true));
  EXPECT_EQ(decode_image(png, "png").size(), (ImageSize{24, 16}));
  EXPECT_EQ(decode_image(png, "png", upright).size(), (ImageSize{16, 24}));

  std::string webp = read_text(malformed("odd_images/lossless.webp"));
  webp += "EXIF" + number(tiff_size, 4, false) + tiff;
  webp.replace(4, 4, number(static_cast<uint32_t>(webp.size() - 8), 4, false));
  EXPECT_EQ(decode_image(webp, "webp").size(), (ImageSize{24, 16}));
  EXPECT_EQ(decode_image(webp, "webp", upright).size(), (ImageSize{16, 24}));
}

/// A BMP of 2x2 pixels: red, green / blue, white.
std::string tiny_bmp(uint32_t bits, bool top_down) {
  const auto n = [](uint32_t value, int num_bytes) { return number(value, num_bytes, false); };
  const std::string red("\0\0\xFF\0", 4), green("\0\xFF\0\0", 4), blue("\xFF\0\0\0", 4),
      white("\xFF\xFF\xFF\0", 4);
  const std::string palette = bits == 8 ? red + green + blue + white : "";
  std::string first = bits == 8 ? n(0x0100, 4) : red + green;
  std::string second = bits == 8 ? n(0x0302, 4) : blue + white;
  if (!top_down) std::swap(first, second);
  const uint32_t pixels_at = 14 + 40 + static_cast<uint32_t>(palette.size());
  const std::string pixels = first + second;
  return "BM" + n(pixels_at + 16, 4) + n(0, 4) + n(pixels_at, 4) + n(40, 4) + n(2, 4) +
         n(top_down ? static_cast<uint32_t>(-2) : 2, 4) + n(1, 2) + n(bits, 2) + n(0, 4) + n(0, 4) +
         std::string(16, '\0') + palette + pixels;
}

TEST(DecodeImage, ReadsBmpWithPaletteAndFourBytesInBothRowOrders) {
  const std::vector<uint8_t> expected{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
  for (const uint32_t bits : {8u, 32u})
    for (const bool top_down : {false, true})
      EXPECT_EQ(decode_image(tiny_bmp(bits, top_down), "bmp").pixels, expected)
          << bits << " bits, top_down " << top_down;
  EXPECT_THAT(error_of([] { (void)decode_image(tiny_bmp(16, false), "b.bmp"); }),
              AllOf(HasSubstr("b.bmp"), HasSubstr("save it as PNG")));
}

TEST(DecodeImage, AppliesAllOrientationsOnRequestOnly) {
  // Blocks of 16: chroma subsampling and rounding stay well inside each.
  Image corners(32, 16);
  for (int64_t i = 0; i < 32 * 16; ++i) corners.at(i % 32, i / 32)[0] = i % 32 < 16 ? 250 : 100;
  const auto red = [](const Image& image, int64_t x, int64_t y) { return int{*image.at(x, y)}; };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      SCOPED_TRACE(format("orientation {} big_endian {}", orientation, big_endian));
      const std::string jpeg = jpeg_with_orientation(corners, orientation, big_endian);
      EXPECT_EQ(decode_image(jpeg, "j").width, 32) << "ignored by default";
      const Image image = decode_image(jpeg, "j", {.apply_orientation = true});
      const bool lying = orientation >= 5;
      ASSERT_EQ(image.width, lying ? 16 : 32);
      ASSERT_EQ(image.height, lying ? 32 : 16);
      // The bright half is stored on the left; where it ends up in the upright picture:
      const bool at_start =
          orientation == 1 || orientation == 4 || orientation == 5 || orientation == 6;
      const int first = red(image, 4, 4);
      const int last = red(image, image.width - 5, image.height - 5);
      EXPECT_EQ(first > last, at_start);
    }
  }
}

TEST(DecodeImage, OrientationsTurnAndMirrorExactly) {
  // Only the two halves of one axis are told apart above: this tells all four corners apart.
  Image four(32, 32);
  const uint8_t shades[2][2] = {{40, 100}, {160, 220}};
  for (int64_t y = 0; y < 32; ++y)
    for (int64_t x = 0; x < 32; ++x)
      for (int64_t c = 0; c < 3; ++c) four.at(x, y)[c] = shades[y / 16][x / 16];
  // Top left, top right, bottom left, bottom right after the orientation is undone.
  const std::vector<std::vector<int>> expected = {
      {40, 100, 160, 220}, {100, 40, 220, 160}, {220, 160, 100, 40}, {160, 220, 40, 100},
      {40, 160, 100, 220}, {160, 40, 220, 100}, {220, 100, 160, 40}, {100, 220, 40, 160}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image image = decode_image(jpeg_with_orientation(four, orientation, true), "j",
                                     {.apply_orientation = true});
    const std::vector<int>& corner = expected[orientation - 1];
    EXPECT_NEAR(*image.at(4, 4), corner[0], 2) << orientation;
    EXPECT_NEAR(*image.at(27, 4), corner[1], 2) << orientation;
    EXPECT_NEAR(*image.at(4, 27), corner[2], 2) << orientation;
    EXPECT_NEAR(*image.at(27, 27), corner[3], 2) << orientation;
  }
}

TEST(DecodeImage, AlphaIsDroppedOrBlendedWithWhite) {
  for (const char* name : {"rgba.png", "gray_alpha.png", "palette_transparent.png"}) {
    const fs::path file = malformed(std::string("odd_images/") + name);
    const Image dropped = read_image(file), blended = read_image(file, {.alpha_on_white = true});
    ASSERT_EQ(blended.pixels.size(), dropped.pixels.size()) << name;
    EXPECT_NE(blended, dropped) << name;
    for (size_t i = 0; i < dropped.pixels.size(); ++i)
      ASSERT_GE(blended.pixels[i], dropped.pixels[i]) << name << ": white only brightens";
  }
  const fs::path opaque = malformed("odd_images/palette.png");
  EXPECT_EQ(read_image(opaque, {.alpha_on_white = true}), read_image(opaque));
}

TEST(Encode, PngRoundTripIsExact) {
  for (const int64_t channels : {1, 3}) {
    const Image image = noise_image(33, 21, channels, 4);
    const Image decoded = decode_image(encode_png(image), "png");
    for (int64_t y = 0; y < 21; ++y)
      for (int64_t x = 0; x < 33; ++x)
        for (int64_t c = 0; c < 3; ++c)
          ASSERT_EQ(decoded.at(x, y)[c], image.at(x, y)[channels == 3 ? c : 0]);
  }
}

TEST(Encode, JpegIsCloseAndSubsampled) {
  Image smooth(64, 48);
  for (int64_t y = 0; y < 48; ++y)
    for (int64_t x = 0; x < 64; ++x)
      for (int64_t c = 0; c < 3; ++c) smooth.at(x, y)[c] = static_cast<uint8_t>(2 * x + y + 30 * c);
  const std::string coarse = encode_jpeg(smooth), fine = encode_jpeg(smooth, 100);
  EXPECT_LE(largest_difference(decode_image(coarse, "j"), smooth), 16);
  EXPECT_LE(largest_difference(decode_image(fine, "j"), smooth), 6);
  EXPECT_LT(coarse.size(), fine.size());
  // Frame header: marker, length, precision, height, width, 3 components, id, sampling factors.
  const size_t frame = coarse.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  EXPECT_EQ(coarse[frame + 11], '\x22') << "brightness 2x2";
  EXPECT_EQ(coarse[frame + 14], '\x11') << "colour 1x1";
}

TEST(WriteImage, ChoosesTheFormatByTheSuffix) {
  const TempDir dir;
  const Image image = noise_image(20, 10, 3, 8);
  write_image(dir / "deep/a.png", image);
  write_image(dir / "b.jpg", image);
  EXPECT_EQ(read_image(dir / "deep/a.png"), image);
  EXPECT_EQ(read_text(dir / "b.jpg").substr(0, 2), "\xFF\xD8");
  try {
    write_image(dir / "c.gif", image);
    FAIL() << "no error";
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("c.gif"), HasSubstr(".png")));
  }
  EXPECT_THROW(write_image(dir / "empty.png", Image()), UserError);
  EXPECT_THROW(write_image(dir / "empty.jpg", Image()), UserError);
}

TEST(DecodeImage, SurvivesDamagedFiles) {
  std::mt19937 random(20240229);
  const auto below = [&random](size_t limit) { return random() % limit; };
  int num_decoded = 0, num_refused = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(malformed("odd_images"))) {
    const std::string whole = read_text(entry.path());
    for (int round = 0; round < 400; ++round) {
      std::string damaged = whole;
      for (size_t i = 0; i <= below(6); ++i) {
        const size_t at =
            below(2) == 0 ? below(damaged.size()) : below(std::min(size_t{64}, damaged.size()));
        damaged[at] = static_cast<char>(below(3) == 0 ? 0xFF : random());
      }
      if (below(4) == 0) damaged.erase(below(damaged.size()), below(40));
      if (below(4) == 0)
        damaged.insert(below(damaged.size() + 1), whole.substr(below(whole.size()), below(40)));
      try {
        const Image image =
            decode_image(damaged, "damaged",
                         {.apply_orientation = true, .alpha_on_white = true, .max_pixels = 200000});
        ASSERT_EQ(image.pixels.size(), static_cast<size_t>(image.width * image.height * 3));
        ++num_decoded;
      } catch (const DataError&) {
        ++num_refused;
      }
    }
  }
  EXPECT_GE(num_decoded + num_refused, 5000);
  EXPECT_GT(num_decoded, 100);
  EXPECT_GT(num_refused, 100);
}

/// Real photographs with awkward properties; they are not part of the repository.
class Photos : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(dir_)) GTEST_SKIP() << dir_ << " is absent (set MENTOR_PHOTOS to the photos)";
  }
  const fs::path dir_ = [] {
    const char* chosen = std::getenv("MENTOR_PHOTOS");
    return fs::path(chosen != nullptr ? chosen : MENTOR_SOURCE_DIR "/../shared/photos") /
           "oddities";
  }();
};

TEST_F(Photos, OrientationIsUndoneOnRequest) {
  const Image lying = read_image(dir_ / "orientation_6.jpg");
  EXPECT_EQ(lying.size(), (ImageSize{160, 120}));
  const Image turned = read_image(dir_ / "orientation_6.jpg", {.apply_orientation = true});
  const Image upright = read_image(dir_ / "orientation_6_upright.png");
  ASSERT_EQ(turned.pixels.size(), upright.pixels.size());
  double sum = 0.0;
  for (size_t i = 0; i < upright.pixels.size(); ++i)
    sum += std::abs(turned.pixels[i] - upright.pixels[i]);
  EXPECT_LT(sum / static_cast<double>(upright.pixels.size()), 4.0) << "JPEG error only";
}

TEST_F(Photos, OnlyTheFirstPictureOfTwoIsRead) {
  const Image image = read_image(dir_ / "mpo_orientation_1.jpg", {.apply_orientation = true});
  EXPECT_EQ(image.size(), (ImageSize{320, 320}));
}

TEST_F(Photos, AColourProfileIsNoObstacle) {
  EXPECT_EQ(read_image(dir_ / "bars_icc.jpg").width, 384);
}

TEST_F(Photos, ColourHiddenUnderAlphaDoesNotShowOnWhite) {
  const Image image = read_image(dir_ / "alpha_cutout.png", {.alpha_on_white = true});
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    const bool magenta =
        image.pixels[i] > 240 && image.pixels[i + 1] < 15 && image.pixels[i + 2] > 240;
    ASSERT_FALSE(magenta) << "pixel " << i / 3;
  }
  EXPECT_EQ(image.pixels[0], 255);
}

}  // namespace
}  // namespace mentor
