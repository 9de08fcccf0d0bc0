#include "mentor/app/toy_tools.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/random.h"
#include "mentor/image/image_io.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"
#include "mentor/toy/oracle.h"
#include "unfinished_folder.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

namespace mentor {
namespace {

constexpr int kPrompts = 9;  // of a subject, as in DreamBench++
constexpr int kFish = 8;     // the one shape that lives

/// The folder of a subject's category below images/ and captions/.
fs::path category_folder(const Identity& subject) {
  static_assert(kToyShapes.at(kFish) == "fish");
  return subject.shape == kFish ? "live_subject/animal" : "object";
}

/// Whether the oracle sees the subject in its reference, without which it cannot judge.
bool is_readable(const Oracle& oracle, const ToyPair& pair, int64_t size) {
  const ToyReading reading = oracle.read(paint_scene(pair.reference, size).image);
  return std::ranges::any_of(reading.objects, [&](const SeenObject& seen) {
    return seen.object.identity == pair.reference.subject;
  });
}

/// The first pairs of different subjects whose references the oracle reads.
std::vector<ToyPair> draw_subjects(const ToyConfig& toy, Split split) {
  constexpr int64_t kDrawsPerSubject = 100;
  const auto all = std::ssize(identities(toy.palette, split));
  const Oracle oracle;
  std::vector<ToyPair> pairs;
  std::set<int> seen;
  for (int64_t number = 0; number < kDrawsPerSubject * all; ++number) {
    if (std::ssize(pairs) == toy.records) return pairs;
    throw_if_interrupted();
    ToyPair pair = draw_pair(toy, split, number);
    const int identity = number_of(pair.reference.subject);
    if (seen.contains(identity) || !is_readable(oracle, pair, toy.size)) continue;
    seen.insert(identity);
    pairs.push_back(std::move(pair));
  }
  if (std::ssize(pairs) == toy.records) return pairs;
  throw ConfigError(
      format("--dreambench: {} subjects are asked for, and the toy world has {} of this kind: give "
             "--count",
             toy.records, pairs.size()));
}

/// Line 1: what the reference is called; then nine prompts, each of another scene, that leave out
/// nothing but colours and pattern: what only the reference tells.
std::string captions_of(const ToyConfig& config, const ToyPair& pair) {
  ToyConfig toy = config;
  toy.underdescribed_rate = 0;
  std::string lines = subject_word(pair.reference, toy.nouns == "object") + "\n";
  std::set<std::string> said;
  for (uint64_t scene = 0; said.size() < kPrompts; ++scene) {
    const uint64_t seed =
        stream_seed(static_cast<uint64_t>(toy.seed), "toy prompt of a subject",
                    {static_cast<uint64_t>(pair.split), static_cast<uint64_t>(pair.number), scene});
    const Scene asked = draw_scene(toy, pair.reference.subject, SceneRole::kTarget, seed);
    if (!said.insert(caption(asked)).second) continue;
    lines += caption(asked, draw_caption_options(toy, /*identity=*/false, seed)) + "\n";
  }
  return lines;
}

}  // namespace

void make_toy_dataset(const ToyMakeOptions& options, std::ostream& out) {
  const ToyConfig& toy = options.config.toy;
  const std::vector<ToyPair> pairs = draw_subjects(toy, options.split);
  const UnfinishedFolder folder(options.out);
  std::map<fs::path, int64_t> counts;
  for (const ToyPair& pair : pairs) {
    throw_if_interrupted();
    const fs::path category = category_folder(pair.reference.subject);
    const std::string number = format("{:02}", counts[category]++);
    folder.make_folder("images" / category);
    folder.make_folder("captions" / category);
    folder.write("images" / category / (number + ".png"),
                 encode_png(paint_scene(pair.reference, toy.size).image));
    folder.write("captions" / category / (number + ".txt"), captions_of(toy, pair));
  }
  folder.publish();
  out << format("{}: {} subjects with {} prompts each, for 'mentor evaluate'\n", options.out,
                pairs.size(), kPrompts);
}

}  // namespace mentor
