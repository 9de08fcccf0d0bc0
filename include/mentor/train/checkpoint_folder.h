#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/tensor/state_dict.h"
#include "mentor/train/train_state.h"

#include <optional>
#include <vector>

namespace mentor {

// A checkpoint is a folder `step_00002000` that exists only when it is whole:
//   model.safetensors                    all weights but the codec's, as the models hold them
//   optimizer.rank00000.safetensors ...  each rank's slices of master weights, moments, average
//   state.yaml                           TrainState
//   config.yaml                          the run's configuration, every value; `mentor generate`
//                                        takes it as it is

/// Folders of checkpoints in `folder`, oldest first. What was not finished is not among them.
[[nodiscard]] std::vector<fs::path> list_checkpoints(const fs::path& folder);

/// The step in the name of a folder that list_checkpoints() found.
[[nodiscard]] int64_t checkpoint_step(const fs::path& folder);

/// The checkpoint that `path` means: itself, or the newest of a run's folder or of its
/// `checkpoints`; nothing when there is none.
[[nodiscard]] std::optional<fs::path> find_checkpoint(const fs::path& path);

/// WeightsError naming the file when it is not that of a checkpoint or of a later format.
[[nodiscard]] TrainState read_train_state(const fs::path& checkpoint);

/// The averaged weights (train.ema_decay) of a checkpoint: model.safetensors with every trained
/// parameter replaced by its average, in fp32. WeightsError when it holds none.
[[nodiscard]] StateDict read_averaged_weights(const fs::path& checkpoint);

}  // namespace mentor
