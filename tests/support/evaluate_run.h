#pragma once

#include "mentor/core/filesystem.h"
#include "support/drawn_dataset.h"
#include "support/one_message.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mentor {

/// A drawn data set of three subjects, samples of it, and a configuration that names both.
class EvaluateRun : public testing::Test {
 protected:
  EvaluateRun() { draw(); }

  void draw() {
    draw_dataset(dir_ / "data", {{"live_subject/animal", 1}, {"object", 1}, {"style", 1}});
    std::vector<std::string> problems;
    draw_samples(dir_ / "samples",
                 read_dataset(dir_ / "data", {kCategories.begin(), kCategories.end()}, problems));
    put_file(config_, "evaluate: {dataset: data, samples: samples, out: out}\n");
  }

  /// mentor evaluate VERB, with keys of the section evaluate set.
  [[nodiscard]] std::vector<std::string> words(const std::string& verb,
                                               const std::vector<std::string>& settings) const {
    std::vector<std::string> all = {MENTOR_BINARY, "evaluate", verb, config_.string()};
    for (const std::string& setting : settings) {
      all.insert(all.end(), {"--set", "evaluate." + setting});
    }
    return all;
  }
  [[nodiscard]] ProgramResult run(const std::string& verb,
                                  const std::vector<std::string>& settings = {}) const {
    return run_program(words(verb, settings));
  }

  TempDir dir_;
  fs::path config_ = dir_ / "evaluate.yaml";
  fs::path object_ = dir_ / "samples/tgt_image/object_00_toy_00";
};

}  // namespace mentor
