#include "mentor/train/codec_loss.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

namespace mentor {
namespace {

/// Within its life operations see the module's parameters as constants.
class Frozen {
 public:
  explicit Frozen(torch::nn::Module& module) {
    for (at::Tensor& parameter : module.parameters()) {
      if (!parameter.requires_grad()) continue;
      parameter.requires_grad_(false);
      parameters_.push_back(parameter);
    }
  }
  ~Frozen() {
    for (at::Tensor& parameter : parameters_) parameter.requires_grad_(true);
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  std::vector<at::Tensor> parameters_;
};

at::Tensor gradient_norm(const at::Tensor& loss, const at::Tensor& weight) {
  return torch::autograd::grad({loss}, {weight}, /*grad_outputs=*/{}, /*retain_graph=*/true)
      .front()
      .to(at::kFloat)
      .norm();
}

/// |d others / d W| / |d adversarial / d W|, W the decoder's last layer.
at::Tensor adaptive_weight(const at::Tensor& others, const at::Tensor& adversarial,
                           const at::Tensor& last_layer) {
  const at::Tensor ratio =
      gradient_norm(others, last_layer) / (gradient_norm(adversarial, last_layer) + 1e-4);
  return ratio.clamp(0, 1e4);
}

/// Linear beyond the margin: 0 once real pictures reach 1 and reconstructions -1.
at::Tensor hinge(const at::Tensor& real_logits, const at::Tensor& fake_logits) {
  return 0.5 * (at::relu(1 - real_logits).mean() + at::relu(1 + fake_logits).mean());
}

void add_adversarial(CodecLosses& losses, CodecModels& models, const at::Tensor& pixels_B3HW,
                     const at::Tensor& reconstruction_B3HW, const CodecTrainConfig& config) {
  {
    const Frozen frozen(*models.discriminator);
    losses.adversarial = -models.discriminator->forward(reconstruction_B3HW).mean();
  }
  if (config.adaptive_weight && at::GradMode::is_enabled()) {
    losses.adaptive_weight =
        adaptive_weight(losses.generator, losses.adversarial, models.codec->last_layer());
  }
  losses.generator =
      losses.generator + config.adversarial_weight * losses.adaptive_weight * losses.adversarial;
  const at::Tensor real = models.discriminator->forward(pixels_B3HW);
  const at::Tensor fake = models.discriminator->forward(reconstruction_B3HW.detach());
  losses.discriminator = config.adversarial_weight * hinge(real, fake);
  losses.real_logit = real.detach().mean();
  losses.fake_logit = fake.detach().mean();
}

}  // namespace

CodecLosses codec_losses(CodecModels& models, const at::Tensor& pixels_B3HW, int64_t step,
                         const CodecTrainConfig& config) {
  CodecLosses losses;
  losses.output = models.codec->forward(
      pixels_B3HW, step < config.unquantised_steps ? Quantisation::kOff : Quantisation::kOn);
  const at::Tensor reconstruction_B3HW = losses.output.reconstruction_B3HW.to(at::kFloat);
  const at::Tensor target_B3HW = pixels_B3HW.to(reconstruction_B3HW.options());
  const at::Tensor zero = at::zeros({}, reconstruction_B3HW.options());

  const at::Tensor difference = reconstruction_B3HW - target_B3HW;
  losses.l1 = config.l1_weight > 0 ? difference.abs().mean() : zero;
  losses.l2 = config.l2_weight > 0 ? difference.square().mean() : zero;
  losses.perceptual =
      config.perceptual() ? models.lpips->forward(target_B3HW, reconstruction_B3HW).mean() : zero;
  losses.generator = config.l1_weight * losses.l1 + config.l2_weight * losses.l2 +
                     config.perceptual_weight * losses.perceptual;
  losses.adversarial = losses.discriminator = losses.real_logit = losses.fake_logit = zero;
  losses.adaptive_weight = at::ones_like(zero);
  // The reference compares steps that count from 1.
  if (config.adversarial() && step + 1 >= config.adversarial_start) {
    add_adversarial(losses, models, target_B3HW, reconstruction_B3HW, config);
  }
  const QuantizerOutput& quantizer = losses.output.quantizer;
  losses.generator =
      losses.generator + quantizer.codebook_loss + quantizer.commit_loss + quantizer.entropy_loss;
  return losses;
}

}  // namespace mentor
