#pragma once

#include "mentor/models/embedder_config.h"
#include "mentor/models/vit_layer.h"
#include "mentor/tensor/weights_file.h"

#include <cstdint>
#include <vector>

namespace mentor {

/// The side of the pictures that DINO embeds, in pixels.
inline constexpr int64_t kDinoSide = 224;

/// Vision transformer of DINO (arXiv 2104.14294) and DINOv2 (arXiv 2304.07193). Its names are those
/// of HF Dinov2Model; load_dino() renames what the 2021 files call otherwise.
class DinoImpl : public torch::nn::Module {
 public:
  explicit DinoImpl(const DinoConfig& config);

  /// dino_pixels() of pictures [N, 3, S, S] -> class token behind the last norm [N, H], no
  /// gradient. Positions are interpolated where pictures have another number of patches.
  [[nodiscard]] at::Tensor embed_pictures(const at::Tensor& pixels_NCHW) const;

  [[nodiscard]] const DinoConfig& config() const { return config_; }

 private:
  [[nodiscard]] at::Tensor positions(int64_t rows, int64_t columns) const;

  DinoConfig config_;
  at::Tensor class_token_, position_embeddings_;  // [1, 1, H], [1, 1 + P, H]
  Conv2d patch_embedding_{nullptr};
  LayerNorm norm_{nullptr};
  std::vector<VitLayer> layers_;
};
TORCH_MODULE(Dino);

/// DINO's own file, dino_deitsmall8_pretrain.pth or its like: sizes are read off the tensors, 64
/// numbers a head; `report` gets what was read. WeightsError: a file of another kind, or positions
/// of other pictures than 224 px.
[[nodiscard]] Dino load_dino(const fs::path& file, at::ScalarType dtype, at::Device device,
                             WeightsReport* report = nullptr);

/// A Hugging Face folder of DINOv2: config.json and model.safetensors or pytorch_model.bin.
[[nodiscard]] Dino load_dinov2(const fs::path& folder, at::ScalarType dtype, at::Device device,
                               WeightsReport* report = nullptr);

}  // namespace mentor
