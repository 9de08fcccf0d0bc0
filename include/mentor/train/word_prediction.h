#pragma once

#include "mentor/models/clip_vision.h"
#include "mentor/train/batch_copies.h"
#include "mentor/train/objective.h"

#include <functional>
#include <vector>

namespace mentor {

/// Reads the words of a caption from the patches of its picture: each word of the vocabulary looks
/// at the patches that its query fits, so that single patches come to carry what MENTOR reads from
/// them. Dropped when the tower is trained. Keys: query, weight, bias.
class WordHeadImpl : public torch::nn::Module {
 public:
  WordHeadImpl(int64_t width, int64_t words);
  /// Patch features [B, P, H] -> fp32 logits [B, V].
  [[nodiscard]] at::Tensor forward(const at::Tensor& features_BPH) const;

  at::Tensor query, weight, bias;  // [V, H], [V, H], [V]; zero before any training
};
TORCH_MODULE(WordHead);

inline constexpr std::string_view kWordHeadPrefix = "word_head.";

/// Pictures and which words their captions hold.
struct CaptionedBatch {
  at::Tensor pixels_BCHW;
  at::Tensor words_BV;  // fp32, 1 for a word of the caption
};
/// Of examples with one picture each, whose ids are those of the caption; ids up to
/// `last_special_id` are no words.
[[nodiscard]] CaptionedBatch caption_batch(const std::vector<const Example*>& examples,
                                           int64_t clip_size, int64_t words,
                                           int64_t last_special_id);

/// Trains a vision tower as a classifier of the words of captions: what stands in for CLIP's
/// training where there is neither CLIP nor its data (after "Learning visual features from large
/// weakly supervised data", arXiv 1511.02251: each word a class, here a yes or no of its own).
class WordPrediction : public Objective {
 public:
  struct Options {
    int64_t clip_size = 224;
    int64_t micro_batch = 1;
    int64_t last_special_id = 2;
    at::Device device = at::Device(at::kCPU);
    std::function<std::vector<SavedTensor>()> saved;  // what a checkpoint holds beside the head
  };
  WordPrediction(ClipVision tower, WordHead head, Options options);

  Work begin_step(const std::vector<Example>& examples) override;
  void run_backward(size_t micro_batch, double scale, int64_t step) override;
  [[nodiscard]] at::Tensor& sums() override { return losses_.tensor(); }
  [[nodiscard]] LossMeans means(Communicator& communicator) const override;
  [[nodiscard]] std::vector<SavedTensor> saved_tensors() const override;

  /// Adds the losses of examples to `losses` without training. Columns: see loss_names().
  void measure(const std::vector<Example>& examples, LossSums& losses) const;
  [[nodiscard]] at::Tensor logits(const at::Tensor& pixels_BCHW) const;

  /// "words": cross-entropy of all words of a picture; "missed": share of the caption's words that
  /// are not seen; "invented": of those seen, the share that the caption does not have.
  [[nodiscard]] static std::vector<std::string> loss_names();
  [[nodiscard]] static LossMeans means_of(const LossSums& losses, Communicator& communicator);

 private:
  [[nodiscard]] at::Tensor add_losses(const CaptionedBatch& batch, LossSums& losses) const;

  ClipVision tower_;
  WordHead head_;
  Options options_;
  BatchCopies copies_;
  LossSums losses_;
  std::vector<CaptionedBatch> batches_;
};

}  // namespace mentor
