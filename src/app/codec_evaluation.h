#pragma once

#include "mentor/app/data_sources.h"
#include "mentor/dist/communicator.h"
#include "mentor/train/codec_loss.h"
#include "mentor/train/metrics.h"
#include "train_target.h"

#include <cstdint>

namespace mentor {

/// What a sample's target is, as the codec's input; RecordError for one that cannot be used.
[[nodiscard]] Example codec_example(const ExampleSource& source, SampleIndex index);

/// How close a codec in training comes to pictures: figures on held-out ones, sheets for people.
/// The codec works as it does in use, from codes alone.
class CodecEvaluation {
 public:
  CodecEvaluation(const RunConfig& config, CodecModels models, Communicator& communicator,
                  at::Device device);

  /// Over the samples of the mixture, shared out over the ranks: the reconstruction loss, "psnr" of
  /// the mean squared error, mean "ssim" and "l1" (in [-1, 1]), "usage": share of the codes that
  /// occur.
  [[nodiscard]] ValidationMetrics validate(const Mixture& held_out, int64_t step) const;

  /// Pairs of picture and reconstruction from all over the mixture.
  [[nodiscard]] SampleSheet draw(const Mixture& mixture) const;

 private:
  struct Sums;
  [[nodiscard]] at::Tensor pixels_of(const std::vector<Example>& examples) const;
  void add(const std::vector<Example>& examples, Sums& sums) const;
  [[nodiscard]] at::Tensor decode(const at::Tensor& codes_BT) const;
  [[nodiscard]] at::Tensor reconstruction_loss(const at::Tensor& pixels_B3SS,
                                               const at::Tensor& reconstruction_B3SS) const;

  const RunConfig& config_;
  CodecModels models_;
  Communicator& communicator_;
  at::Device device_;
};

}  // namespace mentor
