#include "mentor/app/bench.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/toy/oracle.h"
#include "mentor/toy/records.h"

#include <chrono>
#include <functional>

namespace mentor {
namespace {

/// Pictures per second of `options.runs` runs, after one that is not counted.
BenchFigure rate(const std::string& name, const BenchOptions& options, int threads,
                 const std::function<void(int64_t)>& make_one) {
  BenchFigure figure{.name = name, .samples = {}};
  for (int64_t run = -1; run < options.runs; ++run) {
    throw_if_interrupted();
    const auto begin = std::chrono::steady_clock::now();
    for_each_index(options.samples, threads, make_one);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (run >= 0) figure.samples.push_back(static_cast<double>(options.samples) / taken.count());
  }
  return figure;
}

}  // namespace

BenchResult bench_toy(const RunConfig& config, const BenchOptions& options) {
  const ToyConfig& toy = config.toy;
  const int threads = config.runtime.cpu_threads();
  std::vector<Image> pictures(static_cast<size_t>(options.samples));
  const auto draw = [&](int64_t i) {
    const Scene scene = draw_pair(toy, Split::kTrain, i).target;
    pictures[static_cast<size_t>(i)] = paint_scene(scene, toy.size).image;
  };
  const Oracle oracle;
  const auto read = [&](int64_t i) { (void)oracle.read(pictures[static_cast<size_t>(i)]); };
  BenchResult result{.what = "toy",
                     .settings = {{"size", format("{}", toy.size)},
                                  {"palette", toy.palette},
                                  {"threads", format("{}", threads)}},
                     .figures = {}};
  result.figures.push_back(rate("drawn_pictures_per_s", options, threads, draw));
  result.figures.push_back(rate("read_pictures_per_s", options, threads, read));
  return result;
}

}  // namespace mentor
