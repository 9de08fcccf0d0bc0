#pragma once

#include "mentor/data/batch.h"

#include <c10/core/Stream.h>

#include <optional>

namespace mentor {

/// Brings batches to a GPU on a stream of their own: those of a step travel while the step before
/// is still computed. On a CPU there is nothing to do.
class BatchCopies {
 public:
  explicit BatchCopies(at::Device device);

  /// Moves what a device reads there; work that is queued from now on waits for it.
  void start(Batch& batch) const;

 private:
  at::Device device_;
  std::optional<c10::Stream> stream_;
};

}  // namespace mentor
