#pragma once

#include "mentor/models/clip_vision.h"
#include "mentor/models/model_config.h"
#include "mentor/models/projector.h"
#include "mentor/models/t5_encoder.h"

#include <vector>

namespace mentor {

/// A batch of prompts. Ids, lengths and owners are host values; the encoder moves what it needs to
/// the device of its weights.
struct EncoderInput {
  at::Tensor ids_BS;                 // int64, padded on the right
  std::vector<int64_t> lengths;      // [B] valid tokens per row; empty = all
  at::Tensor pixels_NCHW;            // normalised pictures of all rows; undefined without any
  std::vector<int64_t> image_owner;  // [N] the row of each picture; pictures of a row in order
};

/// Which picture features go to which placeholders.
struct ImageAssignment {
  /// The reference's rule: the features of all pictures, in order, to the placeholders of the
  /// whole batch. Where a prompt was cut, later rows get features of another row's picture.
  bool reference_flat = false;
  /// Per row: a prompt whose placeholders were cut takes the first features of its pictures
  /// instead of being an error.
  bool allow_truncated = false;
};

/// Prompt with pictures -> condition features: CLIP (frozen) and the projector fill the rows of
/// the <image> placeholders, T5 encodes the whole. Names are those of the MENTOR files below
/// `multimodal_encoder.`; without `vision` there is only the language model.
class MultimodalEncoderImpl : public torch::nn::Module {
 public:
  explicit MultimodalEncoderImpl(const ModelConfig& config);

  /// Last hidden state of T5, [B, S, D] in the dtype of the weights; rows beyond a prompt's length
  /// are meaningless. Throws DataError naming the row when its placeholders and pictures do not
  /// fit. A row without pictures keeps the embedding of a literal placeholder.
  [[nodiscard]] at::Tensor forward(const EncoderInput& input,
                                   const ImageAssignment& assignment = {}) const;

  [[nodiscard]] const T5Encoder& language_model() const { return language_model_; }
  /// Empty without model.vision.
  [[nodiscard]] const ClipVision& vision_tower() const { return vision_tower_; }

 private:
  void insert_pictures_(at::Tensor& embeddings_BSD, const EncoderInput& input,
                        const ImageAssignment& assignment) const;

  PromptConfig prompt_;
  ClipVision vision_tower_{nullptr};
  Projector projector_{nullptr};
  T5Encoder language_model_{nullptr};
};
TORCH_MODULE(MultimodalEncoder);

}  // namespace mentor
