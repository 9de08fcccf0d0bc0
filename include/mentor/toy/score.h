#pragma once

#include "mentor/toy/oracle.h"

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace mentor {

/// What a picture can get right: of the subject, then of what its prompt says.
enum class ToyAttribute { kShape, kFirst, kSecond, kPattern, kBackground, kNumber, kSize, kPlace };
inline constexpr size_t kNumToyAttributes = 8;
inline constexpr std::array kSubjectAttributes = {ToyAttribute::kShape, ToyAttribute::kFirst,
                                                  ToyAttribute::kSecond, ToyAttribute::kPattern};
inline constexpr std::array kPromptAttributes = {ToyAttribute::kBackground, ToyAttribute::kPlace,
                                                 ToyAttribute::kNumber, ToyAttribute::kSize};
[[nodiscard]] std::string_view name_of(ToyAttribute attribute);  // "first colour"

/// How far a picture shows what was asked for. All are shares, 0 to 1.
struct ToyScore {
  /// Of the subject: averaged over the objects that were found.
  std::array<double, kNumToyAttributes> right{};
  /// Preservation of the subject: a right shape's share of colours and pattern, over the objects.
  double cp = 0;
  /// Following of the prompt: background, place, and size with number, a third each.
  double pf = 0;

  [[nodiscard]] double operator[](ToyAttribute attribute) const {
    return right.at(static_cast<size_t>(attribute));
  }
};

[[nodiscard]] ToyScore score(const ToyReading& reading, const Scene& asked);

/// Preservation of what only the reference tells: the subject's attributes but those that the
/// prompt names, each for itself. None if it names them all.
[[nodiscard]] std::optional<double> untold_cp(const ToyScore& score,
                                              const std::set<ToyAttribute>& named);

/// The subject's attributes that a prompt gives away.
[[nodiscard]] std::set<ToyAttribute> named_attributes(std::string_view prompt,
                                                      const Identity& subject);

/// What a reading of a perfect picture of the scene would be, its distractor last.
[[nodiscard]] ToyReading ideal_reading(const Scene& scene);

/// The picture without what stands beside the subject in the reference: that CP asks nothing about,
/// and PF sees one too many.
[[nodiscard]] ToyReading without_bystanders(ToyReading picture, const ToyReading& reference,
                                            const Identity& subject);

/// The objects of a reading: "red and white striped star; blue and pink dotted fish", "nothing".
[[nodiscard]] std::string seen_objects(const ToyReading& reading);

}  // namespace mentor
