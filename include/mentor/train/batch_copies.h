#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Stream.h>

#include <initializer_list>
#include <optional>

namespace mentor {

/// Brings batches to a GPU on a stream of their own: those of a step travel while the step before
/// is still computed. On a CPU there is nothing to do.
class BatchCopies {
 public:
  explicit BatchCopies(at::Device device);

  /// Moves tensors of the host there; work that is queued from now on waits for them. Undefined
  /// ones are left alone.
  void start(std::initializer_list<at::Tensor*> tensors) const;

 private:
  at::Device device_;
  std::optional<c10::Stream> stream_;
};

}  // namespace mentor
