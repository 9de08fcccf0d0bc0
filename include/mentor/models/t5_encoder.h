#pragma once

#include "mentor/models/model_config.h"
#include "mentor/nn/layers.h"

#include <vector>

namespace mentor {

class T5BlockImpl;
TORCH_MODULE(T5Block);

/// Bucket of a relative position (key - query) in T5's bidirectional bias: half of the buckets
/// for each sign; exact up to a quarter of them, then logarithmic up to `max_distance`.
[[nodiscard]] int64_t relative_position_bucket(int64_t relative_position, int64_t num_buckets,
                                               int64_t max_distance);

/// Encoder of T5 v1.1 / FlanT5 with the key names of HF T5EncoderModel; `shared.weight` and
/// `encoder.embed_tokens.weight` are one tensor. The residual stream is fp32 whatever the dtype of
/// the weights.
class T5EncoderImpl : public torch::nn::Module {
 public:
  explicit T5EncoderImpl(const T5Config& config);

  /// Keeps the input of each block for the backward pass and computes the rest again there.
  void set_activation_checkpointing(bool on) { checkpoints_ = on; }

  /// Token embeddings: ids int64 [B, S] -> [B, S, D].
  [[nodiscard]] at::Tensor embed(const at::Tensor& ids_BS) const;

  /// Last hidden state [B, S, D] in the dtype of the weights. Row b attends to its first
  /// `lengths[b]` positions; empty lengths = every position of every row counts. The cost grows
  /// with S: pad to the longest row of the batch, not to the context.
  [[nodiscard]] at::Tensor forward(const at::Tensor& embeddings_BSD,
                                   at::IntArrayRef lengths = {}) const;

 private:
  [[nodiscard]] at::Tensor attention_bias(int64_t length, at::IntArrayRef lengths) const;

  T5Config config_;
  bool checkpoints_ = false;
  Embedding shared_{nullptr};
  Embedding relative_bias_{nullptr};  // [buckets, H]: held by block 0, used by all
  std::vector<T5Block> blocks_;
  RmsNorm final_norm_{nullptr};
};
TORCH_MODULE(T5Encoder);

}  // namespace mentor
