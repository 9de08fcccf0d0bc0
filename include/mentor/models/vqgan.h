#pragma once

#include "mentor/models/model_config.h"
#include "mentor/models/vqgan_quantizer.h"
#include "mentor/nn/layers.h"

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <memory>

namespace mentor {

class CodecEncoder;
class CodecDecoder;

/// What one forward pass of codec training yields.
struct VqganOutput {
  at::Tensor reconstruction_B3HW;
  QuantizerOutput quantizer;
};

/// kOff: the decoder sees the encoder's normalised latent itself, until there is a codebook that
/// fits it.
enum class Quantisation { kOn, kOff };

/// VQGAN image codec of LlamaGen, or the local one of config.layout: pixels in [-1, 1] <-> codes of
/// an f times smaller grid, f = config.downsampling(). Inputs may have any floating dtype; the work
/// is done, and pixels are returned, in the dtype of the weights. Keys: the reference's
/// (vq_ds16_t2i.pt). A file without quantize.codebook_used is complete: the buffer then stays zero.
class VqganImpl : public torch::nn::Module {
 public:
  explicit VqganImpl(const VqganConfig& config);

  /// Pixels -> latent [B, E, h, w] before normalisation. Sides that f does not divide are cut as
  /// the reference's convolutions cut them.
  [[nodiscard]] at::Tensor encode(const at::Tensor& pixels_B3HW) const;
  /// Pixels -> int64 codes [B, h * w] in raster order, without gradients. Throws DataError when
  /// f does not divide both sides: the picture could not come back in its size.
  [[nodiscard]] at::Tensor encode_to_codes(const at::Tensor& pixels_B3HW) const;
  /// Quantised latent [B, E, h, w] -> pixels [B, 3, h * f, w * f], nominally in [-1, 1], not
  /// clamped.
  [[nodiscard]] at::Tensor decode(const at::Tensor& quantised_BEHW) const;
  /// Codes int64 [B, h * w] -> pixels.
  [[nodiscard]] at::Tensor decode_codes(const at::Tensor& codes_BT, int64_t h, int64_t w) const;
  /// Training: pixels -> reconstruction and quantiser losses.
  [[nodiscard]] VqganOutput forward(const at::Tensor& pixels_B3HW,
                                    Quantisation quantisation = Quantisation::kOn);

  [[nodiscard]] const VqganConfig& config() const { return config_; }
  [[nodiscard]] VectorQuantizer quantizer() const { return quantize_; }
  /// Weight of the decoder's last layer: decoder.conv_out.weight.
  [[nodiscard]] at::Tensor last_layer() const;

 private:
  /// As the convolutions want it: dtype and device of the weights, and the faster memory layout.
  [[nodiscard]] at::Tensor prepare(const at::Tensor& x_BCHW) const;

  VqganConfig config_;
  std::shared_ptr<CodecEncoder> encoder_;
  std::shared_ptr<CodecDecoder> decoder_;
  VectorQuantizer quantize_{nullptr};
  Conv2d quant_conv_{nullptr}, post_quant_conv_{nullptr};
};
TORCH_MODULE(Vqgan);

/// Allocates the weights in fp32 and draws them as the reference does: convolutions by torch's
/// default rule, norms 1 and 0, codebook U(-1/N, 1/N) with rows of length 1.
void initialize(Vqgan& codec, uint64_t seed);

/// Rearranges the convolution weights once into channels_last, the layout that every operator
/// of the official codec works in without gradients (the local one: as it is). Call it after
/// loading; results do not change, repeated work does.
void to_inference_layout(Vqgan& codec);

}  // namespace mentor
