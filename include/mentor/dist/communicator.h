#pragma once

#include "mentor/core/error.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace mentor {

/// Another rank ended, failed or hangs. The message names it; the cure is usually in its own log.
class RankFailure : public UserError {
 public:
  using UserError::UserError;
};

/// Sums and copies between the processes of a run. Every rank calls the same operations in the same
/// order with tensors of the same shape and dtype; they are contiguous, on the device of the
/// backend (GPU with NCCL, CPU with Gloo). All operations throw RankFailure when another rank is
/// gone or keeps this one waiting longer than the time-out given to connect(). Where this process
/// cannot throw (it waits for the GPU, or computes on without a collective) it prints that message
/// and exits with kExitUserError.
class Communicator {
 public:
  /// An operation under way. It keeps its tensors alive; they hold the result after wait().
  /// Must not outlive the communicator.
  class Pending {
   public:
    Pending() = default;  // nothing to wait for
    explicit Pending(std::function<void()> wait) : wait_(std::move(wait)) {}
    /// NCCL: orders the current stream behind the operation. Gloo: blocks. A second call does
    /// nothing.
    void wait() {
      if (wait_) std::exchange(wait_, nullptr)();
    }

   private:
    std::function<void()> wait_;
  };

  Communicator() = default;
  /// A normal end of this rank, unless it is destroyed by an exception or after
  /// announce_failure(). Rank 0 waits for the others to end, because it holds what they meet at.
  virtual ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  [[nodiscard]] virtual int64_t rank() const = 0;
  [[nodiscard]] virtual int64_t world_size() const = 0;
  [[nodiscard]] virtual int64_t local_rank() const = 0;

  /// In place. Gloo and NCCL: fp32, bf16, double, int64.
  virtual Pending all_reduce_sum(at::Tensor& x) = 0;
  /// full.numel() == world_size * shard.numel(); rank r gets piece r of the sum. Bit-equal to that
  /// piece of all_reduce_sum(full) with Gloo, and with any backend for two ranks.
  virtual Pending reduce_scatter_sum(at::Tensor& shard, const at::Tensor& full) = 0;
  /// full.numel() == world_size * shard.numel(); piece r is rank r's shard.
  virtual Pending all_gather(at::Tensor& full, const at::Tensor& shard) = 0;
  virtual void broadcast(at::Tensor& x, int64_t root) = 0;
  /// Returns when every rank has called it.
  virtual void barrier() = 0;

  /// This rank is about to end because of `message`: the others show its first line as
  /// "rank 1 failed: ...". Waits at most a few seconds for it to be on its way.
  virtual void announce_failure(std::string_view message) noexcept = 0;
};

/// A world of one: sums are the tensors themselves.
[[nodiscard]] std::unique_ptr<Communicator> solo_communicator();

/// Runs `work`. An exception it throws is announced to the other ranks on its way out.
void announce_failures_of(Communicator& communicator, const std::function<void()>& work);

}  // namespace mentor
