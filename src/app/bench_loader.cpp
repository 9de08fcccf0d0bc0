#include "mentor/app/bench.h"
#include "mentor/app/data_sources.h"
#include "mentor/core/format.h"
#include "mentor/data/loader.h"

#include <chrono>
#include <utility>

namespace mentor {

BenchResult bench_loader(const RunConfig& config, const BenchOptions& options) {
  std::vector<RecordFile> files;
  files.emplace_back(options.data);
  const int64_t records = files.front().size();
  const ModelConfig& model = config.model;
  const ExampleMaker make({.sample = sample_options(config),
                           .clip_size = model.clip.image_size,
                           .placeholders_per_image = model.prompt.placeholders_per_image,
                           .max_prompt_tokens = model.decoder.cond_len},
                          std::move(files), open_tokenizer(config), open_backgrounds(config.data));
  const int64_t threads = config.runtime.cpu_threads();
  const auto make_one = [&make](int64_t epoch, SampleIndex index) { return make(epoch, index); };
  Loader loader(Sampler({.shares = {{records, records}}}), make_one,
                {.threads = threads, .bad_record_limit = config.data.bad_record_limit});
  for (int64_t i = 0; i < threads; ++i) (void)loader.next(1);
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < options.samples; ++i) (void)loader.next(1);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return {.what = "loader",
          .settings = {{"preset", model.preset},
                       {"threads", format("{}", threads)},
                       {"records", format("{}", records)}},
          .figures = {{"samples_per_s", {static_cast<double>(options.samples) / seconds}}}};
}

}  // namespace mentor
