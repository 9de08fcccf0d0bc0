#pragma once

#include "support/drawn_dataset.h"
#include "support/one_message.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace mentor {

/// `mentor evaluate` on three drawn subjects, with untrained weights of the tiny preset.
class GenerateSamples : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    weights_ = std::make_unique<TempDir>();
    const ProgramResult init = run_program({MENTOR_BINARY, "weights", "init", "--out",
                                            (*weights_ / "tiny").string(), "--log-level", "error"});
    ASSERT_EQ(init.exit_code, 0) << init.err;
  }
  static void TearDownTestSuite() { weights_.reset(); }

  GenerateSamples() {
    draw_dataset(dir_ / "data", {{"live_subject/animal", 1}, {"object", 2}}, 32);
    put_file(config_,
             "base: " + (*weights_ / "tiny/config.yaml").string() +
                 "\n"
                 "evaluate: {dataset: data, samples: samples, out: out, samples_per_prompt: "
                 "2, categories: [animal, object]}\n"
                 "generate: {max_batch: 4, top_k: 20, guidance_scale: 2, seed: 5}\n"
                 "runtime: {dtype: fp32, threads: 1}\n");
  }

  /// mentor evaluate generate, or another verb, with keys set.
  [[nodiscard]] std::vector<std::string> words(const std::string& samples,
                                               const std::vector<std::string>& settings = {},
                                               int ranks = 0,
                                               const std::string& verb = "generate") const {
    std::vector<std::string> all = {MENTOR_BINARY};
    if (ranks > 0) all.insert(all.end(), {"launch", "--nproc", std::to_string(ranks), "--"});
    all.insert(all.end(), {"evaluate", verb, config_.string(), "--log-level", "error", "--set",
                           "evaluate.samples=" + (dir_ / samples).string()});
    for (const std::string& setting : settings) all.insert(all.end(), {"--set", setting});
    return all;
  }
  [[nodiscard]] ProgramResult draw(const std::string& samples,
                                   const std::vector<std::string>& settings = {},
                                   int ranks = 0) const {
    return run_program(words(samples, settings, ranks));
  }

  static constexpr int64_t kPictures = 3 * 9 * 2;
  TempDir dir_;
  fs::path config_ = dir_ / "evaluate.yaml";

 private:
  static inline std::unique_ptr<TempDir> weights_;
};

}  // namespace mentor
