#include "sound_input.h"

#include "mentor/core/error.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/core/progress.h"
#include "mentor/image/image_io.h"

#include <atomic>
#include <map>
#include <mutex>

namespace mentor {
namespace {

struct PictureCheck {
  std::map<fs::path, std::string> damaged;  // and what is wrong with it
  std::atomic<int64_t> num_not_square = 0;
};

void check_pictures(const EvaluationInput& input, const RuntimeConfig& runtime,
                    PictureCheck& check) {
  std::vector<fs::path> pictures;
  for (const Subject& subject : input.dataset.subjects) pictures.push_back(subject.image);
  for (const SampleFiles& item : input.items) {
    if (!item.reference.empty()) pictures.push_back(item.reference);
    if (!item.generated.empty()) pictures.push_back(item.generated);
  }
  const DecodeOptions options = runtime.picture_decoding();
  std::mutex mutex;
  Progress progress(
      {.what = "decode", .unit = "pictures", .total = static_cast<int64_t>(pictures.size())});
  for_each_index(static_cast<int64_t>(pictures.size()), runtime.cpu_threads(), [&](int64_t i) {
    throw_if_interrupted();
    const fs::path& file = pictures[static_cast<size_t>(i)];
    try {
      const Image image = read_image(file, options);
      check.num_not_square += image.width != image.height;
    } catch (const DataError& e) {
      const std::lock_guard lock(mutex);
      check.damaged.emplace(file, e.what());
    }
    progress.advance();
  });
}

/// Takes damaged pictures out of the samples.
void withdraw(EvaluationInput& input, std::map<fs::path, std::string>& damaged) {
  for (SampleFiles& item : input.items) {
    for (fs::path* file : {&item.reference, &item.generated}) {
      const auto found = damaged.find(*file);
      if (found == damaged.end()) continue;
      input.missing.push_back(found->second);
      damaged.erase(found);
      file->clear();
    }
  }
}

}  // namespace

SoundInput read_sound_input(const RunConfig& config) {
  std::vector<std::string> problems;
  EvaluationInput input = find_input(config.evaluate, problems);
  PictureCheck check;
  check_pictures(input, config.runtime, check);
  if (config.evaluate.allow_partial) withdraw(input, check.damaged);
  for (const auto& [file, what] : check.damaged) problems.push_back(what);
  if (!problems.empty()) throw DataError(joined_lines(problems));
  return {std::move(input), check.num_not_square};
}

}  // namespace mentor
