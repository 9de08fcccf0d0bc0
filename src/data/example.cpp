#include "mentor/core/format.h"
#include "mentor/core/random.h"
#include "mentor/data/loader.h"

#include <algorithm>
#include <utility>

namespace mentor {

ExampleMaker::ExampleMaker(const Options& options, std::vector<ExampleSource> sources,
                           Tokenizer tokenizer, std::optional<Backgrounds> backgrounds,
                           std::shared_ptr<const CodeCache> cache)
    : options_(options),
      sources_(std::move(sources)),
      tokenizer_(std::move(tokenizer)),
      backgrounds_(std::move(backgrounds)),
      cache_(std::move(cache)) {}

Example ExampleMaker::operator()(int64_t epoch, SampleIndex index) const {
  const ExampleSource& source = sources_.at(static_cast<size_t>(index.file));
  const int64_t number = source.record(index.record);
  const uint64_t seed = sample_seed(options_.seed, epoch, source.key, number, index.copy);
  const Record record = source.records->record(number);
  Example example{.index = index};
  example.condition_dropped =
      unit_interval(stream_seed(seed, "condition_dropout")) < options_.condition_dropout;
  if (cache_) {
    if (const auto key = target_key(record, source.sample)) {
      const std::span<const uint16_t> codes = cache_->find(*key);
      example.codes.assign(codes.begin(), codes.end());
    }
  }
  Sample sample =
      make_sample(record, source.sample, draw_choices(source.sample, seed),
                  backgrounds_ ? &*backgrounds_ : nullptr,
                  {.pictures = !example.condition_dropped, .target = example.codes.empty()});
  example.task = sample.task;
  example.num_pictures = sample.num_pictures;
  example.target_valid = sample.target_valid;
  example.replaced = std::move(sample.replaced);
  set_prompt(sample.prompt, record, source.sample.on_bad_record, example);
  for (const Image& picture : sample.pictures) {
    const std::vector<float> pixels = clip_pixels(picture, options_.clip_size);
    example.pixels_NCHW.insert(example.pixels_NCHW.end(), pixels.begin(), pixels.end());
  }
  if (example.codes.empty()) example.target_CHW = target_pixels(sample.target);
  if (!example.target_valid) std::ranges::fill(example.target_CHW, 0.0F);
  return example;
}

void ExampleMaker::set_prompt(const std::string& prompt, const Record& record,
                              OnBadRecord on_bad_record, Example& example) const {
  const std::string text = expand_placeholders(prompt, options_.placeholders_per_image);
  example.ids = tokenizer_.encode(text);
  if (static_cast<int64_t>(example.ids.size()) <= options_.max_prompt_tokens) return;
  if (on_bad_record == OnBadRecord::kSkip) {
    throw RecordError(RecordProblem::kTooLong,
                      format("{}: the prompt is {} tokens long, the model takes {}", record.where,
                             example.ids.size(), options_.max_prompt_tokens));
  }
  example.ids = tokenizer_.encode_padded(text, static_cast<size_t>(options_.max_prompt_tokens)).ids;
  example.replaced.push_back(RecordProblem::kTooLong);
}

}  // namespace mentor
