#include "mentor/tensor/weights_file.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/tensor/mapped_file.h"
#include "mentor/tensor/safetensors.h"
#include "mentor/tensor/torch_archive.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <system_error>

namespace mentor {
namespace {

[[noreturn]] void fail(const fs::path& file, const std::string& why) {
  throw WeightsError(format("{}: {}", file, why));
}

enum class Container { kSafetensors, kTorchZip, kTorchLegacy };

Container recognise(const fs::path& file, std::string_view bytes) {
  if (bytes.starts_with("version https://git-lfs")) {
    fail(file, "format not recognised: this is a Git LFS pointer, not the weights (git lfs pull)");
  }
  if (TorchArchive::is_zip(bytes)) return Container::kTorchZip;
  if (TorchArchive::is_legacy(bytes)) return Container::kTorchLegacy;
  const bool braced = bytes.size() > sizeof(uint64_t) && bytes[sizeof(uint64_t)] == '{';
  if (braced || file.extension() == ".safetensors") return Container::kSafetensors;
  fail(file, "format not recognised (expected safetensors or a file of torch.save)");
}

/// The dict that holds the weights: below a wrapper key, or the root itself.
const PickleValue& unwrap(const PickleValue& root, bool prefer_ema, std::string& wrapper) {
  for (const char* key : {"ema", "model", "module", "state_dict"}) {
    if (key == std::string_view("ema") && !prefer_ema) continue;
    const PickleValue* value = root.find(key);
    if (value == nullptr || !value->is_mapping()) continue;
    wrapper = key;
    return *value;
  }
  return root;
}

StateDict read_file(const fs::path& file, const WeightsOptions& options, WeightsReport& report) {
  const Container container = recognise(file, MappedFile::open(file)->bytes());
  report.files.push_back(file.string());
  if (container == Container::kSafetensors) {
    report.container = "safetensors";
    return read_safetensors(file);
  }
  report.container = container == Container::kTorchZip ? "torch zip" : "torch legacy";
  TorchArchive archive(file, options.verify_checksums);
  return archive.state_dict(unwrap(archive.root(), options.prefer_ema, report.wrapper),
                            &report.skipped);
}

/// Shard name -> the keys to take from it.
using ShardKeys = std::map<std::string, std::vector<std::string>>;

ShardKeys read_index(const fs::path& index) {
  const auto mapping = MappedFile::open(index);
  ShardKeys shards;
  try {
    const auto json = nlohmann::json::parse(mapping->bytes());
    for (const auto& [key, shard] : json.at("weight_map").items()) {
      shards[shard.get<std::string>()].push_back(key);
    }
  } catch (const nlohmann::json::exception& error) {
    fail(index, format("is not an index of shards with a weight_map: {}", error.what()));
  }
  return shards;
}

StateDict read_shards(const fs::path& index, const WeightsOptions& options, WeightsReport& report) {
  StateDict tensors;
  for (const auto& [name, keys] : read_index(index)) {
    if (name.empty() || name == ".." || fs::path(name).filename() != name) {
      fail(index, format("shard '{}' lies outside the folder of the index", name));
    }
    const fs::path file = index.parent_path() / name;
    std::error_code ignored;
    if (!fs::exists(file, ignored)) fail(index, format("shard {} does not exist", name));
    const StateDict shard = read_file(file, options, report);
    for (const std::string& key : keys) {
      const at::Tensor* tensor = shard.find(key);
      if (tensor == nullptr) fail(index, format("'{}' is not in its shard {}", key, name));
      tensors.set(key, *tensor);
    }
    for (const auto& [key, tensor] : shard) {
      if (!tensors.contains(key)) report.skipped.push_back(key);
    }
  }
  return tensors;
}

fs::path find_in_folder(const fs::path& folder) {
  constexpr std::array kNames = {"model.safetensors", "model.safetensors.index.json",
                                 "pytorch_model.bin", "pytorch_model.bin.index.json"};
  for (const char* name : kNames) {
    std::error_code ignored;
    if (fs::exists(folder / name, ignored)) return folder / name;
  }
  fail(folder, "the folder holds no model.safetensors, pytorch_model.bin or index of shards");
}

StateDict strip_prefixes(const fs::path& file, const StateDict& tensors, WeightsReport& report) {
  StateDict stripped;
  for (const auto& [key, tensor] : tensors) {
    std::string_view name = key;
    for (bool again = true; again;) {
      again = false;
      for (const std::string_view prefix : {"module.", "_orig_mod."}) {
        if (!name.starts_with(prefix)) continue;
        name.remove_prefix(prefix.size());
        again = true;
      }
    }
    const std::string prefix = key.substr(0, key.size() - name.size());
    if (!prefix.empty() && std::ranges::find(report.stripped, prefix) == report.stripped.end()) {
      report.stripped.push_back(prefix);
    }
    if (stripped.contains(name)) {
      fail(file, format("'{}' occurs twice once module. and _orig_mod. are stripped", name));
    }
    stripped.set(std::string(name), tensor);
  }
  return stripped;
}

}  // namespace

StateDict read_weights(const fs::path& path, const WeightsOptions& options, WeightsReport* report) {
  WeightsReport unwanted;
  WeightsReport& filled = report == nullptr ? unwanted : *report;
  filled = {};
  std::error_code ignored;
  const fs::path file = fs::is_directory(path, ignored) ? find_in_folder(path) : path;
  const bool sharded = file.extension() == ".json";
  const StateDict tensors =
      sharded ? read_shards(file, options, filled) : read_file(file, options, filled);
  if (tensors.empty()) fail(file, "no state dict: the file holds no tensor under string keys");
  return strip_prefixes(file, tensors, filled);
}

}  // namespace mentor
