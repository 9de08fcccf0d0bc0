// Toy records as JSON, and back.
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"
#include "mentor/toy/records.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace mentor {
namespace {

using json = nlohmann::ordered_json;

json object_to_json(const ToyObject& object) {
  return {{"identity", number_of(object.identity)},
          {"subject", identity_words(object.identity)},
          {"x", object.x},
          {"y", object.y},
          {"radius", object.radius},
          {"tilt", object.tilt}};
}

ToyObject object_from_json(const json& object) {
  return {.identity = identity_of(object.at("identity").get<int>()),
          .x = object.at("x").get<double>(),
          .y = object.at("y").get<double>(),
          .radius = object.at("radius").get<double>(),
          .tilt = object.at("tilt").get<double>()};
}

json scene_to_json(const Scene& scene) {
  json objects = json::array();
  for (const ToyObject& object : scene.objects) objects.push_back(object_to_json(object));
  return {{"identity", number_of(scene.subject)},
          {"subject", identity_words(scene.subject)},
          {"background", kToyBackgrounds.at(scene.background)},
          {"count", scene.count},
          {"size", scene.large ? "large" : "small"},
          {"place", place_words(scene)},
          {"objects", objects},
          {"distractor", scene.distractor ? object_to_json(*scene.distractor) : json()}};
}

/// The place of a word in a list. DataError naming the nearest where it is in none.
template <class Words>
int find_word(const std::string& word, const Words& words, const char* what) {
  const auto found = std::ranges::find(words, word);
  if (found != words.end()) return static_cast<int>(found - words.begin());
  const std::vector<std::string> choices(words.begin(), words.end());
  const std::string nearest = nearest_word(word, choices);
  throw DataError(format("the toy world has no {} '{}'{}", what, word,
                         nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest)));
}

Scene scene_from_json(const json& text) {
  Scene scene{.subject = identity_of(text.at("identity").get<int>())};
  scene.background = find_word(text.at("background").get<std::string>(), kToyBackgrounds, "place");
  scene.count = text.at("count").get<int>();
  if (scene.count != 1 && scene.count != 2) {
    throw DataError(format("scenes show 1 subject or 2, not {}", scene.count));
  }
  constexpr std::array<std::string_view, 2> kSizes = {"small", "large"};
  scene.large = find_word(text.at("size").get<std::string>(), kSizes, "size") == 1;
  std::vector<std::string> places;
  for (scene.place = 0; scene.place < (scene.count == 1 ? 9 : 3); ++scene.place) {
    places.emplace_back(place_words(scene));
  }
  scene.place = find_word(text.at("place").get<std::string>(), places, "position");
  for (const json& object : text.at("objects")) scene.objects.push_back(object_from_json(object));
  if (static_cast<int>(scene.objects.size()) != scene.count) {
    throw DataError(format("{} objects where the count is {}", scene.objects.size(), scene.count));
  }
  const json& distractor = text.at("distractor");
  if (!distractor.is_null()) scene.distractor = object_from_json(distractor);
  return scene;
}

json path_to_json(const std::vector<fs::path>& paths) { return paths.front().generic_string(); }

}  // namespace

std::string toy_record_line(const ToyConfig& config, const ToyPair& pair, Task task) {
  const Record record = toy_record(config, pair, task);
  json line = {{"image_path", path_to_json(record.images)},
               {"source_image", path_to_json(record.sources)},
               {"input_text", record.text},
               {"objects", record.objects.empty() ? json() : json(record.objects.front())}};
  if (record.generation_only) line["generation_only"] = true;
  if (record.do_mask) line["do_mask"] = true;
  if (record.do_replace) line["do_replace"] = true;
  line["toy"] = {{"split", name_of(pair.split)},
                 {"number", pair.number},
                 {"reference", scene_to_json(pair.reference)},
                 {"target", scene_to_json(pair.target)}};
  return line.dump();
}

ToyPair parse_toy_pair(const std::string& line, const std::string& where) {
  try {
    const json toy = json::parse(line).at("toy");
    constexpr std::array<std::string_view, 2> kSplits = {"train", "held_out"};
    ToyPair pair;
    pair.split = find_word(toy.at("split").get<std::string>(), kSplits, "split") == 0
                     ? Split::kTrain
                     : Split::kHeldOut;
    pair.number = toy.at("number").get<int64_t>();
    pair.reference = scene_from_json(toy.at("reference"));
    pair.target = scene_from_json(toy.at("target"));
    return pair;
  } catch (const json::exception& error) {
    throw DataError(
        format("{}: not a record that 'mentor toy make' wrote: {}", where, error.what()));
  } catch (const DataError& error) {
    throw DataError(format("{}: {}", where, error.what()));
  }
}

}  // namespace mentor
