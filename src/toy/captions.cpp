#include "mentor/toy/captions.h"

#include "draws.h"
#include "mentor/core/format.h"
#include "mentor/data/task_text.h"
#include "mentor/toy/appearance.h"

#include <cctype>
#include <set>
#include <string_view>

namespace mentor {
namespace {

constexpr std::array<std::string_view, kToyBackgrounds.size()> kInBackground = {
    "in a meadow", "on a beach",      "in the snow", "at night",  "in the desert",
    "in a forest", "by a brick wall", "in a studio", "in a room", "under the sea"};
constexpr std::array<std::string_view, 9> kAtPlace = {
    "at the top left",    "at the top",    "at the top right",
    "on the left",        "in the middle", "on the right",
    "at the bottom left", "at the bottom", "at the bottom right"};
constexpr std::array<std::string_view, 3> kAtRow = {"at the top", "in the middle", "at the bottom"};

/// "red and white striped"
std::string pattern_words(const Identity& identity) {
  return format("{} and {} {}", kToyColors.at(identity.first).name,
                kToyColors.at(identity.second).name, kToyPatterns.at(identity.pattern));
}

/// "a large red and white striped star", "two stars"
std::string name_subject(const Scene& scene, const CaptionOptions& options) {
  std::string words;
  if (scene.count == 1 && !options.leave_size) words = scene.large ? "large " : "small ";
  if (options.identity) {
    words += pattern_words(scene.subject) + " ";
  }
  words += subject_word(scene, options.object_noun);
  if (scene.count == 2) return "two " + words;
  const bool begins_with_vowel = std::string_view("aeiou").find(words[0]) != std::string_view::npos;
  return (begins_with_vowel ? "an " : "a ") + words;
}

/// The parts with `between` between those that are not empty.
std::string join(std::initializer_list<std::string_view> parts, std::string_view between) {
  std::string joined;
  for (const std::string_view part : parts) {
    if (part.empty()) continue;
    joined += format("{}{}", joined.empty() ? "" : between, part);
  }
  return joined;
}

/// Prompts of all tasks, many enough to hold every word in every place it can have.
std::vector<std::string> sample_prompts() {
  constexpr int kPrompts = 4000;
  constexpr std::array kTasks = {Task::kTextToImage, Task::kReconstruction, Task::kSegmentation,
                                 Task::kRecovery, Task::kSubject};
  ToyConfig config{.palette = "full", .wordings = kToyWordings, .underdescribed_rate = 0.2};
  std::vector<std::string> prompts;
  for (int i = 0; i < kPrompts; ++i) {
    const Draws draws(stream_seed(0, "toy prompt", {static_cast<uint64_t>(i)}));
    config.nouns = draws.chance("object", 0.1) ? "object" : "shape";
    const Identity subject = identity_of(draws.pick("subject", kNumIdentities));
    const Scene scene = draw_scene(config, subject, SceneRole::kTarget, draws.seed_of("scene"));
    const CaptionOptions options =
        draw_caption_options(config, draws.chance("identity", 0.5), draws.seed_of("caption"));
    prompts.push_back(build_prompt({.task = kTasks[i % kTasks.size()],
                                    .text = caption(scene, options),
                                    .objects = {subject_word(scene, options.object_noun)}}));
  }
  return prompts;
}

}  // namespace

std::string subject_word(const Scene& scene, bool object_noun) {
  const std::string_view noun = object_noun ? "object" : kToyShapes.at(scene.subject.shape);
  return scene.count == 1 ? std::string(noun) : plural(noun);
}

std::string identity_words(const Identity& identity) {
  return format("{} {}", pattern_words(identity), kToyShapes.at(identity.shape));
}

std::string_view background_words(int background) { return kInBackground.at(background); }

std::string plural(std::string_view noun) {
  return std::string(noun) + (noun == "fish" ? "" : noun == "cross" ? "es" : "s");
}

std::string_view place_words(const Scene& scene) {
  return scene.count == 1 ? kAtPlace.at(scene.place) : kAtRow.at(scene.place);
}

std::string caption(const Scene& scene, const CaptionOptions& options) {
  const std::string subject = name_subject(scene, options);
  const std::string_view background =
      options.leave_background ? "" : background_words(scene.background);
  const std::string_view place = options.leave_place ? "" : place_words(scene);
  switch (options.wording) {
    case 1:
      return join({subject, place, background}, " ");
    case 2:
      return join({background, scene.count == 1 ? "there is" : "there are", subject, place}, " ");
    case 3:
      return join({"a picture of", subject, background, place}, " ");
    default:
      return join({subject, background, place}, " ");
  }
}

CaptionOptions draw_caption_options(const ToyConfig& config, bool identity, uint64_t seed) {
  const Draws draws(seed);
  CaptionOptions options{.identity = identity, .object_noun = config.nouns == "object"};
  options.wording = draws.pick("wording", static_cast<int>(config.wordings));
  if (!draws.chance("underdescribe", config.underdescribed_rate)) return options;
  const int left_out = 1 + draws.pick("leave out", 7);  // at least one of three
  options.leave_size = (left_out & 1) != 0;
  options.leave_background = (left_out & 2) != 0;
  options.leave_place = (left_out & 4) != 0;
  return options;
}

std::vector<std::string> toy_vocabulary() {
  std::set<std::string> words;
  for (const std::string& prompt : sample_prompts()) {
    std::string word;
    for (const char letter : prompt + " ") {
      if (std::isalpha(static_cast<unsigned char>(letter)) != 0) {
        word += letter;
      } else if (!word.empty()) {
        words.insert(std::move(word));
        word.clear();
      }
    }
  }
  return {words.begin(), words.end()};
}

std::vector<std::string> toy_sentences() {
  std::vector<std::string> sentences = sample_prompts();
  // The trainer only considers pieces that it sees in two different surroundings.
  for (const std::string& word : toy_vocabulary()) {
    sentences.push_back(format("{}, {}. {}; {}", word, word, word, word));
  }
  return sentences;
}

}  // namespace mentor
