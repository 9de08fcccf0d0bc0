#include "mentor/train/sample_grid.h"

#include "mentor/core/format.h"
#include "mentor/image/contact_sheet.h"
#include "mentor/image/lettering.h"
#include "mentor/image/resample.h"

#include <algorithm>
#include <stdexcept>

namespace mentor {
namespace {

constexpr int64_t kGap = 12;
constexpr int64_t kHeadingHeight = 28;
constexpr int64_t kLineHeight = 20;
constexpr Lettering kText{.height = 10, .grey = 30};
constexpr Lettering kQuiet{.height = 9, .grey = 125};
constexpr uint8_t kEmptyCell = 244;

void fill(Image& canvas, Box box, uint8_t grey) {
  Image area(box.width(), box.height());
  std::fill(area.pixels.begin(), area.pixels.end(), grey);
  paste(canvas, area, box.left, box.top);
}

/// The picture in the middle of a square cell; a light cell where there is none.
void place(Image& canvas, const Image& picture, int64_t left, int64_t top, int64_t side) {
  if (picture.pixels.empty()) {
    fill(canvas, {left, top, left + side, top + side}, kEmptyCell);
    return;
  }
  const Image fitted = fit_to_square(picture, side);
  paste(canvas, fitted, left + (side - fitted.width) / 2, top + (side - fitted.height) / 2);
}

/// One picture fills the cell, up to four are tiled in it two by two, up to nine three by three.
void place_all(Image& canvas, std::span<const Image> pictures, int64_t left, int64_t top,
               int64_t side) {
  constexpr int64_t kTileGap = 4;
  const auto count = static_cast<int64_t>(pictures.size());
  int64_t tiles = 1;
  while (tiles * tiles < count) ++tiles;
  const int64_t tile = (side - (tiles - 1) * kTileGap) / tiles;
  for (int64_t i = 0; i < count; ++i) {
    place(canvas, pictures[i], left + i % tiles * (tile + kTileGap),
          top + i / tiles * (tile + kTileGap), tile);
  }
  if (count == 0) place(canvas, {}, left, top, side);
}

void write_prompt(Image& canvas, const SampleRow& row, int64_t left, int64_t top, int64_t side) {
  int64_t baseline = top + kText.height + 2;
  const auto write = [&](std::string_view text, size_t lines, const Lettering& lettering) {
    for (const std::string& line : wrap_text(text, side, lines, lettering)) {
      draw_text(canvas, line, left, baseline, lettering);
      baseline += kLineHeight;
    }
  };
  write(row.task, 1, kQuiet);
  baseline += 2;
  const int64_t room = top + side - baseline;
  write(row.prompt, static_cast<size_t>(std::max<int64_t>(1, room / kLineHeight + 1)), kText);
}

}  // namespace

Image sample_grid(std::span<const SampleRow> rows, int64_t cell_size) {
  if (rows.empty()) throw std::invalid_argument("sample_grid: no rows");
  size_t samples = 1;
  for (const SampleRow& row : rows) samples = std::max(samples, row.samples.size());
  std::vector<std::string> headings = {"reference", "prompt", "target"};
  for (size_t i = 0; i < samples; ++i) {
    headings.push_back(samples == 1 ? "sample" : format("sample {}", i + 1));
  }
  const int64_t pitch = cell_size + kGap;
  const auto columns = static_cast<int64_t>(headings.size());
  Image grid(kGap + columns * pitch, kHeadingHeight + static_cast<int64_t>(rows.size()) * pitch);
  std::fill(grid.pixels.begin(), grid.pixels.end(), uint8_t{255});

  for (int64_t column = 0; column < columns; ++column) {
    draw_text(grid, headings[column], kGap + column * pitch, kHeadingHeight - 9, kQuiet);
  }
  int64_t top = kHeadingHeight;
  for (const SampleRow& row : rows) {
    place_all(grid, row.references, kGap, top, cell_size);
    write_prompt(grid, row, kGap + pitch, top, cell_size);
    place(grid, row.target, kGap + 2 * pitch, top, cell_size);
    for (size_t i = 0; i < samples; ++i) {
      place(grid, i < row.samples.size() ? row.samples[i] : Image(0, 0),
            kGap + (3 + static_cast<int64_t>(i)) * pitch, top, cell_size);
    }
    top += pitch;
  }
  return grid;
}

}  // namespace mentor
