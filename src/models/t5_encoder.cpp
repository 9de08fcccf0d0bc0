#include "mentor/models/t5_encoder.h"

#include "mentor/nn/checkpoint.h"
#include "mentor/nn/dropout.h"
#include "mentor/tensor/shape.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

// B batch, S tokens, D width, H heads, K head width, F feed-forward width

namespace mentor {
namespace {

/// softmax(q kᵀ + bias) v without 1/√K, as T5 was trained. q, k, v [B, H, S, K]; bias [1 or B, H,
/// S, S]. On a CPU the fused kernel wins forward but its backward is up to twice as slow as three
/// plain operators, and it has none for the bias.
at::Tensor biased_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& bias, double dropout) {
  const bool recording = at::GradMode::is_enabled() && (q.requires_grad() || bias.requires_grad());
  if (!q.is_cpu() || !recording) {
    return at::scaled_dot_product_attention(q, k, v, bias, dropout, /*is_causal=*/false,
                                            /*scale=*/1.0);
  }
  const at::Tensor scores = at::matmul(q, k.mT()) + bias;
  return at::matmul(drop(at::softmax(scores, -1), dropout, true), v);
}

}  // namespace

int64_t relative_position_bucket(int64_t relative_position, int64_t num_buckets,
                                 int64_t max_distance) {
  const int64_t half = num_buckets / 2;
  const int64_t exact = half / 2;
  const int64_t sign = relative_position > 0 ? half : 0;
  const int64_t distance = std::abs(relative_position);
  if (distance < exact) return sign + distance;
  // In fp32, like the reference: the bucket borders are powers that double precision may miss.
  const float log_ratio =
      std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
      static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact)));
  const auto step = static_cast<int64_t>(log_ratio * static_cast<float>(half - exact));
  return sign + std::min(exact + step, half - 1);
}

class T5BlockImpl : public torch::nn::Module {
 public:
  T5BlockImpl(const T5Config& config, const Embedding& relative_bias)
      : num_heads_(config.num_heads),
        dropout_(config.dropout),
        gelu_(config.activation == "gelu_new" ? "tanh" : "none") {
    torch::nn::ModuleList layer;
    layer->push_back(attention_layer(config, relative_bias));
    layer->push_back(feed_forward_layer(config));
    register_module("layer", layer);
  }

  [[nodiscard]] at::Tensor forward(const at::Tensor& x_BSD, const at::Tensor& bias) const {
    const at::Tensor h_BSD =
        add_dropout(x_BSD, attend(attention_norm_->forward(x_BSD), bias), dropout_, is_training());
    return add_dropout(h_BSD, feed_forward(feed_forward_norm_->forward(h_BSD)), dropout_,
                       is_training());
  }

 private:
  std::shared_ptr<torch::nn::Module> attention_layer(const T5Config& config,
                                                     const Embedding& relative_bias) {
    const int64_t inner = config.num_heads * config.d_kv;
    const auto attention = std::make_shared<torch::nn::Module>("SelfAttention");
    q_ = attention->register_module("q", Linear(config.d_model, inner, false));
    k_ = attention->register_module("k", Linear(config.d_model, inner, false));
    v_ = attention->register_module("v", Linear(config.d_model, inner, false));
    o_ = attention->register_module("o", Linear(inner, config.d_model, false));
    if (relative_bias) attention->register_module("relative_attention_bias", relative_bias);
    auto layer = std::make_shared<torch::nn::Module>("layer.0");
    layer->register_module("SelfAttention", attention);
    attention_norm_ =
        layer->register_module("layer_norm", RmsNorm(config.d_model, config.layer_norm_eps));
    return layer;
  }

  std::shared_ptr<torch::nn::Module> feed_forward_layer(const T5Config& config) {
    const auto dense = std::make_shared<torch::nn::Module>("DenseReluDense");
    gate_ = dense->register_module("wi_0", Linear(config.d_model, config.d_ff, false));
    up_ = dense->register_module("wi_1", Linear(config.d_model, config.d_ff, false));
    down_ = dense->register_module("wo", Linear(config.d_ff, config.d_model, false));
    auto layer = std::make_shared<torch::nn::Module>("layer.1");
    layer->register_module("DenseReluDense", dense);
    feed_forward_norm_ =
        layer->register_module("layer_norm", RmsNorm(config.d_model, config.layer_norm_eps));
    return layer;
  }

  [[nodiscard]] at::Tensor attend(const at::Tensor& x_BSD, const at::Tensor& bias) const {
    const auto heads = [&](const Linear& projection) {
      return projection->forward(x_BSD).unflatten(2, {num_heads_, -1}).transpose(1, 2);
    };
    const at::Tensor mixed_BHSK =
        biased_attention(heads(q_), heads(k_), heads(v_), bias, is_training() ? dropout_ : 0.0);
    return o_->forward(mixed_BHSK.transpose(1, 2).flatten(2));
  }

  [[nodiscard]] at::Tensor feed_forward(const at::Tensor& x_BSD) const {
    const at::Tensor gated_BSF = at::gelu(gate_->forward(x_BSD), gelu_) * up_->forward(x_BSD);
    return down_->forward(drop(gated_BSF, dropout_, is_training()));
  }

  int64_t num_heads_;
  double dropout_;
  std::string gelu_;  // ATen's name of the form: "none" is the erf
  Linear q_{nullptr}, k_{nullptr}, v_{nullptr}, o_{nullptr};
  Linear gate_{nullptr}, up_{nullptr}, down_{nullptr};
  RmsNorm attention_norm_{nullptr}, feed_forward_norm_{nullptr};
};

T5EncoderImpl::T5EncoderImpl(const T5Config& config) : config_(config) {
  shared_ = register_module("shared", Embedding(config.vocab_size, config.d_model));
  relative_bias_ = Embedding(config.num_buckets, config.num_heads);
  torch::nn::ModuleList block;
  for (int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.emplace_back(config, i == 0 ? relative_bias_ : Embedding{nullptr});
    block->push_back(blocks_.back());
  }
  const auto encoder = std::make_shared<torch::nn::Module>("encoder");
  encoder->register_module("embed_tokens", shared_);
  encoder->register_module("block", block);
  final_norm_ =
      encoder->register_module("final_layer_norm", RmsNorm(config.d_model, config.layer_norm_eps));
  register_module("encoder", encoder);
}

at::Tensor T5EncoderImpl::embed(const at::Tensor& ids_BS) const { return shared_->forward(ids_BS); }

at::Tensor T5EncoderImpl::attention_bias(int64_t length, at::IntArrayRef lengths) const {
  // The bias depends on key - query only: one row of 2 S - 1 values per head, of which query i
  // sees the window that starts at S - 1 - i.
  std::vector<int64_t> buckets;
  for (int64_t distance = 1 - length; distance < length; ++distance) {
    buckets.push_back(
        relative_position_bucket(distance, config_.num_buckets, config_.max_distance));
  }
  const at::Tensor& weight = relative_bias_->weight;
  const at::Tensor by_distance = relative_bias_->forward(at::tensor(buckets).to(weight.device()));
  const at::Tensor bias_1HSS =
      by_distance.t().contiguous().unfold(1, length, 1).flip(1).unsqueeze(0);
  const auto is_full = [&](int64_t valid) { return valid == length; };
  if (std::all_of(lengths.begin(), lengths.end(), is_full)) return bias_1HSS;

  const at::Tensor valid_B111 = at::tensor(lengths).view({-1, 1, 1, 1});
  const at::Tensor is_padding_B11S = at::arange(length).ge(valid_B111).to(weight.device());
  return bias_1HSS.masked_fill(is_padding_B11S, -std::numeric_limits<double>::infinity());
}

at::Tensor T5EncoderImpl::forward(const at::Tensor& embeddings_BSD, at::IntArrayRef lengths) const {
  check_shape(embeddings_BSD, {-1, -1, config_.d_model}, "embeddings_BSD");
  const int64_t length = embeddings_BSD.size(1);
  TORCH_CHECK(lengths.empty() || static_cast<int64_t>(lengths.size()) == embeddings_BSD.size(0),
              lengths.size(), " lengths for ", embeddings_BSD.size(0), " rows");
  for (const int64_t valid : lengths) {
    TORCH_CHECK(valid >= 1 && valid <= length, "length ", valid, " of a row of ", length,
                " tokens");
  }
  const at::Tensor bias = attention_bias(length, lengths);
  at::Tensor x_BSD = drop(embeddings_BSD.to(at::kFloat), config_.dropout, is_training());
  for (const T5Block& block : blocks_) {
    const auto run = [block](const std::vector<at::Tensor>& inputs) {
      return block->forward(inputs[0], inputs[1]);
    };
    x_BSD = checkpoints_ ? checkpoint(run, {x_BSD, bias}) : run({x_BSD, bias});
  }
  return drop(final_norm_->forward(x_BSD), config_.dropout, is_training());
}

}  // namespace mentor
