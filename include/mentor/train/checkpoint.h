#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/dist/communicator.h"
#include "mentor/tensor/state_dict.h"
#include "mentor/train/checkpoint_folder.h"
#include "mentor/train/optimizer.h"
#include "mentor/train/train_config.h"

#include <functional>
#include <future>
#include <map>
#include <string>
#include <vector>

namespace mentor {

/// What a checkpoint is written from, in host memory of its own.
struct CheckpointContents {
  StateDict model;  // rank 0
  std::map<std::string, std::string> model_metadata;
  StateDict shard;  // of this rank: shard_tensors()
  std::map<std::string, std::string> shard_metadata;
  TrainState state;
  std::string config;  // YAML
};

/// The slices under their keys ("exp_avg.<name>", ...) and where each begins, as metadata.
/// `interval`: this rank's unfinished sums (Interval::tensor()).
void collect_shard(const std::vector<StateSlice>& slices, bool with_master,
                   const at::Tensor& interval, CheckpointContents& contents);

/// Fills the slices from the files of all ranks that wrote the checkpoint, however many there
/// were; `interval` gets this rank's sums (with another number of ranks: rank 0 all, others 0).
/// Masters that the files do not hold are those of the models. WeightsError for what is missing.
void read_optimizer_state(const fs::path& checkpoint, std::vector<StateSlice> slices,
                          const Communicator& communicator, at::Tensor& interval);

/// Writes checkpoints into `folder`, in the background if the configuration says so.
class CheckpointWriter {
 public:
  CheckpointWriter(fs::path folder, const CheckpointConfig& config, double timeout_s,
                   Communicator& control);
  ~CheckpointWriter();  // wait()
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Of all ranks at the same step. `collect` copies what is to be written; training may go on
  /// when it has returned. A disk that cannot be written costs this checkpoint and a warning,
  /// never the run or an earlier checkpoint.
  void save(int64_t step, const std::function<CheckpointContents()>& collect);

  /// Until the last save() is on the disk; whether it is.
  bool wait();

 private:
  void write(const fs::path& temporary, int64_t step, const CheckpointContents& contents) const;
  void write_part(const fs::path& temporary, int64_t step,
                  const CheckpointContents& contents) const;
  void publish(const fs::path& temporary, int64_t step, const CheckpointContents& contents) const;
  void retain(int64_t best_step) const;

  fs::path folder_;
  CheckpointConfig config_;
  double timeout_s_;
  Communicator& control_;
  std::future<bool> writing_;
};

}  // namespace mentor
