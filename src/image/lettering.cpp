#include "mentor/image/lettering.h"

#include "mentor/image/resample.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>

namespace mentor {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kUnitHeight = 21;  // of a capital letter at scale 1
// Drawn this much larger and averaged: strokes of a pixel look ragged otherwise.
constexpr int kOversampling = 4;

double scale_of(const Lettering& lettering) {
  return static_cast<double>(lettering.height) / kUnitHeight;
}

/// Calls use(code point) for each letter; bytes that are no UTF-8 are code point 0xfffd.
template <class Use>
void for_each_letter(std::string_view text, const Use& use) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i++]);
    const int more = lead < 0x80       ? 0
                     : lead >> 5 == 6  ? 1
                     : lead >> 4 == 14 ? 2
                     : lead >> 3 == 30 ? 3
                                       : -1;
    uint32_t letter = more < 0 ? 0xfffd : lead & (more == 0 ? 0x7fu : 0x3fu >> more);
    for (int k = 0; k < more; ++k) {
      if (i == text.size() || static_cast<uint8_t>(text[i]) >> 6 != 2) {
        letter = 0xfffd;
        break;
      }
      letter = letter << 6 | (static_cast<uint8_t>(text[i++]) & 0x3fu);
    }
    use(letter);
  }
}

/// What the font can show of `text`.
std::string plain(std::string_view text) {
  static constexpr std::string_view kLatin =  // U+00C0 ... U+00FF
      "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty";
  std::string result;
  for_each_letter(text, [&](uint32_t letter) {
    if (letter >= 0x20 && letter < 0x7f) {
      result += static_cast<char>(letter);
    } else if (letter < 0x20 || letter == 0xa0) {
      result += ' ';
    } else if (letter >= 0xc0 && letter <= 0xff) {
      result += kLatin[letter - 0xc0];
    } else if (letter == 0x2018 || letter == 0x2019) {
      result += '\'';
    } else if (letter == 0x201c || letter == 0x201d) {
      result += '"';
    } else if (letter >= 0x2010 && letter <= 0x2015) {
      result += '-';
    } else if (letter == 0x2026) {
      result += "...";
    } else {
      result += '?';
    }
  });
  return result;
}

int64_t plain_width(const std::string& text, const Lettering& lettering) {
  int below = 0;
  return cv::getTextSize(text, kFont, scale_of(lettering), 1, &below).width;
}

/// Cuts letters from the end until `text` and `ending` fit.
std::string cut_to_width(std::string text, const std::string& ending, int64_t width,
                         const Lettering& lettering) {
  while (!text.empty() && plain_width(text + ending, lettering) > width) text.pop_back();
  while (!ending.empty() && !text.empty() && text.back() == ' ') text.pop_back();
  return text + ending;
}

/// Takes the words of one line off the front of `rest`.
std::string take_line(std::string_view& rest, int64_t width, const Lettering& lettering) {
  std::string line;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(' '), rest.size());
    const std::string longer = line + (line.empty() ? "" : " ") + std::string(rest.substr(0, end));
    if (plain_width(longer, lettering) > width) {
      if (!line.empty()) break;
      line = cut_to_width(longer, "", width, lettering);
      if (line.empty()) line = longer.substr(0, 1);  // narrower than a letter: go on all the same
      rest.remove_prefix(line.size());
      break;
    }
    line = longer;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return line;
}

}  // namespace

int64_t text_width(std::string_view text, const Lettering& lettering) {
  return plain_width(plain(text), lettering);
}

void draw_text(Image& canvas, std::string_view text, int64_t left, int64_t baseline,
               const Lettering& lettering) {
  const std::string letters = plain(text);
  const int64_t above = lettering.height * 3 / 2, below = lettering.height;
  const Image ink_size(plain_width(letters, lettering) + 4, above + below, 1);
  Image large(ink_size.width * kOversampling, ink_size.height * kOversampling, 1);
  cv::Mat mat(static_cast<int>(large.height), static_cast<int>(large.width), CV_8UC1,
              large.pixels.data());
  const double stroke = 0.085 * static_cast<double>(lettering.height) * kOversampling;
  cv::putText(mat, letters, {kOversampling, static_cast<int>(above) * kOversampling}, kFont,
              scale_of(lettering) * kOversampling, cv::Scalar(255),
              std::max(1, static_cast<int>(std::lround(stroke))), cv::LINE_AA);
  const Image mask = resize(large, ink_size.size(), Filter::kBox);
  Image ink(mask.width, mask.height);
  std::fill(ink.pixels.begin(), ink.pixels.end(), lettering.grey);
  paste_masked(canvas, ink, mask, left - 1, baseline - above);
}

std::vector<std::string> wrap_text(std::string_view text, int64_t width, size_t max_lines,
                                   const Lettering& lettering) {
  std::string letters;  // with single spaces
  for (const char c : plain(text)) {
    if (c != ' ' || (!letters.empty() && letters.back() != ' ')) letters += c;
  }
  while (!letters.empty() && letters.back() == ' ') letters.pop_back();
  std::vector<std::string> lines;
  for (std::string_view rest = letters; !rest.empty();) {
    if (lines.size() == max_lines) {
      if (!lines.empty()) lines.back() = cut_to_width(lines.back(), "...", width, lettering);
      break;
    }
    lines.push_back(take_line(rest, width, lettering));
  }
  return lines;
}

}  // namespace mentor
