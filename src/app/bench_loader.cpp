#include "mentor/app/bench.h"
#include "mentor/app/data_sources.h"
#include "mentor/core/format.h"
#include "mentor/data/loader.h"

#include <chrono>
#include <utility>

namespace mentor {

BenchResult bench_loader(const LoadedRunConfig& run, const BenchOptions& options) {
  const RunConfig& config = run.config;
  Mixture mixture;
  if (options.data.empty()) {
    mixture = open_mixture(run, /*count_tasks=*/false);
  } else {
    mixture.sources.push_back(open_source(config, options.data));
    const int64_t records = mixture.sources.front().size();
    mixture.shares.push_back({.records = records, .samples = records});
  }
  int64_t records = 0;
  for (const MixtureShare& share : mixture.shares) records += share.records;
  const ExampleMaker make = make_examples(config, std::move(mixture.sources));
  const int64_t threads = config.runtime.cpu_threads();
  const auto make_one = [&make](int64_t epoch, SampleIndex index) { return make(epoch, index); };
  Loader loader(Sampler({.shares = mixture.shares}), make_one,
                {.threads = threads, .bad_record_limit = config.data.bad_record_limit});
  for (int64_t i = 0; i < threads; ++i) (void)loader.next(1);
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < options.samples; ++i) (void)loader.next(1);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return {.what = "loader",
          .settings = {{"preset", config.model.preset},
                       {"threads", format("{}", threads)},
                       {"records", format("{}", records)}},
          .figures = {{"samples_per_s", {static_cast<double>(options.samples) / seconds}}}};
}

}  // namespace mentor
