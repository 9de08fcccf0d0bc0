#include "mentor/core/format.h"
#include "mentor/core/random.h"
#include "mentor/data/loader.h"

#include <utility>

namespace mentor {

ExampleMaker::ExampleMaker(Options options, std::vector<RecordFile> files, Tokenizer tokenizer,
                           std::optional<Backgrounds> backgrounds)
    : options_(std::move(options)),
      files_(std::move(files)),
      tokenizer_(std::move(tokenizer)),
      backgrounds_(std::move(backgrounds)) {}

Example ExampleMaker::operator()(int64_t epoch, SampleIndex index) const {
  const auto source = static_cast<uint64_t>(index.file);
  const uint64_t seed = sample_seed(options_.seed, epoch, source, index.record);
  const Record record = files_.at(static_cast<size_t>(index.file)).record(index.record);
  Example example{.index = index};
  example.condition_dropped =
      unit_interval(stream_seed(seed, "condition_dropout")) < options_.condition_dropout;
  const Sample sample = make_sample(record, options_.sample, draw_choices(options_.sample, seed),
                                    backgrounds_ ? &*backgrounds_ : nullptr,
                                    {.pictures = !example.condition_dropped});
  example.task = sample.task;
  example.num_pictures = sample.num_pictures;
  example.ids =
      tokenizer_.encode(expand_placeholders(sample.prompt, options_.placeholders_per_image));
  if (static_cast<int64_t>(example.ids.size()) > options_.max_prompt_tokens) {
    throw RecordError(RecordProblem::kTooLong,
                      format("{}: the prompt is {} tokens long, the model takes {}", record.where,
                             example.ids.size(), options_.max_prompt_tokens));
  }
  for (const Image& picture : sample.pictures) {
    const std::vector<float> pixels = clip_pixels(picture, options_.clip_size);
    example.pixels_NCHW.insert(example.pixels_NCHW.end(), pixels.begin(), pixels.end());
  }
  example.target_CHW = target_pixels(sample.target);
  return example;
}

}  // namespace mentor
