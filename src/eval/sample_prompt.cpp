#include "mentor/eval/sample_prompt.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/random.h"
#include "mentor/data/task_text.h"

#include <cctype>

namespace mentor {
namespace {

/// Whether `word` stands in `text` exactly once, and there by itself: not as the "cat" of
/// "category".
bool occurs_once(std::string_view text, std::string_view word) {
  const size_t at = text.find(word);
  if (at == std::string_view::npos || text.find(word, at + 1) != std::string_view::npos) {
    return false;
  }
  const auto is_letter = [&](size_t i) {
    return i < text.size() && std::isalnum(static_cast<unsigned char>(text[i])) != 0;
  };
  return !(at > 0 && is_letter(at - 1)) && !is_letter(at + word.size());
}

}  // namespace

std::string sample_prompt(std::string_view name, const Subject& subject, int64_t prompt) {
  const std::string& caption = subject.prompts.at(static_cast<size_t>(prompt));
  if (name == "caption") return "<image>\n" + caption;
  return build_prompt({.task = Task::kSubject,
                       .text = caption,
                       .objects = {subject.name},
                       .replace_subject = name == "replace" && occurs_once(caption, subject.name)});
}

uint64_t prompt_seed(uint64_t base, const SubjectKey& subject, int64_t prompt) {
  return stream_seed(base, "evaluate",
                     {static_cast<uint64_t>(subject.category), static_cast<uint64_t>(subject.index),
                      static_cast<uint64_t>(prompt)});
}

const Subject& other_subject(const Dataset& dataset, const Subject& subject) {
  const size_t count = dataset.subjects.size();
  const auto own = static_cast<size_t>(&subject - dataset.subjects.data());
  for (size_t step = 0; step < count; ++step) {
    const Subject& other = dataset.subjects[(own + count / 2 + step) % count];
    if (other.name != subject.name) return other;
  }
  throw DataError(
      format("{}: all its subjects are called '{}': evaluate.generate.method mismatched needs "
             "another one",
             dataset.root, subject.name));
}

}  // namespace mentor
