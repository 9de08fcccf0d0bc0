#include "mentor/models/vqgan.h"

#include "local_coder.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/random.h"
#include "mentor/nn/parameters.h"
#include "mentor/tensor/shape.h"
#include "vqgan_coder.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

namespace mentor {
VqganImpl::VqganImpl(const VqganConfig& config) : config_(config) {
  if (config.local()) {
    encoder_ = std::make_shared<LocalEncoder>(config);
    decoder_ = std::make_shared<LocalDecoder>(config);
  } else {
    encoder_ = std::make_shared<VqganEncoder>(config);
    decoder_ = std::make_shared<VqganDecoder>(config);
  }
  register_module("encoder", encoder_);
  register_module("decoder", decoder_);
  quantize_ = register_module("quantize", VectorQuantizer(config));
  quant_conv_ =
      register_module("quant_conv", Conv2d(config.z_channels, config.codebook_dim, kPointwise));
  post_quant_conv_ = register_module("post_quant_conv",
                                     Conv2d(config.codebook_dim, config.z_channels, kPointwise));
}

at::Tensor VqganImpl::prepare(const at::Tensor& x_BCHW) const {
  // On the CPU channels_last makes backward passes slower by 1.5 to 2, and the forward pass of
  // the narrow local codec too.
  const at::Tensor& weight = quant_conv_->weight;
  const bool rows_first = weight.is_cpu() && (at::GradMode::is_enabled() || config_.local());
  return x_BCHW.to(weight.device(), weight.scalar_type())
      .contiguous(rows_first ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast);
}

at::Tensor VqganImpl::encode(const at::Tensor& pixels_B3HW) const {
  check_shape(pixels_B3HW, {-1, 3, -1, -1}, "pixels_B3HW");
  return quant_conv_->forward(encoder_->forward(prepare(pixels_B3HW)));
}

at::Tensor VqganImpl::encode_to_codes(const at::Tensor& pixels_B3HW) const {
  check_shape(pixels_B3HW, {-1, 3, -1, -1}, "pixels_B3HW");
  const int64_t height = pixels_B3HW.size(2), width = pixels_B3HW.size(3);
  const int64_t factor = config_.downsampling();
  if (height % factor != 0 || width % factor != 0 || height == 0 || width == 0) {
    throw DataError(
        format("cannot encode a picture of {} x {} pixels (width x height): the codec "
               "needs multiples of {}; crop or resize it",
               width, height, factor));
  }
  const at::NoGradGuard no_grad;
  return quantize_->codes(encode(pixels_B3HW));
}

at::Tensor VqganImpl::decode(const at::Tensor& quantised_BEHW) const {
  check_shape(quantised_BEHW, {-1, config_.codebook_dim, -1, -1}, "quantised_BEHW");
  return decoder_->forward(post_quant_conv_->forward(prepare(quantised_BEHW)));
}

at::Tensor VqganImpl::decode_codes(const at::Tensor& codes_BT, int64_t h, int64_t w) const {
  return decode(quantize_->lookup(codes_BT, h, w));
}

VqganOutput VqganImpl::forward(const at::Tensor& pixels_B3HW, Quantisation quantisation) {
  VqganOutput output;
  const at::Tensor latent_BEHW = encode(pixels_B3HW);
  output.quantizer = quantisation == Quantisation::kOn ? quantize_->forward(latent_BEHW)
                                                       : quantize_->pass(latent_BEHW);
  output.reconstruction_B3HW = decode(output.quantizer.quantised_BEHW);
  return output;
}

at::Tensor VqganImpl::last_layer() const { return decoder_->named_parameters()["conv_out.weight"]; }

void initialize(Vqgan& codec, uint64_t seed) {
  const at::NoGradGuard no_grad;
  materialize(*codec, at::kFloat);
  for (at::Tensor& buffer : codec->buffers()) buffer.zero_();
  const auto parameters = codec->named_parameters();
  for (const auto& item : parameters) {
    at::Tensor tensor = item.value();
    const auto generator =
        at::make_generator<at::CPUGeneratorImpl>(stream_seed(seed, "vqgan." + item.key()));
    if (tensor.dim() == 2) {
      const double bound = 1.0 / static_cast<double>(tensor.size(0));
      tensor.uniform_(-bound, bound, generator);
      tensor.div_(tensor.norm(2, {1}, /*keepdim=*/true));
      continue;
    }
    const bool is_bias = item.key().ends_with("bias");
    const at::Tensor weight =
        is_bias ? parameters[item.key().substr(0, item.key().size() - 4) + "weight"] : tensor;
    if (weight.dim() == 1) {  // a norm
      tensor.fill_(is_bias ? 0.0 : 1.0);
    } else {  // torch's default: kaiming_uniform(a = sqrt(5)) is U(-1/sqrt(fan_in), 1/sqrt(fan_in))
      const double bound = 1.0 / std::sqrt(static_cast<double>(weight[0].numel()));
      tensor.uniform_(-bound, bound, generator);
    }
  }
}

void to_inference_layout(Vqgan& codec) {
  if (codec->config().local()) return;
  const at::NoGradGuard no_grad;
  for (at::Tensor& parameter : codec->parameters()) {
    if (parameter.dim() != 4) continue;
    assign(parameter, parameter.detach().contiguous(at::MemoryFormat::ChannelsLast));
  }
}

}  // namespace mentor
