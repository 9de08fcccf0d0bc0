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

/// Removes a phrase of whole words from `text`, which begins and ends with a blank.
bool take_phrase(std::string& text, std::string_view phrase) {
  const size_t at = text.find(format(" {} ", phrase));
  if (at == std::string::npos) return false;
  text.erase(at, phrase.size() + 1);
  return true;
}

/// Words in lower case between single blanks, with one at either end.
std::string spaced(std::string_view text) {
  std::string words = " ";
  for (const char letter : text) {
    if (std::isalpha(static_cast<unsigned char>(letter)) != 0) {
      words += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    } else if (words.back() != ' ') {
      words += ' ';
    }
  }
  return words.back() == ' ' ? words : words + " ";
}

/// What the words about the subject say.
struct SubjectWords {
  std::vector<int> colors;
  int pattern = -1, shape = -1;
  bool large = false;
  bool object = false;  // which tells no shape

  /// Whether the word says something.
  bool read(std::string_view word) {
    for (int i = 0; i < static_cast<int>(kToyColors.size()); ++i) {
      if (word != kToyColors[i].name) continue;
      colors.push_back(i);
      return true;
    }
    for (int i = 0; i < static_cast<int>(kToyShapes.size()); ++i) {
      if (word != kToyShapes[i] && word != plural(kToyShapes[i])) continue;
      shape = i;
      return true;
    }
    const auto found = std::ranges::find(kToyPatterns, word);
    if (found != kToyPatterns.end()) pattern = static_cast<int>(found - kToyPatterns.begin());
    if (word == "large") large = true;
    const bool is_object = word == "object" || word == "objects";
    object |= is_object;
    return is_object || found != kToyPatterns.end() || word == "large" || word == "small";
  }
};

[[noreturn]] void fail_word(const std::string& word) {
  const std::string nearest = nearest_word(word, toy_vocabulary());
  throw DataError(
      format("the toy world has no '{}'{}: try 'a large red and white striped star in "
             "a meadow at the top left' ('mentor toy show --help' lists its words)",
             word, nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest)));
}

SubjectWords read_subject(const std::string& text) {
  static constexpr std::array<std::string_view, 15> kEmpty = {
      "a",  "an", "the", "and", "two", "there", "is",     "are",
      "of", "in", "on",  "at",  "by",  "under", "picture"};
  SubjectWords subject;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (std::ranges::find(kEmpty, word) == kEmpty.end() && !subject.read(word)) fail_word(word);
  }
  return subject;
}

/// Everything but the subject's identity and the objects goes to `scene`; returns what is said of
/// the subject.
SubjectWords read_scene(std::string_view text, Scene& scene) {
  constexpr int kStudio = 7;
  scene.background = kStudio;
  std::string rest = spaced(text);
  for (int i = 0; i < static_cast<int>(kToyBackgrounds.size()); ++i) {
    if (take_phrase(rest, background_words(i))) scene.background = i;
  }
  scene.count = rest.find(" two ") == std::string::npos ? 1 : 2;
  const int places = scene.count == 1 ? 9 : 3;
  int place = -1;
  size_t longest = 0;  // "at the top" begins "at the top left"
  for (scene.place = 0; scene.place < places; ++scene.place) {
    const std::string_view words = place_words(scene);
    if (words.size() <= longest || rest.find(format(" {} ", words)) == std::string::npos) continue;
    place = scene.place;
    longest = words.size();
  }
  scene.place = place < 0 ? places / 2 : place;
  if (place >= 0) take_phrase(rest, place_words(scene));
  const SubjectWords subject = read_subject(rest);
  if (subject.large && scene.count == 2) {
    throw DataError(format("'{}': two are always small", text));
  }
  scene.large = subject.large;
  return subject;
}

}  // namespace

Scene parse_caption(std::string_view text) {
  Scene scene;
  const SubjectWords subject = read_scene(text, scene);
  if (subject.shape < 0 || subject.pattern < 0 || subject.colors.size() != 2 ||
      subject.colors[0] == subject.colors[1]) {
    throw DataError(
        format("'{}': a subject has a shape, a pattern and two colours, as in 'red and "
               "white striped star'",
               text));
  }
  scene.subject = {.shape = subject.shape,
                   .first = subject.colors[0],
                   .second = subject.colors[1],
                   .pattern = subject.pattern};
  place_objects(scene, /*jitter=*/0, /*seed=*/0);
  return scene;
}

AskedScene parse_prompt(std::string_view text) {
  AskedScene asked;
  const SubjectWords subject = read_scene(text, asked.scene);
  if (subject.shape < 0 && !subject.object) {
    throw DataError(format(
        "'{}': names no subject, as 'a large star in a meadow' or 'an object at night' do", text));
  }
  if (subject.shape >= 0) asked.shape = subject.shape;
  place_objects(asked.scene, /*jitter=*/0, /*seed=*/0);
  return asked;
}

}  // namespace mentor
