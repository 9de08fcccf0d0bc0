#include "mentor/app/evaluate.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/core/progress.h"
#include "mentor/eval/input.h"
#include "mentor/image/image_io.h"

#include <algorithm>
#include <mutex>
#include <ostream>

namespace mentor {
namespace {

/// What is wrong with the pictures of the input, in the order of their names.
std::vector<std::string> damaged_pictures(const EvaluationInput& input,
                                          const RuntimeConfig& runtime) {
  std::vector<fs::path> pictures;
  for (const Subject& subject : input.dataset.subjects) pictures.push_back(subject.image);
  for (const SampleFiles& item : input.items) {
    if (!item.reference.empty()) pictures.push_back(item.reference);
    if (!item.generated.empty()) pictures.push_back(item.generated);
  }
  const DecodeOptions options{.apply_orientation = true,
                              .alpha_on_white = true,
                              .max_pixels = runtime.max_image_pixels,
                              .min_side = runtime.min_image_side};
  std::vector<std::string> problems;
  std::mutex mutex;
  Progress progress(
      {.what = "decode", .unit = "pictures", .total = static_cast<int64_t>(pictures.size())});
  for_each_index(static_cast<int64_t>(pictures.size()), runtime.cpu_threads(), [&](int64_t i) {
    throw_if_interrupted();
    try {
      (void)read_image(pictures[static_cast<size_t>(i)], options);
    } catch (const DataError& e) {
      const std::lock_guard lock(mutex);
      problems.emplace_back(e.what());
    }
    progress.advance();
  });
  std::ranges::sort(problems);
  return problems;
}

}  // namespace

void validate_evaluation(const RunConfig& config, std::ostream& out) {
  const EvaluateConfig& evaluate = config.evaluate;
  const EvaluationInput input = read_input(evaluate);
  const std::vector<std::string> damaged = damaged_pictures(input, config.runtime);
  if (!damaged.empty()) throw DataError(joined_lines(damaged));

  out << format("{}: {} subjects, {} prompts{}\n", evaluate.dataset, input.dataset.subjects.size(),
                input.dataset.subjects.size() * kPromptsPerSubject,
                input.dataset.has_published_size()
                    ? ", the size of DreamBench++"
                    : "; not DreamBench++, which has 150 and 1350: figures are not comparable");
  const auto complete = std::ranges::count_if(input.items, &SampleFiles::complete);
  out << format("{}: {} of {} pictures with reference and text\n", evaluate.samples, complete,
                input.items.size());
  for (const std::string& line : input.missing) out << line << "\n";
  for (const std::string& line : input.other_captions) out << line << "\n";
  if (!input.other_captions.empty()) {
    out << format("{} texts differ from the data set: judges get those of the samples\n",
                  input.other_captions.size());
  }
}

}  // namespace mentor
