#include "mentor/models/flops.h"

#include <cstddef>

namespace mentor {
namespace {

constexpr int64_t kColors = 3;

/// A linear layer over `rows` rows; a convolution over as many output positions.
double linear(int64_t rows, int64_t in, int64_t out) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
}

/// Queries with keys and probabilities with values, every row with every row.
double attention(int64_t rows, int64_t width) { return 2 * linear(rows, width, rows); }

double clip_flops(const ClipConfig& clip) {
  const int64_t width = clip.hidden_size, rows = clip.num_patches() + 1;
  const double layer =
      linear(rows, width, 4 * width + 2 * clip.intermediate_size) + attention(rows, width);
  return linear(clip.num_patches(), kColors * clip.patch_size * clip.patch_size, width) +
         static_cast<double>(clip.num_layers_run()) * layer;
}

double projector_flops(const ModelConfig& config) {
  const int64_t rows = config.clip.num_patches(), width = config.t5.d_model;
  const double first = linear(rows, config.clip.hidden_size, width);
  if (config.projector == "linear") return first;
  const int64_t layers = config.projector == "mlp3x_gelu" ? 3 : 2;
  return first + static_cast<double>(layers - 1) * linear(rows, width, width);
}

double t5_flops(const T5Config& t5, int64_t rows) {
  const int64_t inner = t5.num_heads * t5.d_kv;
  const double layer = linear(rows, t5.d_model, 4 * inner + 3 * t5.d_ff) + attention(rows, inner);
  return static_cast<double>(t5.num_layers) * layer;
}

double blocks_flops(const LlamaGenConfig& decoder, int64_t rows) {
  const double layer = linear(rows, decoder.dim, 4 * decoder.dim + 3 * decoder.ffn_hidden()) +
                       attention(rows, decoder.dim) / 2;
  return static_cast<double>(decoder.num_layers) * layer;
}

double res_block_flops(int64_t positions, int64_t in, int64_t out) {
  const double shortcut = in == out ? 0 : linear(positions, in, out);
  return linear(positions, 9 * in, out) + linear(positions, 9 * out, out) + shortcut;
}

/// One head over all positions; q, k, v and the projection behind them are 1 x 1 convolutions.
double attention_block_flops(int64_t positions, int64_t channels) {
  return linear(positions, channels, 4 * channels) + attention(positions, channels);
}

/// Features of the encoder to codes.
double quantiser_flops(const VqganConfig& codec, int64_t positions) {
  return linear(positions, codec.z_channels, codec.codebook_dim) +
         linear(positions, codec.codebook_dim, codec.codebook_size);
}

/// Pixels to codes, layout: local.
double local_codec_flops(const VqganConfig& codec, int64_t image_size) {
  const int64_t patch = codec.patch_size, side = image_size / patch, positions = side * side;
  const double block = 2 * linear(positions, codec.ch, 2 * codec.ch);
  return linear(positions, kColors * patch * patch, codec.ch) +
         static_cast<double>(codec.num_res_blocks + 1) * block +
         linear(positions, codec.ch, codec.z_channels) + quantiser_flops(codec, positions);
}

/// Pixels to codes.
double codec_flops(const VqganConfig& codec, int64_t image_size) {
  if (codec.local()) return local_codec_flops(codec, image_size);
  int64_t positions = image_size * image_size, channels = codec.ch;
  double sum = linear(positions, 9 * kColors, channels);
  for (size_t level = 0; level < codec.ch_mult.size(); ++level) {
    const bool deepest = level + 1 == codec.ch_mult.size();
    const int64_t out = codec.ch * codec.ch_mult[level];
    for (int64_t block = 0; block < codec.num_res_blocks; ++block) {
      sum += res_block_flops(positions, channels, out);
      if (deepest) sum += attention_block_flops(positions, out);
      channels = out;
    }
    if (deepest) break;
    positions /= 4;
    sum += linear(positions, 9 * out, out);
  }
  sum += 2 * res_block_flops(positions, channels, channels) +
         attention_block_flops(positions, channels);
  return sum + linear(positions, 9 * channels, codec.z_channels) +
         quantiser_flops(codec, positions);
}

}  // namespace

ForwardFlops forward_flops(const ModelConfig& config, const SampleShape& shape) {
  const LlamaGenConfig& decoder = config.decoder;
  const int64_t rows = shape.prompt_tokens + decoder.image_len() - 1;
  ForwardFlops flops{.blocks = blocks_flops(decoder, rows),
                     .head = linear(decoder.image_len(), decoder.dim, decoder.vocab_size)};
  if (!shape.has_cached_codes) flops.codec = codec_flops(config.codec, config.image_size);
  if (decoder.class_conditional()) return flops;
  flops.condition = linear(shape.prompt_tokens, decoder.cond_dim + decoder.dim, decoder.dim);
  if (shape.drops_condition) return flops;
  const auto pictures = static_cast<double>(shape.pictures);
  flops.clip = pictures * clip_flops(config.clip);
  flops.projector = pictures * projector_flops(config);
  flops.t5 = t5_flops(config.t5, shape.prompt_tokens);
  return flops;
}

double backward_flops(const ForwardFlops& forward, const TrainedParts& trained) {
  // A trained T5 trains its embeddings and trained blocks those of the codes: there the first
  // layer's input wants its gradient too.
  const struct {
    double forward;
    bool is_trained, has_embeddings;
  } parts[] = {{forward.projector, trained.projector, false},
               {forward.t5, trained.t5, true},
               {forward.condition, trained.condition, false},
               {forward.blocks, trained.blocks, true},
               {forward.head, trained.head, false}};
  double sum = 0;
  bool trained_before = false;
  for (const auto& part : parts) {
    const bool wants_input = trained_before || (part.has_embeddings && part.is_trained);
    sum += part.forward * ((part.is_trained ? 1 : 0) + (wants_input ? 1 : 0));
    trained_before = trained_before || (part.is_trained && part.forward > 0);
  }
  return sum;
}

}  // namespace mentor
