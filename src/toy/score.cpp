#include "mentor/toy/score.h"

#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"

#include <algorithm>
#include <cctype>
#include <span>
#include <string>
#include <vector>

namespace mentor {
namespace {

constexpr double kMiddle = kToyUnits / 2;
constexpr double kLeastLarge = (kSmallRadius + kLargeRadius) / 2;

/// 0, 1 or 2: which of three places, `pitch` apart about the middle, is nearest.
int nearest_place(double at, double pitch) {
  if (at < kMiddle - pitch / 2) return 0;
  return at <= kMiddle + pitch / 2 ? 1 : 2;
}

/// A subject that asks for one is the largest object; of two the middle counts.
bool is_in_place(std::span<const SeenObject> objects, const Scene& asked) {
  if (asked.count == 1) {
    const double pitch =
        asked.large ? kLargePlaces[1] - kLargePlaces[0] : kSmallPlaces[1] - kSmallPlaces[0];
    const ToyObject& object = objects.front().object;
    return nearest_place(object.x, pitch) == asked.place % 3 &&
           nearest_place(object.y, pitch) == asked.place / 3;
  }
  double sum = 0;
  for (const SeenObject& seen : objects) sum += seen.object.y;
  return nearest_place(sum / static_cast<double>(objects.size()),
                       kSmallPlaces[1] - kSmallPlaces[0]) == asked.place;
}

bool has_size(std::span<const SeenObject> objects, const Scene& asked) {
  const auto is_large = [](const SeenObject& seen) { return seen.object.radius > kLeastLarge; };
  return asked.count == 1 ? is_large(objects.front()) == asked.large
                          : std::ranges::none_of(objects, is_large);
}

/// In lower case.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char letter : text) {
    if (std::isalpha(static_cast<unsigned char>(letter)) != 0) {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  return words;
}

}  // namespace

std::string_view name_of(ToyAttribute attribute) {
  constexpr std::array<std::string_view, kNumToyAttributes> kNames = {
      "shape", "first colour", "second colour", "pattern", "background", "number", "size", "place"};
  return kNames.at(static_cast<size_t>(attribute));
}

ToyScore score(const ToyReading& reading, const Scene& asked) {
  constexpr size_t kMostObjects = 3;  // more than were ever asked for
  ToyScore result;
  const auto right = [&](ToyAttribute attribute) -> double& {
    return result.right.at(static_cast<size_t>(attribute));
  };
  right(ToyAttribute::kBackground) = reading.background == asked.background ? 1 : 0;
  right(ToyAttribute::kNumber) = std::ssize(reading.objects) == asked.count ? 1 : 0;
  if (!reading.objects.empty()) {
    right(ToyAttribute::kPlace) = is_in_place(reading.objects, asked) ? 1 : 0;
    right(ToyAttribute::kSize) = has_size(reading.objects, asked) ? 1 : 0;
    const auto judged =
        std::span(reading.objects).first(std::min(kMostObjects, reading.objects.size()));
    const double weight = 1 / static_cast<double>(judged.size());
    for (const SeenObject& seen : judged) {
      const Identity& identity = seen.object.identity;
      const double shape = identity.shape == asked.subject.shape ? weight : 0;
      const double first = identity.first == asked.subject.first ? weight : 0;
      const double second = identity.second == asked.subject.second ? weight : 0;
      const double pattern = identity.pattern == asked.subject.pattern ? weight : 0;
      right(ToyAttribute::kShape) += shape;
      right(ToyAttribute::kFirst) += first;
      right(ToyAttribute::kSecond) += second;
      right(ToyAttribute::kPattern) += pattern;
      if (shape > 0) result.cp += (first + second + pattern) / 3;
    }
  }
  result.pf = (result[ToyAttribute::kBackground] + result[ToyAttribute::kPlace] +
               result[ToyAttribute::kSize] * result[ToyAttribute::kNumber]) /
              3;
  return result;
}

std::set<ToyAttribute> named_attributes(std::string_view prompt, const Identity& subject) {
  const std::string_view shape = kToyShapes.at(subject.shape);
  const std::string shapes = plural(shape);
  std::set<ToyAttribute> named;
  for (const std::string& word : words_of(prompt)) {
    if (word == shape || word == shapes) named.insert(ToyAttribute::kShape);
    if (word == kToyColors.at(subject.first).name) named.insert(ToyAttribute::kFirst);
    if (word == kToyColors.at(subject.second).name) named.insert(ToyAttribute::kSecond);
    if (word == kToyPatterns.at(subject.pattern)) named.insert(ToyAttribute::kPattern);
  }
  return named;
}

ToyReading ideal_reading(const Scene& scene) {
  ToyReading reading{.background = scene.background, .background_share = 1};
  std::vector<ToyObject> objects = scene.objects;
  if (scene.distractor) objects.push_back(*scene.distractor);
  for (const ToyObject& object : objects) {
    reading.objects.push_back({.object = object, .overlap = 1, .margin = 1});
  }
  return reading;
}

ToyReading without_bystanders(ToyReading picture, const ToyReading& reference,
                              const Identity& subject) {
  std::erase_if(picture.objects, [&](const SeenObject& seen) {
    const Identity& identity = seen.object.identity;
    return identity != subject &&
           std::ranges::any_of(reference.objects, [&](const SeenObject& beside) {
             return beside.object.identity == identity;
           });
  });
  return picture;
}

std::optional<double> untold_cp(const ToyScore& score, const std::set<ToyAttribute>& named) {
  double sum = 0;
  int untold = 0;
  for (const ToyAttribute attribute : kSubjectAttributes) {
    if (named.contains(attribute)) continue;
    sum += score[attribute];
    ++untold;
  }
  if (untold == 0) return std::nullopt;
  return sum / untold;
}

std::string seen_objects(const ToyReading& reading) {
  std::string words;
  for (const SeenObject& seen : reading.objects) {
    words += (words.empty() ? "" : "; ") + identity_words(seen.object.identity);
  }
  return words.empty() ? "nothing" : words;
}

}  // namespace mentor
