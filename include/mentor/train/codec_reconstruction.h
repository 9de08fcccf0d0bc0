#pragma once

#include "mentor/train/batch_copies.h"
#include "mentor/train/codebook_care.h"
#include "mentor/train/codec_loss.h"
#include "mentor/train/objective.h"
#include "mentor/train/optimizer.h"

#include <string>
#include <vector>

namespace mentor {

// What a checkpoint of a codec in training holds beside the codec's own keys.
inline constexpr std::string_view kDiscriminatorPrefix = "discriminator.";
inline constexpr std::string_view kCodeCounts = "code_counts";

/// Parameter of the codec that holds its codes.
inline constexpr std::string_view kCodebook = "quantize.embedding.weight";

/// Trains a codec to give pictures back from their codes, against a discriminator where that is
/// wanted (training.md section 9), and takes care of codes that are not used.
class CodecReconstruction : public Objective {
 public:
  struct Options {
    CodecTrainConfig training;
    int64_t image_size = 256;
    int64_t micro_batch = 1;
    int64_t total_steps = 1;
    uint64_t seed = 0;
    at::Device device = at::Device(at::kCPU);
    at::Tensor code_counts;  // of the checkpoint that a run goes on from; undefined: 0
  };
  /// `optimizer` updates all parameters of codec and discriminator, under their names in a
  /// checkpoint.
  CodecReconstruction(CodecModels models, AdamW& optimizer, Communicator& communicator,
                      Options options);

  Work begin_step(const std::vector<Example>& examples) override;
  void run_backward(size_t micro_batch, double scale, int64_t step) override;
  void end_step(int64_t step) override;
  [[nodiscard]] at::Tensor& sums() override { return sums_.tensor(); }
  /// `loss`: what trains the codec; parts: its terms that are on, unweighted but for those of the
  /// quantiser, and "discriminator", what trains the discriminator.
  [[nodiscard]] LossMeans means(Communicator& communicator) const override;
  [[nodiscard]] std::vector<SavedTensor> saved_tensors() const override;

 private:
  /// A column of the figures.
  struct Term {
    std::string name;
    const at::Tensor& (*of)(const CodecLosses& losses);
  };
  [[nodiscard]] static std::vector<Term> shown_terms(const CodecTrainConfig& training,
                                                     const VqganConfig& codec);
  [[nodiscard]] bool counts_codes() const { return options_.training.revive_every > 0; }
  void add(const CodecLosses& losses, int64_t pictures);
  [[nodiscard]] int64_t first_rank_with_latents() const;
  void replace_codes(bool all, int64_t step);

  CodecModels models_;
  AdamW& optimizer_;
  Communicator& communicator_;
  Options options_;
  BatchCopies copies_;
  std::vector<Term> terms_;
  LossSums sums_;
  std::vector<at::Tensor> batches_;  // pixels [b, 3, S, S]
  at::Tensor latent_ME_;             // of the last micro-batch
  at::Tensor step_counts_N_;         // codes of this rank in this step
  at::Tensor counts_N_;              // of all ranks since codes were last replaced
};

}  // namespace mentor
