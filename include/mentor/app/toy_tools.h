#pragma once

#include "mentor/app/run_config.h"
#include "mentor/toy/records.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace mentor {

// What `mentor toy` does.

struct ToyMakeOptions {
  RunConfig config;  // of which the section toy says everything
  Split split = Split::kTrain;
  std::vector<Task> tasks;  // none: all
  std::filesystem::path out;
};

/// Writes toy.records records of each task as TASK.jsonl, their pictures and masks, and
/// backgrounds.jsonl; for tasks that a prompt asks for, TASK.requests.jsonl too. The folder appears
/// when it is complete. UserError for one that is not empty.
void make_toy(const ToyMakeOptions& options, std::ostream& out);

/// Writes the references of toy.records different subjects and nine prompts for each as a data set
/// in the layout of DreamBench++: fish as category animal, everything else as object. Pictures are
/// PNG files, and such that the oracle sees their subjects. The folder appears when it is complete.
/// UserError for one that is not empty, ConfigError for more subjects than there are.
void make_toy_dataset(const ToyMakeOptions& options, std::ostream& out);

struct ToyShowOptions {
  RunConfig config;
  Split split = Split::kTrain;
  int64_t count = 12;                 // pairs
  std::vector<std::string> captions;  // instead: pictures of these
  std::filesystem::path out;          // PNG
};

/// Draws pairs of reference and target, with their words, or the scenes of captions, on one sheet.
void show_toy(const ToyShowOptions& options);

/// Trains a tokenizer with a piece for each word of the world.
void train_toy_tokenizer(const std::filesystem::path& file);

}  // namespace mentor
