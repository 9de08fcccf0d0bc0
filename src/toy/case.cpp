#include "mentor/toy/case.h"

#include "mentor/core/format.h"

namespace mentor {

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

ToyCase parse_toy_case(const std::string& line, const std::string& where) {
  const ToyPair pair = parse_toy_pair(line, where);  // first: it says whose lines are wanted
  return toy_case(pair, parse_record(line, where, {}));
}

}  // namespace mentor
