#include "mentor/app/weights_tools.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/core/progress.h"
#include "mentor/models/published_files.h"
#include "mentor/tensor/dtype.h"
#include "mentor/tensor/mapped_file.h"
#include "mentor/tensor/safetensors.h"
#include "mentor/tensor/torch_archive.h"
#include "mentor/tensor/weights_file.h"
#include "mentor/train/checkpoint_folder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace mentor {
namespace {

const std::map<std::string, std::vector<Part>> kPartChoices = {
    {"encoder", {Part::kT5, Part::kClip, Part::kProjector}},
    {"decoder", {Part::kDecoder}},
    {"t5", {Part::kT5}},
    {"clip", {Part::kClip}},
    {"projector", {Part::kProjector}},
    {"codec", {Part::kCodec}},
};

struct Output {
  fs::path file;
  bool is_torch;
  bool is_folder;  // Hugging Face's file name in a folder of its own
};

Output choose_output(const WeightsConvertOptions& options) {
  const std::string extension = options.out.extension().string();
  const bool is_folder = extension.empty();
  const bool torch_name = extension == ".pt" || extension == ".pth" || extension == ".bin";
  if (options.container == "auto" && !is_folder && !torch_name && extension != ".safetensors") {
    throw ConfigError(
        format("{}: the name does not say which container: end it with .safetensors or .pt, give a "
               "folder, or add --to",
               options.out));
  }
  const bool is_torch = options.container == "auto" ? torch_name : options.container == "pt";
  if (!is_folder) return {options.out, is_torch, false};
  return {options.out / (is_torch ? "pytorch_model.bin" : "model.safetensors"), is_torch, true};
}

/// Hugging Face has no file for a decoder, LlamaGen none for an encoder: such a file could be read
/// by nobody.
void check_layout(const WeightsConvertOptions& options, const std::vector<Part>& parts) {
  const bool hf = options.layout == "hf";
  if (!hf && options.layout != "llamagen") return;
  const bool fits =
      parts.size() == 1 && hf != (parts.front() == Part::kDecoder || parts.front() == Part::kCodec);
  if (fits) return;
  throw ConfigError(format("--layout {}: give --part {}", options.layout,
                           hf ? "t5, clip or projector" : "decoder or codec"));
}

/// The tensors to write under the keys they get, still in their dtype.
StateDict select(const PublishedFile& file, const WeightsConvertOptions& options) {
  const auto choice = kPartChoices.find(options.part);
  std::vector<Part> parts(kAllParts.begin(), kAllParts.end());
  if (choice != kPartChoices.end()) parts = choice->second;
  check_layout(options, parts);
  const KeyLayout layout = options.layout == "hf" ? KeyLayout::kHuggingFace : KeyLayout::kMentor;
  StateDict selected;
  for (const auto& [name, tensor] : file.tensors) {
    if (std::ranges::find(parts, part_of(name)) == parts.end()) continue;
    selected.set(file_key(name, layout), tensor);
  }
  if (!selected.empty()) return selected;
  throw WeightsError(format("{}: holds nothing of --part {}: by its keys it is a file of kind '{}'",
                            options.in, options.part, describe(file.kind)));
}

void log_left_out(const fs::path& in, const PublishedFile& file) {
  for (const KeyGroup& group : file.ignored) {
    log::info("{}: {} tensors left out: {} ({}, ...)", in, group.keys.size(), group.reason,
              group.keys.front());
  }
  if (!file.unexpected.empty()) {
    log::warn("{}: {} tensors left out, nothing of ours has them: {}, ...", in,
              file.unexpected.size(), file.unexpected.front());
  }
}

/// A tensor that is listed under two keys, once: safetensors would store it twice.
StateDict without_aliases(const StateDict& tensors) {
  using View = std::tuple<const void*, std::vector<int64_t>, std::vector<int64_t>>;
  std::map<View, std::string> seen;
  StateDict distinct;
  for (const auto& [key, tensor] : tensors) {
    const View view = {tensor.const_data_ptr(), tensor.sizes().vec(), tensor.strides().vec()};
    const auto [first, is_new] = seen.emplace(view, key);
    if (is_new || tensor.numel() == 0) {
      distinct.set(key, tensor);
    } else {
      log::info("{} is the same tensor as {} and is written once", key, first->second);
    }
  }
  return distinct;
}

/// The reference reads its files strictly: both names of T5's embedding must be there.
void restore_alias(StateDict& tensors) {
  for (const std::string prefix : {"", "multimodal_encoder.language_model."}) {
    const at::Tensor* shared = tensors.find(prefix + "shared.weight");
    const std::string alias = prefix + "encoder.embed_tokens.weight";
    if (shared != nullptr && !tensors.contains(alias)) tensors.set(alias, at::Tensor(*shared));
  }
}

class DtypeChange {
 public:
  explicit DtypeChange(const std::string& name) {
    if (name != "keep") dtype_ = parse_dtype(name);
  }
  [[nodiscard]] at::ScalarType operator()(at::ScalarType from) const {
    return dtype_ && at::isFloatingType(from) ? *dtype_ : from;
  }

 private:
  std::optional<at::ScalarType> dtype_;
};

void write_safetensors_streaming(const fs::path& file, const StateDict& tensors,
                                 const DtypeChange& change) {
  std::vector<TensorSpec> specs;
  for (const auto& [key, tensor] : tensors) {
    specs.push_back({key, change(tensor.scalar_type()), tensor.sizes().vec()});
  }
  Progress progress(
      {.what = "convert", .unit = "tensors", .total = static_cast<int64_t>(specs.size())});
  const at::Tensor* previous = nullptr;
  const auto convert = [&](const TensorSpec& spec) {
    throw_if_interrupted();
    progress.advance();
    if (previous != nullptr) drop_mapped_pages(*previous);
    previous = tensors.find(spec.key);
    return previous->to(spec.dtype);
  };
  write_safetensors(file, specs, convert, {{"format", "pt"}});
}

void write_torch(const fs::path& file, const StateDict& tensors, const DtypeChange& change) {
  std::map<const void*, at::Tensor> converted;  // by storage: aliases stay aliases
  StateDict result;
  Progress progress(
      {.what = "convert", .unit = "tensors", .total = static_cast<int64_t>(tensors.size())});
  for (const auto& [key, tensor] : tensors) {
    throw_if_interrupted();
    progress.advance();
    const at::ScalarType dtype = change(tensor.scalar_type());
    if (dtype == tensor.scalar_type()) {
      result.set(key, tensor);
      continue;
    }
    at::Tensor& value = converted[tensor.const_data_ptr()];
    if (!value.defined() || value.sizes() != tensor.sizes()) value = tensor.to(dtype);
    drop_mapped_pages(tensor);
    result.set(key, value);
  }
  save_torch_archive(file, result);
}

StateDict read_input(const WeightsConvertOptions& options) {
  const std::optional<fs::path> checkpoint = find_checkpoint(options.in);
  if (options.averaged) {
    if (checkpoint) return read_averaged_weights(*checkpoint);
    throw ConfigError(format("--averaged: {} is no checkpoint of a training run", options.in));
  }
  return read_weights(checkpoint ? *checkpoint / "model.safetensors" : options.in);
}

}  // namespace

void convert_weights(const WeightsConvertOptions& options) {
  const Output output = choose_output(options);
  const StateDict weights = read_input(options);
  const PublishedFile file = recognise_file(weights);
  StateDict selected = weights;
  if (file.kind == FileKind::kUnknown && options.part == "all" && options.layout == "mentor") {
    log::warn("{}: none of the known files; all {} keys stay as they are", options.in,
              weights.size());
  } else {
    selected = select(file, options);
    log_left_out(options.in, file);
  }
  const DtypeChange change(options.dtype);
  if (output.is_torch) {
    restore_alias(selected);
    write_torch(output.file, selected, change);
  } else {
    selected = without_aliases(selected);
    write_safetensors_streaming(output.file, selected, change);
  }
  const fs::path config = options.in / "config.json";
  std::error_code ignored;
  if (output.is_folder && fs::exists(config, ignored)) {
    write_text(options.out / "config.json", read_text(config));
  }
  log::info("{}: {} tensors", output.file, selected.size());
}

}  // namespace mentor
