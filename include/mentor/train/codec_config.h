#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <filesystem>

namespace mentor {

/// What the codec is trained with beside optimizer and schedule. Defaults: LlamaGen (training.md
/// section 9); the weights of the commitment and entropy losses are model.codec's, learning rate
/// and betas of the discriminator the codec's.
struct CodecTrainConfig {
  double l1_weight = 0;
  double l2_weight = 1;
  double perceptual_weight = 1;
  std::filesystem::path lpips_vgg;
  std::filesystem::path lpips_lin;
  double adversarial_weight = 0.5;
  bool adaptive_weight = false;
  int64_t adversarial_start = 20000;
  int64_t discriminator_ch = 64;
  int64_t discriminator_layers = 3;
  int64_t unquantised_steps = 0;
  double codebook_noise = 0.01;
  int64_t revive_every = 0;
  double revive_until = 0.7;
  double crop_min = 0.8;
  double flip_rate = 0.5;

  [[nodiscard]] bool perceptual() const { return perceptual_weight > 0; }
  [[nodiscard]] bool adversarial() const { return adversarial_weight > 0; }

  template <class Visitor>
  void fields(Visitor& v) {
    v("l1_weight", l1_weight, "of the mean absolute difference of pixels (in [-1, 1])",
      bound::non_negative());
    v("l2_weight", l2_weight, "of the mean squared difference of pixels", bound::non_negative());
    v("perceptual_weight", perceptual_weight, "of LPIPS; 0: without it", bound::non_negative());
    v("lpips_vgg", lpips_vgg,
      "for LPIPS: torchvision's vgg16 (vgg16-397923af.pth, or its tensors as .safetensors)");
    v("lpips_lin", lpips_lin, "for LPIPS: its linear layers (vgg.pth, or as .safetensors)");
    v("adversarial_weight", adversarial_weight,
      "of what the discriminator says, in both losses; 0: without a discriminator",
      bound::non_negative());
    v("adaptive_weight", adaptive_weight,
      "scale the adversarial loss so that its gradient at the decoder's last layer is as large as "
      "that of the other losses");
    v("adversarial_start", adversarial_start,
      "steps before the adversarial loss and the discriminator begin (fine-tuning: 0)",
      bound::non_negative());
    v("discriminator_ch", discriminator_ch, "channels of its first layer", bound::count());
    v("discriminator_layers", discriminator_layers, "its layers with a norm", bound::between(1, 8));
    v("unquantised_steps", unquantised_steps,
      "steps at the start that train without quantisation; the codebook is then drawn from the "
      "encoder's outputs. 0: quantise from the start",
      bound::non_negative());
    v("codebook_noise", codebook_noise,
      "standard deviation of what is added to an output that becomes a code",
      bound::non_negative());
    v("revive_every", revive_every,
      "steps after which codes that no picture used become outputs of the encoder; 0: never",
      bound::non_negative());
    v("revive_until", revive_until, "share of the run after which codes are left alone",
      bound::between(0, 1));
    v("crop_min", crop_min,
      "a picture is a random square of this share of its shorter side or more; 1: what the task of "
      "its record makes of it",
      bound::between(0.05, 1));
    v("flip_rate", flip_rate, "share of pictures that are mirrored", bound::between(0, 1));
  }
};

}  // namespace mentor
