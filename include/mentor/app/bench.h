#pragma once

#include "mentor/app/run_config.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace mentor {

struct BenchOptions {
  int64_t prompt_tokens = 0;   // real length of the prompt; 0: a picture and a sentence
  int64_t steps = 40;          // decode steps timed at each end of a picture
  int64_t runs = 5;            // repetitions of everything else
  int64_t micro_batch = 1;     // samples of a training step
  std::filesystem::path data;  // records, for the loader; empty: data.mixture
  int64_t samples = 200;       // of them, timed; for the toy world, pictures
};

/// Repetitions of one measurement.
struct BenchFigure {
  std::string name;  // "step_ms_first", the unit at its end
  std::vector<double> samples;

  [[nodiscard]] double median() const;
};

struct BenchResult {
  std::string what;
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<BenchFigure> figures;

  [[nodiscard]] std::string json() const;  // one line
  [[nodiscard]] std::string text() const;  // a table
};

// Each draws random weights of the configured dimensions: time does not depend on their values.

/// Prefill, and decode steps at the first and at the last image tokens.
[[nodiscard]] BenchResult bench_decode(const RunConfig& config, const BenchOptions& options);
/// T5 at `prompt_tokens`, the vision tower on one picture.
[[nodiscard]] BenchResult bench_encode(const RunConfig& config, const BenchOptions& options);
/// Codec, one picture each way.
[[nodiscard]] BenchResult bench_codec(const RunConfig& config, const BenchOptions& options);
/// Forward and backward pass of a training step, dropout on: milliseconds, tokens per second and
/// model FLOPs utilisation, whose formula is among the settings.
[[nodiscard]] BenchResult bench_train(const RunConfig& config, const BenchOptions& options);
/// A whole optimizer step of stage 2, by part: codec, encoder, decoder, backward, optimizer.
[[nodiscard]] BenchResult bench_train_step(const RunConfig& config, const BenchOptions& options);
/// Records to examples on all configured threads, with nothing else to do.
[[nodiscard]] BenchResult bench_loader(const LoadedRunConfig& run, const BenchOptions& options);
/// The toy world on all configured threads: pictures drawn, and read by its oracle, per second.
[[nodiscard]] BenchResult bench_toy(const RunConfig& config, const BenchOptions& options);
/// From the configured files to the first decode step, once: run it again for another sample.
[[nodiscard]] BenchResult bench_load(const RunConfig& config, const BenchOptions& options);

}  // namespace mentor
