#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/tensor/state_dict.h"

#include <string>
#include <vector>

namespace mentor {

struct WeightsOptions {
  bool prefer_ema = false;        // codecs: take the averaged weights where the file has them
  bool verify_checksums = false;  // torch zip: compare every CRC-32 (reads the whole file)
};

/// What read_weights() found and did, for the log and for `weights inspect`.
struct WeightsReport {
  std::string container;              // "safetensors", "torch zip", "torch legacy"
  std::vector<std::string> files;     // the files read: more than one for shards
  std::string wrapper;                // key that held the state dict; empty when it was bare
  std::vector<std::string> stripped;  // prefixes removed from keys, such as "module._orig_mod."
  std::vector<std::string> skipped;   // keys that hold no tensor or that the index does not list
};

/// Reads the state dict of a file, of a `*.index.json` with its shards, or of a Hugging Face
/// folder. The container is recognised by content. The wrapper is the first of `model` (DDP),
/// `module` (DeepSpeed), `state_dict`, else the bare object; leading `module.` and `_orig_mod.` are
/// stripped from keys in any order. Throws WeightsError that begins with the file's name.
[[nodiscard]] StateDict read_weights(const fs::path& path, const WeightsOptions& options = {},
                                     WeightsReport* report = nullptr);

}  // namespace mentor
