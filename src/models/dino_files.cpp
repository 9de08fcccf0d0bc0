#include "embedder_weights.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/models/dino.h"
#include "mentor/tensor/weights_file.h"

#include <ATen/ATen.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace mentor {
namespace {

constexpr const char* kPublishedDino = "dino_vits8 (dino_deitsmall8_pretrain.pth)";

/// Starts of the 2021 names outside the blocks, and of HF's.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kStarts = {
    {{"cls_token", "embeddings.cls_token"},
     {"pos_embed", "embeddings.position_embeddings"},
     {"patch_embed.proj.", "embeddings.patch_embeddings.projection."},
     {"norm.", "layernorm."}}};

/// Hugging Face's name of a tensor; one that is not DINO's keeps its own.
std::string renamed(std::string key) {
  constexpr std::string_view kBlocks = "blocks.", kProjection = "attn.proj.";
  for (const auto& [old, ours] : kStarts) {
    if (key.starts_with(old)) return std::string(ours) + key.substr(old.size());
  }
  if (!key.starts_with(kBlocks)) return key;
  key.replace(0, kBlocks.size(), "encoder.layer.");
  if (const size_t place = key.find(kProjection); place != std::string::npos) {
    key.replace(place, kProjection.size(), "attention.output.dense.");
  }
  return key;
}

/// The tensors under Hugging Face's names; the rows of queries, keys and values apart.
StateDict renamed(const StateDict& published) {
  constexpr std::string_view kFused = "attn.qkv.";
  StateDict weights;
  for (const auto& [key, tensor] : published) {
    const std::string name = renamed(key);
    const size_t place = name.find(kFused);
    if (place == std::string::npos || tensor.size(0) % 3 != 0) {
      weights.set(name, tensor);
      continue;
    }
    const int64_t width = tensor.size(0) / 3;
    int64_t begin = 0;
    for (const char* part : {"query.", "key.", "value."}) {
      std::string own = name;
      own.replace(place, kFused.size(), std::string("attention.attention.") + part);
      weights.set(own, tensor.slice(0, begin, begin + width));
      begin += width;
    }
  }
  return weights;
}

/// A tensor with so many dimensions, which the sizes of the model are read off.
const at::Tensor& telling(const StateDict& weights, const std::string& key, int64_t dimensions,
                          const fs::path& file) {
  const at::Tensor* tensor = weights.find(key);
  if (tensor != nullptr && tensor->dim() == dimensions) return *tensor;
  throw WeightsError(format("{}: {} {}: name the file of {}", file, key,
                            tensor == nullptr ? "is missing" : "has another number of dimensions",
                            kPublishedDino));
}

int64_t count_blocks(const StateDict& weights) {
  int64_t blocks = 0;
  while (weights.contains(format("blocks.{}.norm1.weight", blocks))) ++blocks;
  return blocks;
}

DinoConfig config_of(const StateDict& weights, const fs::path& file) {
  constexpr int64_t kHeadDim = 64;  // of every published DINO
  const at::Tensor& patches = telling(weights, "patch_embed.proj.weight", 4, file);
  const int64_t width = patches.size(0), patch = patches.size(2);
  const int64_t tokens = telling(weights, "pos_embed", 3, file).size(1);
  if (width % kHeadDim != 0) {
    throw WeightsError(format("{}: a width of {} is not made of heads of {}: name the file of {}",
                              file, width, kHeadDim, kPublishedDino));
  }
  const int64_t side = kDinoSide / patch;
  if (side == 0 || 1 + side * side != tokens) {
    throw WeightsError(
        format("{}: pos_embed has {} tokens, but {} px in patches of {} make {}: "
               "name the file of {}",
               file, tokens, kDinoSide, patch, 1 + side * side, kPublishedDino));
  }
  return {.hidden_size = width,
          .intermediate_size = telling(weights, "blocks.0.mlp.fc1.weight", 2, file).size(0),
          .num_layers = count_blocks(weights),
          .num_heads = width / kHeadDim,
          .patch_size = patch,
          .table_side = side,
          .layer_norm_eps = 1e-6,
          .layer_scale = false};
}

}  // namespace

Dino load_dino(const fs::path& file, at::ScalarType dtype, at::Device device,
               WeightsReport* report) {
  const StateDict published = read_weights(file, {}, report);
  Dino dino(config_of(published, file));
  fill_embedder(*dino, renamed(published),
                {.path = file, .published = kPublishedDino, .dtype = dtype, .device = device});
  return dino;
}

Dino load_dinov2(const fs::path& folder, at::ScalarType dtype, at::Device device,
                 WeightsReport* report) {
  Dino dino(read_dinov2_config(folder));
  fill_embedder(
      *dino, read_weights(folder, {}, report),
      {.path = folder, .published = "facebook/dinov2-small", .dtype = dtype, .device = device});
  return dino;
}

}  // namespace mentor
