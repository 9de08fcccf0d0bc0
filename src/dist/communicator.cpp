#include "mentor/dist/communicator.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

namespace mentor {
namespace {

class SoloCommunicator : public Communicator {
 public:
  int64_t rank() const override { return 0; }
  int64_t world_size() const override { return 1; }
  int64_t local_rank() const override { return 0; }

  Pending all_reduce_sum(at::Tensor&) override { return {}; }
  Pending reduce_scatter_sum(at::Tensor& shard, const at::Tensor& full) override {
    return copy(shard, full);
  }
  Pending all_gather(at::Tensor& full, const at::Tensor& shard) override {
    return copy(full, shard);
  }
  void broadcast(at::Tensor&, int64_t) override {}
  void barrier() override {}
  void announce_failure(std::string_view) noexcept override {}

 private:
  static Pending copy(at::Tensor& to, const at::Tensor& from) {
    TORCH_CHECK(to.numel() == from.numel(), "a shard of a world of one is the whole: ", to.numel(),
                " elements, not ", from.numel());
    const at::NoGradGuard no_grad;
    if (to.data_ptr() != from.data_ptr()) to.copy_(from.view_as(to));
    return {};
  }
};

}  // namespace

Communicator::~Communicator() = default;

std::unique_ptr<Communicator> solo_communicator() { return std::make_unique<SoloCommunicator>(); }

void announce_failures_of(Communicator& communicator, const std::function<void()>& work) {
  try {
    work();
  } catch (const c10::Error& error) {
    communicator.announce_failure(error.what_without_backtrace());
    throw;
  } catch (const std::exception& error) {
    communicator.announce_failure(error.what());
    throw;
  }
}

}  // namespace mentor
