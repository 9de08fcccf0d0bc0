#pragma once

#include "mentor/app/data_sources.h"
#include "mentor/app/run_config.h"
#include "mentor/app/runtime.h"
#include "mentor/dist/communicator.h"
#include "mentor/dist/process_environment.h"
#include "mentor/image/image.h"
#include "mentor/train/metrics.h"
#include "mentor/train/objective.h"
#include "mentor/train/optimizer.h"
#include "mentor/train/trainable.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mentor {

/// A run as one of its ranks sees it.
struct TrainContext {
  const LoadedRunConfig& run;
  const ProcessEnvironment& environment;
  Runtime runtime;
  std::optional<fs::path> checkpoint;  // that it goes on from

  [[nodiscard]] const RunConfig& config() const { return run.config; }
};

/// A picture for people, and what the rows of it are.
struct SampleSheet {
  Image image;
  std::vector<std::string> captions;
};

/// What `mentor train` can train: MENTOR's model, a codec, a vision tower. All ranks call these in
/// the order in which they stand here.
class TrainTarget {
 public:
  virtual ~TrainTarget() = default;

  /// The models without weights, what of them is trained, and an estimate of the memory that it
  /// takes. ConfigError for everything that is wrong before a large file is read.
  virtual void build() = 0;
  [[nodiscard]] virtual std::vector<ModuleRow> modules() const = 0;
  [[nodiscard]] const std::string& memory() const { return memory_; }

  /// Weights, buckets and optimizer.
  virtual void load(Communicator& communicator) = 0;
  [[nodiscard]] ParameterBuckets& buckets() { return *buckets_; }
  [[nodiscard]] AdamW& optimizer() { return *optimizer_; }

  /// Puts a checkpoint's own file in the place of those that the run began with: for its
  /// config.yaml.
  virtual void name_checkpoint(WeightsConfig& weights) const;

  /// What the weights in checkpoints should be told apart by, once they are loaded.
  [[nodiscard]] virtual std::map<std::string, std::string> file_metadata() const { return {}; }

  /// How one sample of the mixture is made; any thread may call the result.
  [[nodiscard]] virtual Loader::Make make_examples(const Mixture& mixture) = 0;
  [[nodiscard]] virtual std::unique_ptr<Objective> make_objective(const Mixture& mixture,
                                                                  int64_t total_steps) = 0;

  /// What validate() and draw() look at; `held_out` may be null.
  virtual void prepare_evaluation(const Mixture& mixture, const Mixture* held_out,
                                  Communicator& communicator, Communicator& control) = 0;
  /// Figures on held-out records; nothing without any.
  [[nodiscard]] virtual std::optional<ValidationMetrics> validate(int64_t step) = 0;
  /// Sheets of samples; rank 0 gets them.
  [[nodiscard]] virtual std::optional<SampleSheet> draw(int64_t step) = 0;

 protected:
  std::string memory_;
  std::unique_ptr<ParameterBuckets> buckets_;
  std::unique_ptr<AdamW> optimizer_;
};

// The context must outlive what is made of it.
[[nodiscard]] std::unique_ptr<TrainTarget> mentor_target(const TrainContext& context);
[[nodiscard]] std::unique_ptr<TrainTarget> vision_target(const TrainContext& context);
[[nodiscard]] std::unique_ptr<TrainTarget> codec_target(const TrainContext& context);

}  // namespace mentor
