#include "backend_communicator.h"

#include <ATen/core/grad_mode.h>

#include <exception>
#include <vector>

namespace mentor {
namespace {

using WorkPtr = c10::intrusive_ptr<c10d::Work>;

class BackendCommunicator : public Communicator {
 public:
  BackendCommunicator(BackendPtr backend, std::shared_ptr<PeerMonitor> monitor, int64_t local_rank,
                      c10::Device device)
      : backend_(std::move(backend)),
        monitor_(std::move(monitor)),
        local_rank_(local_rank),
        device_(device),
        exceptions_(std::uncaught_exceptions()) {}

  ~BackendCommunicator() override {
    if (std::uncaught_exceptions() > exceptions_) {
      monitor_->announce_failure("it ended with an error");
    }
    // Before the backend: its connections and rank 0's store must last until all are told.
    const bool sound = monitor_->close();
    try {
      sound ? backend_->shutdown() : backend_->abort();
    } catch (const std::exception&) {
      // The process ends; what the others need to know they have been told.
    }
  }

  int64_t rank() const override { return backend_->getRank(); }
  int64_t world_size() const override { return backend_->getSize(); }
  int64_t local_rank() const override { return local_rank_; }

  Pending all_reduce_sum(at::Tensor& x) override {
    check(x);
    return start({"all_reduce_sum", x.numel(), x.scalar_type()}, [&] {
      std::vector<at::Tensor> tensors{x};
      return backend_->allreduce(tensors);
    });
  }

  Pending reduce_scatter_sum(at::Tensor& shard, const at::Tensor& full) override {
    check_pieces(shard, full);
    return start({"reduce_scatter_sum", full.numel(), full.scalar_type()}, [&] {
      at::Tensor input = full.view({-1});
      at::Tensor output = shard.view({-1});
      return backend_->_reduce_scatter_base(output, input);
    });
  }

  Pending all_gather(at::Tensor& full, const at::Tensor& shard) override {
    check_pieces(shard, full);
    return start({"all_gather", full.numel(), full.scalar_type()}, [&] {
      at::Tensor input = shard.view({-1});
      at::Tensor output = full.view({-1});
      return backend_->_allgather_base(output, input);
    });
  }

  void broadcast(at::Tensor& x, int64_t root) override {
    check(x);
    TORCH_CHECK(root >= 0 && root < world_size(), "broadcast: there is no rank ", root);
    start({"broadcast", x.numel(), x.scalar_type()}, [&] {
      std::vector<at::Tensor> tensors{x};
      c10d::BroadcastOptions options;
      options.rootRank = root;
      return backend_->broadcast(tensors, options);
    }).wait();
  }

  void barrier() override {
    start({.name = "barrier"}, [&] {
      c10d::BarrierOptions options;
      if (device_.is_cuda()) options.device = device_;
      return backend_->barrier(options);
    }).wait();
  }

  void announce_failure(std::string_view message) noexcept override {
    monitor_->announce_failure(message);
  }

 private:
  void check(const at::Tensor& x) const {
    TORCH_CHECK(x.is_contiguous(), "collectives take contiguous tensors, got strides ",
                x.strides());
    TORCH_CHECK(x.device().type() == device_.type(), "this communicator is for ", device_,
                ", got a tensor on ", x.device());
  }

  void check_pieces(const at::Tensor& shard, const at::Tensor& full) const {
    check(shard);
    check(full);
    TORCH_CHECK(
        full.numel() == shard.numel() * world_size() && full.scalar_type() == shard.scalar_type(),
        "a shard of ", shard.numel(), " ", shard.scalar_type(), " is not 1/", world_size(), " of ",
        full.numel(), " ", full.scalar_type());
  }

  template <class Launch>
  Pending start(const Collective& collective, const Launch& launch) {
    const at::NoGradGuard no_grad;
    monitor_->enter(collective);
    WorkPtr work;
    try {
      work = launch();
    } catch (const c10::DistError& error) {
      monitor_->explain(error.what_without_backtrace());
    }
    monitor_->track(work);
    return Pending([this, work] { finish(*work); });
  }

  void finish(c10d::Work& work) {
    try {
      work.wait();
    } catch (const c10::Error& error) {
      monitor_->explain(error.what_without_backtrace());
    } catch (const std::exception& error) {
      monitor_->explain(error.what());
    }
    // On a CPU wait() is the end of it. Gloo's reduce-scatter and all-gather never say that they
    // are complete: they would count as hanging after the time-out, and keep their tensors.
    monitor_->settle(device_.is_cpu() ? &work : nullptr);
  }

  BackendPtr backend_;
  std::shared_ptr<PeerMonitor> monitor_;
  int64_t local_rank_;
  c10::Device device_;
  int exceptions_;
};

}  // namespace

std::unique_ptr<Communicator> backend_communicator(BackendPtr backend,
                                                   std::shared_ptr<PeerMonitor> monitor,
                                                   int64_t local_rank, c10::Device device) {
  return std::make_unique<BackendCommunicator>(std::move(backend), std::move(monitor), local_rank,
                                               device);
}

}  // namespace mentor
