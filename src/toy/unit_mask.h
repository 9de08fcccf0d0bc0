#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace mentor {

/// 64 x 64 bits, one for each unit square of the world: as machine words, because the oracle
/// compares a silhouette with a thousand others.
struct UnitMask {
  static constexpr int kSide = 64;

  std::array<uint64_t, kSide> rows{};  // bit x of rows[y]

  void set(int x, int y) { rows[y] |= uint64_t{1} << x; }
  [[nodiscard]] bool at(int x, int y) const { return (rows[y] >> x & 1) != 0; }
  friend bool operator==(const UnitMask&, const UnitMask&) = default;
};

[[nodiscard]] UnitMask operator&(const UnitMask& a, const UnitMask& b);
[[nodiscard]] UnitMask operator|(const UnitMask& a, const UnitMask& b);
[[nodiscard]] UnitMask operator~(const UnitMask& mask);

[[nodiscard]] int area(const UnitMask& mask);

/// Square bounds, half open. Of an empty mask: none, so right <= left.
struct UnitBox {
  int left = UnitMask::kSide, top = UnitMask::kSide, right = 0, bottom = 0;
};
[[nodiscard]] UnitBox bounds(const UnitMask& mask);

/// Moved to the right and down; what leaves the square is lost.
[[nodiscard]] UnitMask shifted(const UnitMask& mask, int right, int down);

/// The part of `within` that is connected with `seed`, by sides and on request by corners.
[[nodiscard]] UnitMask flood(const UnitMask& seed, const UnitMask& within, bool over_corners);

/// The connected part that holds the first bit, row by row. Of an empty mask: empty.
[[nodiscard]] UnitMask first_part(const UnitMask& mask, bool over_corners);

/// With everything that the mask encloses.
[[nodiscard]] UnitMask without_holes(const UnitMask& mask);

/// Without what is not drawn but arises at edges: gaps of one square and enclosed holes of a few
/// are closed, then whatever is thinner than a cross of 3 x 3 is removed.
[[nodiscard]] UnitMask tidied(const UnitMask& mask);

}  // namespace mentor
