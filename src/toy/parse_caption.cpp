#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace mentor {
namespace {

constexpr int kNumPlaces = 9, kNumRows = 3;  // of one object, of two

/// Removes a phrase of whole words from `text`, which begins and ends with a blank.
bool take_phrase(std::string& text, std::string_view phrase) {
  const size_t at = text.find(format(" {} ", phrase));
  if (at == std::string::npos) return false;
  text.erase(at, phrase.size() + 1);
  return true;
}

/// Words in lower case between single blanks, with one at either end. Digits and letters that are
/// not ASCII belong to words: none of the world's has any, and they are not to be overlooked.
std::string spaced(std::string_view text) {
  std::string words = " ";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) != 0 || byte >= 0x80) {
      words += static_cast<char>(std::tolower(byte));
    } else if (words.back() != ' ') {
      words += ' ';
    }
  }
  return words.back() == ' ' ? words : words + " ";
}

/// Two where there can be one: the last would win.
[[noreturn]] void fail_two(std::string_view text, std::string_view what, std::string_view one,
                           std::string_view other) {
  throw DataError(format("'{}': has two {}, '{}' and '{}': name one", text, what, one, other));
}

/// What the words about the subject say.
struct SubjectWords {
  std::vector<int> colors;
  std::string shape, pattern, size;  // as the world calls them; empty where nothing is said
  bool object = false;               // which tells no shape

  /// Whether the word says something; `text` is all of them.
  bool read(std::string_view word, std::string_view text) {
    const auto set = [&](std::string& value, std::string_view name, std::string_view what) {
      if (!value.empty() && value != name) fail_two(text, what, value, name);
      value = name;
      return true;
    };
    for (int i = 0; i < static_cast<int>(kToyColors.size()); ++i) {
      if (word != kToyColors[i].name) continue;
      colors.push_back(i);
      return true;
    }
    for (const std::string_view name : kToyShapes) {
      if (word == name || word == plural(name)) return set(shape, name, "shapes");
    }
    if (std::ranges::find(kToyPatterns, word) != kToyPatterns.end()) {
      return set(pattern, word, "patterns");
    }
    if (word == "large" || word == "small") return set(size, word, "sizes");
    const bool is_object = word == "object" || word == "objects";
    object |= is_object;
    return is_object;
  }
};

/// The number of a word of a list.
template <class Words>
int number_in(const Words& words, const std::string& word) {
  return static_cast<int>(std::ranges::find(words, word) - words.begin());
}

/// What is said of places and backgrounds: the phrases, of one object for places.
std::vector<std::string_view> scene_phrases() {
  std::vector<std::string_view> phrases;
  for (int i = 0; i < kNumPlaces; ++i) phrases.push_back(place_words({.place = i}));
  for (int i = 0; i < static_cast<int>(kToyBackgrounds.size()); ++i) {
    phrases.push_back(background_words(i));
  }
  return phrases;
}

/// For a word that no caption has, and for one that captions have elsewhere.
[[noreturn]] void fail_word(const std::string& word, std::string_view text) {
  const std::vector<std::string> words = toy_vocabulary();
  if (std::ranges::find(words, word) == words.end()) {
    const bool is_number = std::isdigit(static_cast<unsigned char>(word.front())) != 0;
    const std::string nearest = is_number ? "" : nearest_word(word, words);  // 'a' is near to '3'
    throw DataError(
        format("the toy world has no '{}'{}: try 'a large red and white striped star in a meadow "
               "at the top left' ('mentor toy show --help' lists its words)",
               word, nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest)));
  }
  std::string fitting;
  for (const std::string_view phrase : scene_phrases()) {
    if (spaced(phrase).find(format(" {} ", word)) == std::string::npos) continue;
    fitting += format("{}'{}'", fitting.empty() ? "" : ", ", phrase);
  }
  throw DataError(format("'{}': '{}' does not fit there: write {}", text, word,
                         fitting.empty() ? "it as in 'a picture of a large red and white striped "
                                           "star in a meadow at the top left'"
                                         : fitting));
}

SubjectWords read_subject(const std::string& words_left, std::string_view text) {
  static constexpr std::array<std::string_view, 15> kEmpty = {
      "a",  "an", "the", "and", "two", "there", "is",     "are",
      "of", "in", "on",  "at",  "by",  "under", "picture"};
  SubjectWords subject;
  std::istringstream words(words_left);
  for (std::string word; words >> word;) {
    if (std::ranges::find(kEmpty, word) != kEmpty.end()) continue;
    if (!subject.read(word, text)) fail_word(word, text);
  }
  return subject;
}

/// Takes the background out of `rest`, or leaves the studio.
void read_background(std::string& rest, std::string_view text, Scene& scene) {
  constexpr int kStudio = 7;
  int found = -1;
  for (int i = 0; i < static_cast<int>(kToyBackgrounds.size()); ++i) {
    if (!take_phrase(rest, background_words(i))) continue;
    if (found >= 0) fail_two(text, "backgrounds", background_words(found), background_words(i));
    found = i;
  }
  scene.background = found < 0 ? kStudio : found;
}

/// The longest of the phrases for places that is in `rest`, and takes it out; or nothing.
std::string_view take_place(std::string& rest) {
  std::string_view longest;  // "at the top" begins "at the top left"
  for (int place = 0; place < kNumPlaces; ++place) {
    const std::string_view words = place_words({.place = place});
    if (words.size() <= longest.size()) continue;
    if (rest.find(format(" {} ", words)) != std::string::npos) longest = words;
  }
  if (!longest.empty()) take_phrase(rest, longest);
  return longest;
}

/// Takes the place out of `rest`, or leaves the middle.
void read_place(std::string& rest, std::string_view text, Scene& scene) {
  const std::string_view said = take_place(rest);
  const std::string_view other = take_place(rest);
  if (!other.empty()) fail_two(text, "places", said, other);
  const int places = scene.count == 1 ? kNumPlaces : kNumRows;
  scene.place = places / 2;
  if (said.empty()) return;
  for (scene.place = 0; scene.place < places; ++scene.place) {
    if (place_words(scene) == said) return;
  }
  throw DataError(format(
      "'{}': two stand side by side, 'at the top', 'in the middle' or 'at the bottom', not '{}'",
      text, said));
}

/// Everything but the subject's identity and the objects goes to `scene`; returns what is said of
/// the subject.
SubjectWords read_scene(std::string_view text, Scene& scene) {
  std::string rest = spaced(text);
  read_background(rest, text, scene);
  scene.count = rest.find(" two ") == std::string::npos ? 1 : 2;
  read_place(rest, text, scene);
  SubjectWords subject = read_subject(rest, text);
  scene.large = subject.size == "large";
  if (scene.large && scene.count == 2) {
    throw DataError(format("'{}': two are always small", text));
  }
  return subject;
}

}  // namespace

Scene parse_caption(std::string_view text) {
  Scene scene;
  const SubjectWords subject = read_scene(text, scene);
  if (subject.shape.empty() || subject.pattern.empty() || subject.colors.size() != 2 ||
      subject.colors[0] == subject.colors[1]) {
    throw DataError(
        format("'{}': a subject has a shape, a pattern and two colours, as in 'red and "
               "white striped star'",
               text));
  }
  scene.subject = {.shape = number_in(kToyShapes, subject.shape),
                   .first = subject.colors[0],
                   .second = subject.colors[1],
                   .pattern = number_in(kToyPatterns, subject.pattern)};
  place_objects(scene, /*jitter=*/0, /*seed=*/0);
  return scene;
}

AskedScene parse_prompt(std::string_view text) {
  AskedScene asked;
  const SubjectWords subject = read_scene(text, asked.scene);
  if (subject.shape.empty() && !subject.object) {
    throw DataError(format(
        "'{}': names no subject, as 'a large star in a meadow' or 'an object at night' do", text));
  }
  if (!subject.shape.empty()) asked.shape = number_in(kToyShapes, subject.shape);
  place_objects(asked.scene, /*jitter=*/0, /*seed=*/0);
  return asked;
}

}  // namespace mentor
