#include "unit_mask.h"

#include <algorithm>

namespace mentor {
namespace {

constexpr int kSide = UnitMask::kSide;

template <class Combine>
UnitMask combine(const UnitMask& a, const UnitMask& b, const Combine& of_rows) {
  UnitMask result;
  for (int y = 0; y < kSide; ++y) result.rows[y] = of_rows(a.rows[y], b.rows[y]);
  return result;
}

/// With the four neighbours of each bit.
UnitMask dilated(const UnitMask& mask) {
  UnitMask result;
  for (int y = 0; y < kSide; ++y) {
    const uint64_t row = mask.rows[y];
    result.rows[y] = row | row << 1 | row >> 1 | (y > 0 ? mask.rows[y - 1] : 0) |
                     (y + 1 < kSide ? mask.rows[y + 1] : 0);
  }
  return result;
}

UnitMask eroded(const UnitMask& mask) { return ~dilated(~mask); }

UnitMask border() {
  UnitMask result;
  result.rows.fill(uint64_t{1} | uint64_t{1} << (kSide - 1));
  result.rows.front() = result.rows.back() = ~uint64_t{0};
  return result;
}

/// One row of a flood: what of `within` can be reached from this row and those beside it.
uint64_t flood_row(uint64_t reached, uint64_t beside, uint64_t within, bool over_corners) {
  if (over_corners) beside |= beside << 1 | beside >> 1;
  reached |= beside & within;
  for (uint64_t before = 0; before != reached;) {
    before = reached;
    reached |= (reached << 1 | reached >> 1) & within;
  }
  return reached;
}

}  // namespace

UnitMask operator&(const UnitMask& a, const UnitMask& b) {
  return combine(a, b, [](uint64_t p, uint64_t q) { return p & q; });
}
UnitMask operator|(const UnitMask& a, const UnitMask& b) {
  return combine(a, b, [](uint64_t p, uint64_t q) { return p | q; });
}
UnitMask operator~(const UnitMask& mask) {
  return combine(mask, mask, [](uint64_t p, uint64_t) { return ~p; });
}

int area(const UnitMask& mask) {
  int bits = 0;
  for (const uint64_t row : mask.rows) bits += std::popcount(row);
  return bits;
}

UnitBox bounds(const UnitMask& mask) {
  UnitBox box;
  uint64_t columns = 0;
  for (int y = 0; y < kSide; ++y) {
    if (mask.rows[y] == 0) continue;
    columns |= mask.rows[y];
    box.top = std::min(box.top, y);
    box.bottom = y + 1;
  }
  box.left = std::countr_zero(columns);
  box.right = kSide - std::countl_zero(columns);
  return box;
}

UnitMask shifted(const UnitMask& mask, int right, int down) {
  UnitMask result;
  if (std::abs(right) >= kSide) return result;
  for (int y = std::max(0, down); y < std::min(kSide, kSide + down); ++y) {
    const uint64_t row = mask.rows[y - down];
    result.rows[y] = right >= 0 ? row << right : row >> -right;
  }
  return result;
}

UnitMask flood(const UnitMask& seed, const UnitMask& within, bool over_corners) {
  UnitMask result = seed & within;
  // Down and up again: one pair of passes reaches everything but what winds back.
  for (UnitMask before; before != result;) {
    before = result;
    for (int y = 0; y < kSide; ++y) {
      result.rows[y] =
          flood_row(result.rows[y], y > 0 ? result.rows[y - 1] : 0, within.rows[y], over_corners);
    }
    for (int y = kSide - 2; y >= 0; --y) {
      result.rows[y] = flood_row(result.rows[y], result.rows[y + 1], within.rows[y], over_corners);
    }
  }
  return result;
}

UnitMask first_part(const UnitMask& mask, bool over_corners) {
  UnitMask seed;
  const auto row = std::ranges::find_if(mask.rows, [](uint64_t bits) { return bits != 0; });
  if (row == mask.rows.end()) return seed;
  seed.rows[row - mask.rows.begin()] = *row & (~*row + 1);  // its lowest bit
  return flood(seed, mask, over_corners);
}

UnitMask without_holes(const UnitMask& mask) {
  return ~flood(border(), ~mask, /*over_corners=*/false);
}

UnitMask tidied(const UnitMask& mask) {
  constexpr int kLargestHole = 14;
  UnitMask closed = eroded(dilated(mask));
  UnitMask holes = without_holes(closed) & ~closed;
  while (area(holes) > 0) {
    const UnitMask hole = first_part(holes, /*over_corners=*/false);
    if (area(hole) <= kLargestHole) closed = closed | hole;
    holes = holes & ~hole;
  }
  // Beyond the border is nothing: an object there ends at it.
  UnitMask core = eroded(closed);
  core = core & ~border();
  return dilated(core);
}

}  // namespace mentor
