#pragma once

#include "mentor/models/lpips.h"
#include "mentor/models/patch_discriminator.h"
#include "mentor/models/vqgan.h"
#include "mentor/train/codec_config.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace mentor {

/// What a codec is trained with. The holders of losses that are off may be empty.
struct CodecModels {
  Vqgan codec{nullptr};
  PatchDiscriminator discriminator{nullptr};
  Lpips lpips{nullptr};
};

/// The losses of a batch: fp32 scalars on the device. A term that is off, or that has not begun,
/// is 0 without a graph. All but the two sums are unweighted, for the log.
struct CodecLosses {
  at::Tensor generator;      // the sum that trains the codec
  at::Tensor discriminator;  // the sum that trains the discriminator

  at::Tensor l1, l2;
  at::Tensor perceptual;              // mean LPIPS
  at::Tensor adversarial;             // -mean(D(reconstruction))
  at::Tensor adaptive_weight;         // its factor; 1 unless configured
  at::Tensor real_logit, fake_logit;  // means of D(picture) and D(reconstruction)

  VqganOutput output;
};

/// One forward pass of codec training. `step` counts from 0. backward() of generator +
/// discriminator gives both models the gradients that the reference's two passes give, which
/// updates the codec first but shows the discriminator the same reconstruction: the adversarial
/// term sees the discriminator's weights as constants, the discriminator the reconstruction as one.
[[nodiscard]] CodecLosses codec_losses(CodecModels& models, const at::Tensor& pixels_B3HW,
                                       int64_t step, const CodecTrainConfig& config);

}  // namespace mentor
