#include "mentor/models/llamagen.h"

#include "mentor/models/initialization.h"
#include "mentor/nn/checkpoint.h"
#include "mentor/nn/dropout.h"
#include "mentor/nn/gated.h"
#include "mentor/nn/parameters.h"
#include "mentor/nn/state.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <cmath>
#include <numeric>

namespace mentor {
namespace {

/// Rows of zeros behind the prefixes of a training step, so that few numbers of rows occur: on a
/// CPU LibTorch compiles each product in bf16 for its number of rows, which in a small model takes
/// as long as the product itself, and keeps a thousand of them.
int64_t filler_rows(int64_t rows, const at::Tensor& weight) {
  constexpr int64_t kMultiple = 128;
  const bool compiles = weight.is_cpu() && weight.scalar_type() == at::kBFloat16;
  if (!compiles || !at::GradMode::is_enabled()) return 0;
  return (kMultiple - rows % kMultiple) % kMultiple;
}

}  // namespace

LlamaGenAttentionImpl::LlamaGenAttentionImpl(const LlamaGenConfig& config)
    : num_heads_(config.num_heads) {
  wqkv_ = register_module("wqkv", Linear(config.dim, 3 * config.dim, /*with_bias=*/false));
  wo_ = register_module("wo", Linear(config.dim, config.dim, /*with_bias=*/false));
}

at::Tensor LlamaGenAttentionImpl::forward(const at::Tensor& x_SD, int64_t layer,
                                          const RopeTable::Rotation& rotation,
                                          const Attend& attend) const {
  const at::Tensor qkv = wqkv_->forward(x_SD).unflatten(-1, {3, num_heads_, -1});
  const TurnedHeads heads = apply_rope(qkv, rotation);
  return wo_->forward(attend(layer, heads.q, heads.k, heads.v).flatten(1));
}

SwiGluImpl::SwiGluImpl(const LlamaGenConfig& config) {
  const int64_t hidden = config.ffn_hidden();
  gate_ = register_module("w1", Linear(config.dim, hidden, /*with_bias=*/false));
  up_ = register_module("w3", Linear(config.dim, hidden, /*with_bias=*/false));
  down_ = register_module("w2", Linear(hidden, config.dim, /*with_bias=*/false));
}

at::Tensor SwiGluImpl::forward(const at::Tensor& x_SD) const {
  return down_->forward(silu_mul(gate_->forward(x_SD), up_->forward(x_SD)));
}

LlamaGenBlockImpl::LlamaGenBlockImpl(const LlamaGenConfig& config)
    : residual_dropout_(config.residual_dropout), ffn_dropout_(config.ffn_dropout) {
  attention_ = register_module("attention", LlamaGenAttention(config));
  feed_forward_ = register_module("feed_forward", SwiGlu(config));
  attention_norm_ = register_module("attention_norm", RmsNorm(config.dim, config.norm_eps));
  ffn_norm_ = register_module("ffn_norm", RmsNorm(config.dim, config.norm_eps));
}

at::Tensor LlamaGenBlockImpl::forward(const at::Tensor& x_SD, int64_t layer,
                                      const RopeTable::Rotation& rotation,
                                      const Attend& attend) const {
  const at::Tensor mixed_SD =
      attention_->forward(attention_norm_->forward(x_SD), layer, rotation, attend);
  const at::Tensor h_SD = add_dropout(x_SD, mixed_SD, residual_dropout_, is_training());
  return add_dropout(h_SD, feed_forward_->forward(ffn_norm_->forward(h_SD)), ffn_dropout_,
                     is_training());
}

ConditionEmbeddingImpl::ConditionEmbeddingImpl(const LlamaGenConfig& config) {
  if (config.class_conditional()) {
    embedding_table_ =
        register_module("embedding_table", Embedding(config.num_classes + 1, config.dim));
    return;
  }
  // Saved but never trained by the reference, hence a buffer (training.md section 5, row 10).
  uncond_embedding_ =
      register_buffer("uncond_embedding", shape_only({config.cond_len, config.cond_dim}));
  const auto cap_proj = register_module("cap_proj", std::make_shared<torch::nn::Module>());
  fc1_ = cap_proj->register_module("fc1", Linear(config.cond_dim, config.dim, false));
  fc2_ = cap_proj->register_module("fc2", Linear(config.dim, config.dim, false));
}

at::Tensor ConditionEmbeddingImpl::forward(const at::Tensor& features) const {
  if (fc1_.is_empty()) return features;
  const at::Tensor x = features.to(fc1_->weight.scalar_type());
  return fc2_->forward(at::gelu(fc1_->forward(x), "tanh"));
}

at::Tensor ConditionEmbeddingImpl::class_rows(const at::Tensor& labels_B) const {
  TORCH_CHECK(!embedding_table_.is_empty(), "class labels given to a text-conditional decoder");
  return embedding_table_->forward(labels_B);
}

LlamaGenImpl::LlamaGenImpl(const LlamaGenConfig& config)
    : config_(config),
      rope_(config.grid, config.head_dim(), config.rope_base, config.rope_condition) {
  cls_embedding_ = register_module("cls_embedding", ConditionEmbedding(config));
  tok_embeddings_ = register_module("tok_embeddings", Embedding(config.vocab_size, config.dim));
  torch::nn::ModuleList names;
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    layers_.push_back(LlamaGenBlock(config));
    names->push_back(layers_.back());
  }
  register_module("layers", names);
  norm_ = register_module("norm", RmsNorm(config.dim, config.norm_eps));
  output_ = register_module("output", Linear(config.dim, config.vocab_size, false));
}

Condition LlamaGenImpl::class_condition(const at::Tensor& labels_B) const {
  return {.features = cls_embedding_->class_rows(labels_B),
          .lengths = std::vector<int64_t>(static_cast<size_t>(labels_B.size(0)), 1)};
}

Condition LlamaGenImpl::unconditional(const std::vector<int64_t>& lengths) const {
  const auto rows = static_cast<int64_t>(lengths.size());
  if (config_.class_conditional()) {
    return class_condition(
        at::full({rows}, config_.num_classes,
                 at::TensorOptions().dtype(at::kLong).device(output_->weight.device())));
  }
  std::vector<at::Tensor> features;
  for (const int64_t length : lengths) {
    TORCH_CHECK(length <= config_.cond_len, "prefix of ", length, " tokens, cond_len ",
                config_.cond_len);
    features.push_back(cls_embedding_->unconditional_embedding().slice(0, -length));
  }
  return {.features = at::cat(features), .lengths = lengths};
}

at::Tensor LlamaGenImpl::run_blocks(at::Tensor x_SD, const std::vector<int64_t>& rope_rows,
                                    const Attend& attend) {
  const RopeTable::Rotation rotation =
      rope_.rotation(at::tensor(rope_rows, at::kLong), x_SD.device());
  for (size_t i = 0; i < layers_.size(); ++i) {
    const auto run = [block = layers_[i], layer = static_cast<int64_t>(i), rotation,
                      attend](const std::vector<at::Tensor>& inputs) {
      return block->forward(inputs.front(), layer, rotation, attend);
    };
    x_SD = checkpoints_ ? checkpoint(run, {x_SD}) : run({x_SD});
  }
  return x_SD;
}

at::Tensor LlamaGenImpl::head(const at::Tensor& x_SD) {
  return output_->forward(norm_->forward(x_SD)).to(at::kFloat);
}

at::Tensor LlamaGenImpl::forward(const Condition& condition, const at::Tensor& tokens_BT) {
  return head(predicting_rows(condition, tokens_BT))
      .view({tokens_BT.size(0), -1, config_.vocab_size});
}

WeightedLosses LlamaGenImpl::losses(const Condition& condition, const at::Tensor& tokens_BT,
                                    const at::Tensor& weights_BT) {
  TORCH_CHECK(weights_BT.sizes() == tokens_BT.sizes(), "weights ", weights_BT.sizes(),
              " for tokens ", tokens_BT.sizes());
  const at::Tensor x_SD = norm_->forward(predicting_rows(condition, tokens_BT));
  return linear_cross_entropy(x_SD, output_->weight, tokens_BT.flatten(), weights_BT.flatten());
}

at::Tensor LlamaGenImpl::predicting_rows(const Condition& condition, const at::Tensor& tokens_BT) {
  const int64_t batch = tokens_BT.size(0), num_tokens = tokens_BT.size(1);
  TORCH_CHECK(static_cast<int64_t>(condition.lengths.size()) == batch, "condition of ",
              condition.lengths.size(), " sequences, tokens of ", batch);
  const int64_t filler = filler_rows(condition.features.size(0), output_->weight);
  const at::Tensor cond_SD =
      cls_embedding_->forward(at::constant_pad_nd(condition.features, {0, 0, 0, filler}));
  const at::Tensor image_BTD = tok_embeddings_->forward(tokens_BT.slice(1, 0, num_tokens - 1));

  std::vector<at::Tensor> pieces;
  std::vector<int64_t> offsets = {0}, rope_rows, predicting;
  int64_t cond_begin = 0;
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t length = condition.lengths[b];
    pieces.push_back(cond_SD.slice(0, cond_begin, cond_begin + length));
    pieces.push_back(image_BTD[b]);
    cond_begin += length;
    rope_rows.insert(rope_rows.end(), length, rope_.condition_row());
    for (int64_t t = 0; t < num_tokens; ++t) {
      if (t + 1 < num_tokens) rope_rows.push_back(t);
      predicting.push_back(offsets.back() + length - 1 + t);
    }
    offsets.push_back(offsets.back() + length + num_tokens - 1);
  }
  if (filler > 0) {  // a sequence that nobody reads
    pieces.push_back(cond_SD.slice(0, cond_begin));
    rope_rows.insert(rope_rows.end(), filler, rope_.condition_row());
    offsets.push_back(offsets.back() + filler);
  }
  at::Tensor x_SD = at::cat(pieces).to(at::kFloat);
  x_SD = drop(x_SD, config_.token_dropout, is_training());
  x_SD =
      run_blocks(x_SD, rope_rows,
                 [offsets](int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
                   return packed_causal_attention(q, k, v, offsets);
                 });
  return x_SD.index_select(0, at::tensor(predicting, at::kLong).to(x_SD.device()));
}

KvCache LlamaGenImpl::make_cache(int64_t rows, int64_t capacity) const {
  return KvCache({.num_layers = config_.num_layers,
                  .num_heads = config_.num_heads,
                  .head_dim = config_.head_dim(),
                  .capacity = capacity,
                  .dtype = output_->weight.scalar_type(),
                  .device = output_->weight.device()},
                 rows);
}

LlamaGenImpl::Prefilled LlamaGenImpl::prefill(const Condition& condition, int64_t capacity) {
  const auto batch = static_cast<int64_t>(condition.lengths.size());
  std::vector<int64_t> offsets = {0}, last_rows;
  for (const int64_t length : condition.lengths) {
    offsets.push_back(offsets.back() + length);
    last_rows.push_back(offsets.back() - 1);
  }
  KvCache cache = make_cache(batch, capacity);
  const auto attend = [&](int64_t layer, const at::Tensor& q, const at::Tensor& k,
                          const at::Tensor& v) {
    for (int64_t b = 0; b < batch; ++b) {
      cache.fill(layer, b, k.slice(0, offsets[b], offsets[b + 1]),
                 v.slice(0, offsets[b], offsets[b + 1]));
    }
    return packed_causal_attention(q, k, v, offsets);
  };
  const std::vector<int64_t> rope_rows(static_cast<size_t>(offsets.back()), rope_.condition_row());
  const at::Tensor x_SD =
      run_blocks(cls_embedding_->forward(condition.features).to(at::kFloat), rope_rows, attend);
  for (int64_t b = 0; b < batch; ++b) cache.set_length(b, condition.lengths[b]);
  const at::Tensor rows = at::tensor(last_rows, at::kLong).to(x_SD.device());
  return {.cache = std::move(cache), .logits_BV = head(x_SD.index_select(0, rows))};
}

at::Tensor LlamaGenImpl::decode_step(const at::Tensor& tokens_B, int64_t position, KvCache& cache) {
  return decode_step(tokens_B, std::vector<int64_t>(cache.lengths().size(), position), cache);
}

at::Tensor LlamaGenImpl::decode_step(const at::Tensor& tokens_B,
                                     const std::vector<int64_t>& positions, KvCache& cache) {
  const auto attend = [&](int64_t layer, const at::Tensor& q, const at::Tensor& k,
                          const at::Tensor& v) { return cache.append_and_attend(layer, q, k, v); };
  const at::Tensor x_BD =
      run_blocks(tok_embeddings_->forward(tokens_B).to(at::kFloat), positions, attend);
  cache.advance();
  return head(x_BD);
}

void initialize(LlamaGenImpl& model, uint64_t seed) {
  const at::NoGradGuard no_grad;
  ModelConfig config;
  config.decoder = model.config();
  for (const auto& [name, tensor] : state_dict(model)) {
    at::Tensor(tensor).copy_(initial_value(config, name, tensor.sizes(), seed));
  }
}

}  // namespace mentor
