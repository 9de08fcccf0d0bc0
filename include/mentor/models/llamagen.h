#pragma once

#include "mentor/models/model_config.h"
#include "mentor/nn/attention.h"
#include "mentor/nn/layers.h"
#include "mentor/nn/linear_cross_entropy.h"
#include "mentor/nn/rope.h"

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/container/modulelist.h>

#include <functional>
#include <vector>

namespace mentor {

// B sequences, L_b condition tokens of sequence b, T image tokens, S rows of all sequences packed
// one behind the other, C condition width, D decoder width, H heads, K head width, V codes.

/// The prefixes of B sequences without padding. Left padding, as the reference has it, changes
/// nothing but the work: padded keys are masked and padded outputs are not used.
struct Condition {
  at::Tensor features;           // text: [sum L_b, C]; class: [B, D], one row per sequence
  std::vector<int64_t> lengths;  // L_b >= 1
};

/// Computes attention of rotated q, k and v (all [S, H, K]) in one layer.
using Attend = std::function<at::Tensor(int64_t layer, const at::Tensor& q_SHK,
                                        const at::Tensor& k_SHK, const at::Tensor& v_SHK)>;

class LlamaGenAttentionImpl : public torch::nn::Module {
 public:
  explicit LlamaGenAttentionImpl(const LlamaGenConfig& config);
  at::Tensor forward(const at::Tensor& x_SD, int64_t layer, const RopeTable::Rotation& rotation,
                     const Attend& attend) const;

 private:
  int64_t num_heads_;
  Linear wqkv_{nullptr}, wo_{nullptr};
};
TORCH_MODULE(LlamaGenAttention);

/// w2(silu(w1 x) * w3 x)
class SwiGluImpl : public torch::nn::Module {
 public:
  explicit SwiGluImpl(const LlamaGenConfig& config);
  at::Tensor forward(const at::Tensor& x_SD) const;

 private:
  Linear gate_{nullptr}, up_{nullptr}, down_{nullptr};
};
TORCH_MODULE(SwiGlu);

class LlamaGenBlockImpl : public torch::nn::Module {
 public:
  explicit LlamaGenBlockImpl(const LlamaGenConfig& config);
  at::Tensor forward(const at::Tensor& x_SD, int64_t layer, const RopeTable::Rotation& rotation,
                     const Attend& attend) const;

 private:
  double residual_dropout_, ffn_dropout_;
  LlamaGenAttention attention_{nullptr};
  SwiGlu feed_forward_{nullptr};
  RmsNorm attention_norm_{nullptr}, ffn_norm_{nullptr};
};
TORCH_MODULE(LlamaGenBlock);

/// cls_embedding: projects condition features to the decoder's width and holds what stands for
/// "no condition".
class ConditionEmbeddingImpl : public torch::nn::Module {
 public:
  explicit ConditionEmbeddingImpl(const LlamaGenConfig& config);
  /// [S, C] -> [S, D]; class features already have the decoder's width.
  at::Tensor forward(const at::Tensor& features) const;
  [[nodiscard]] const at::Tensor& unconditional_embedding() const { return uncond_embedding_; }
  [[nodiscard]] at::Tensor class_rows(const at::Tensor& labels_B) const;

 private:
  Linear fc1_{nullptr}, fc2_{nullptr};  // text
  at::Tensor uncond_embedding_;         // text: [cond_len, C]
  Embedding embedding_table_{nullptr};  // class: [num_classes + 1, D], last row = no class
};
TORCH_MODULE(ConditionEmbedding);

/// LlamaGen decoder (paper section 3.1; reference models/gpt.py, empty_fix_gpt.py). Residual
/// stream in fp32 whatever the weights' dtype; logits in fp32.
class LlamaGenImpl : public torch::nn::Module {
 public:
  explicit LlamaGenImpl(const LlamaGenConfig& config);

  [[nodiscard]] const LlamaGenConfig& config() const { return config_; }

  /// Keeps one tensor per block for the backward pass and computes the rest again there: a third
  /// more work for a fraction of the memory, and the same gradients.
  void set_activation_checkpointing(bool on) { checkpoints_ = on; }

  /// Class labels (int64 [B]) as a condition; num_classes stands for "no class".
  [[nodiscard]] Condition class_condition(const at::Tensor& labels_B) const;
  /// The guidance branch of prefixes with these lengths: the last L_b rows of the unconditional
  /// embedding, as the reference sees them through the conditional sample's mask.
  [[nodiscard]] Condition unconditional(const std::vector<int64_t>& lengths) const;

  /// Teacher forcing: logits [B, T, V] of every image token given its prefix and the tokens
  /// before it. In training mode dropout is active; condition dropout is the caller's.
  at::Tensor forward(const Condition& condition, const at::Tensor& tokens_BT);

  /// The training objective: cross-entropy of every image token as forward() predicts it, token
  /// (b, t) counting weights_BT[b, t] (fp32) times. losses_S is [B * T], sample after sample. The
  /// logits are never held as a whole: backward through `sum` costs less than through forward().
  [[nodiscard]] WeightedLosses losses(const Condition& condition, const at::Tensor& tokens_BT,
                                      const at::Tensor& weights_BT);

  /// Runs the prefixes into a fresh cache with room for `capacity` positions per row; returns the
  /// logits [B, V] of the first image token.
  struct Prefilled {
    KvCache cache;
    at::Tensor logits_BV;
  };
  [[nodiscard]] Prefilled prefill(const Condition& condition, int64_t capacity);

  /// Feeds image token `position` (0 = the one prefill predicted) of every row; returns the
  /// logits [B, V] of the next.
  [[nodiscard]] at::Tensor decode_step(const at::Tensor& tokens_B, int64_t position,
                                       KvCache& cache);
  /// The same for rows at different positions.
  [[nodiscard]] at::Tensor decode_step(const at::Tensor& tokens_B,
                                       const std::vector<int64_t>& positions, KvCache& cache);

  [[nodiscard]] KvCache make_cache(int64_t rows, int64_t capacity) const;

 private:
  /// Output of the blocks where it predicts an image token: [B * T, D].
  at::Tensor predicting_rows(const Condition& condition, const at::Tensor& tokens_BT);
  at::Tensor run_blocks(at::Tensor x_SD, const std::vector<int64_t>& rope_rows,
                        const Attend& attend);
  at::Tensor head(const at::Tensor& x_SD);

  LlamaGenConfig config_;
  bool checkpoints_ = false;
  RopeTable rope_;
  ConditionEmbedding cls_embedding_{nullptr};
  Embedding tok_embeddings_{nullptr};
  std::vector<LlamaGenBlock> layers_;
  RmsNorm norm_{nullptr};
  Linear output_{nullptr};
};
TORCH_MODULE(LlamaGen);

/// Reference initialisation: matrices and embeddings N(0, 0.02), `output` 0, norms 1,
/// unconditional embedding N(0, 1) / sqrt(C). The module must be materialised.
void initialize(LlamaGenImpl& model, uint64_t seed);

}  // namespace mentor
