#include "mentor/toy/case.h"

#include "mentor/core/format.h"

#include <algorithm>
#include <cmath>

namespace mentor {
namespace {

/// Whether the same things are seen in the same places.
bool are_alike(const ToyReading& a, const ToyReading& b) {
  constexpr double kNear = 2;  // units
  return a.background == b.background &&
         std::ranges::equal(a.objects, b.objects, [](const SeenObject& x, const SeenObject& y) {
           return x.object.identity == y.object.identity &&
                  std::hypot(x.object.x - y.object.x, x.object.y - y.object.y) < kNear &&
                  std::abs(x.object.radius - y.object.radius) < kNear;
         });
}

}  // namespace

ToyCase toy_case(const ToyPair& pair, const Record& record) {
  const Task task = record.task(Stage::kInstruction);
  if (task == Task::kSegmentation) {
    throw DataError(
        format("{}: a segmentation record asks for its subject on black, which the oracle does not "
               "read: name a file of another task, such as subject.jsonl",
               record.where));
  }
  ToyCase one{.split = pair.split,
              .number = pair.number,
              .reference = {},
              .asked = task == Task::kReconstruction ? pair.reference : pair.target,
              .named = {},
              .prompt = record.text,
              .picture = record.sources.front().stem().string()};
  const bool sees_reference = task == Task::kReconstruction || task == Task::kSubject;
  if (sees_reference) one.reference = pair.reference;
  std::string prompt = record.text;
  for (const std::string& object : record.objects) prompt += " " + object;
  one.named = named_attributes(prompt, one.asked.subject);
  return one;
}

ToyScore score(const ToyReading& picture, const ToyCase& of, const ToyReading& truth) {
  const Scene& asked = of.asked;
  if (!asked.distractor) return score(picture, asked);
  const ToyReading ideal = ideal_reading(asked);
  const ToyReading& seen = are_alike(picture, truth) ? ideal : picture;
  // The bystander as the oracle sees it, and as it is.
  return score(
      without_bystanders(without_bystanders(seen, truth, asked.subject), ideal, asked.subject),
      asked);
}

ToyCase parse_toy_case(const std::string& line, const std::string& where) {
  const ToyPair pair = parse_toy_pair(line, where);  // first: it says whose lines are wanted
  return toy_case(pair, parse_record(line, where, {}));
}

}  // namespace mentor
