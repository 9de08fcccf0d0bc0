#include "mentor/train/parameter_buckets.h"

#include "mentor/nn/parameters.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace mentor {
namespace {

/// Shards begin at multiples of this many elements: whole cache lines of every dtype.
constexpr int64_t kAlignment = 64;

int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

bool same_kind(const TrainedParameter& a, const TrainedParameter& b) {
  return a.decays == b.decays && a.master == b.master && a.clip_group == b.clip_group;
}

}  // namespace

/// Called by the autograd engine when a parameter's gradient is whole.
class ParameterBuckets::GradientHook : public torch::autograd::PostAccumulateGradHook {
 public:
  explicit GradientHook(std::function<void()> take) : take_(std::move(take)) {}
  void operator()(const torch::autograd::Variable&) override { take_(); }

 private:
  std::function<void()> take_;
};

ParameterBuckets::ParameterBuckets(std::vector<TrainedParameter> parameters, const Options& options,
                                   Communicator& communicator)
    : options_(options), communicator_(communicator) {
  TORCH_CHECK(!parameters.empty(), "no parameters to train");
  // The backward pass reaches the last layers first: their bucket is complete, and exchanged,
  // first.
  std::ranges::reverse(parameters);
  std::vector<std::vector<TrainedParameter>> members;
  const int64_t most = options.bucket_bytes / static_cast<int64_t>(elementSize(options.gradients));
  std::vector<std::pair<size_t, int64_t>> open;  // member list and its elements, one per kind
  for (TrainedParameter& parameter : parameters) {
    const int64_t numel = parameter.tensor.numel();
    auto room = std::ranges::find_if(open, [&](const auto& entry) {
      return same_kind(members[entry.first].front(), parameter);
    });
    if (room != open.end() && room->second + numel > most) {
      open.erase(room);
      room = open.end();
    }
    if (room == open.end()) {
      open.emplace_back(members.size(), 0);
      members.emplace_back();
      room = open.end() - 1;
    }
    room->second += numel;
    members[room->first].push_back(std::move(parameter));
  }
  buckets_.resize(members.size());
  for (size_t i = 0; i < members.size(); ++i) fill(buckets_[i], members[i]);
}

ParameterBuckets::~ParameterBuckets() {
  for (Bucket& bucket : buckets_) {
    for (Slot& slot : bucket.slots) {
      torch::autograd::impl::set_post_acc_grad_hooks(slot.parameter, nullptr);
    }
  }
}

void ParameterBuckets::fill(Bucket& bucket, std::vector<TrainedParameter>& members) {
  const at::NoGradGuard no_grad;
  const int64_t world = communicator_.world_size();
  const at::ScalarType master = members.front().master;
  bucket.decays = members.front().decays;
  bucket.clip_group = members.front().clip_group;
  int64_t size = 0;
  for (const TrainedParameter& member : members) size += member.tensor.numel();
  size = round_up(size, world * kAlignment);
  const auto memory = at::TensorOptions().device(options_.device);
  // Padding stays 0: it has no gradient and nothing to decay.
  at::Tensor values = at::zeros({size}, memory.dtype(master));
  bucket.gradient = at::zeros({size}, memory.dtype(options_.gradients));

  const int64_t shard = options_.sharded ? size / world : size;
  bucket.shard_begin = options_.sharded ? communicator_.rank() * shard : 0;
  int64_t offset = 0;
  for (TrainedParameter& member : members) {
    values.narrow(0, offset, member.tensor.numel()).copy_(member.tensor.detach().flatten());
    bucket.slots.push_back({.name = std::move(member.name),
                            .parameter = member.tensor,
                            .offset = offset,
                            .numel = member.tensor.numel()});
    offset += member.tensor.numel();
  }
  const bool shared = master == options_.compute;
  bucket.weights = shared ? values : values.to(options_.compute);
  bucket.master = values.narrow(0, bucket.shard_begin, shard);
  if (!shared && options_.sharded && world > 1) bucket.master = bucket.master.clone();
  bucket.gradient_shard = options_.sharded && world > 1
                              ? at::zeros({shard}, bucket.gradient.options())
                              : bucket.gradient;
  for (Slot& slot : bucket.slots) {
    const at::Tensor view = bucket.weights.narrow(0, slot.offset, slot.numel);
    assign(slot.parameter, view.view(slot.parameter.sizes()));
    slot.parameter.set_requires_grad(true);
    torch::autograd::impl::set_post_acc_grad_hooks(
        slot.parameter,
        std::make_unique<GradientHook>([this, &bucket, &slot] { add_gradient(bucket, slot); }));
  }
}

void ParameterBuckets::begin_step() {
  exchanging_ = false;
  next_exchange_ = 0;
  for (Bucket& bucket : buckets_) {
    for (Slot& slot : bucket.slots) slot.touched = false;
  }
}

void ParameterBuckets::exchange_when_complete() {
  exchanging_ = true;
  for (Bucket& bucket : buckets_) bucket.waiting = static_cast<int64_t>(bucket.slots.size());
}

void ParameterBuckets::add_gradient(Bucket& bucket, Slot& slot) {
  const at::NoGradGuard no_grad;
  at::Tensor& gradient = slot.parameter.mutable_grad();
  at::Tensor sum = bucket.gradient.narrow(0, slot.offset, slot.numel).view_as(gradient);
  slot.touched ? sum.add_(gradient) : sum.copy_(gradient);
  slot.touched = true;
  gradient.reset();
  if (exchanging_ && --bucket.waiting == 0) start_complete_buckets();
}

void ParameterBuckets::start_complete_buckets() {
  // In the order of the buckets: every rank must exchange them in the same order, also where a
  // rank's samples do not reach all parameters.
  while (next_exchange_ < buckets_.size() && buckets_[next_exchange_].waiting == 0) {
    start_exchange(buckets_[next_exchange_++]);
  }
}

void ParameterBuckets::start_exchange(Bucket& bucket) {
  if (communicator_.world_size() == 1) return;
  bucket.exchange = options_.sharded
                        ? communicator_.reduce_scatter_sum(bucket.gradient_shard, bucket.gradient)
                        : communicator_.all_reduce_sum(bucket.gradient);
}

void ParameterBuckets::finish_gradients() {
  const at::NoGradGuard no_grad;
  for (size_t i = next_exchange_; i < buckets_.size(); ++i) {
    for (Slot& slot : buckets_[i].slots) {
      if (!slot.touched) buckets_[i].gradient.narrow(0, slot.offset, slot.numel).zero_();
    }
    start_exchange(buckets_[i]);
  }
  next_exchange_ = buckets_.size();
  for (Bucket& bucket : buckets_) bucket.exchange.wait();
}

void ParameterBuckets::publish_weights() {
  const at::NoGradGuard no_grad;
  for (Bucket& bucket : buckets_) {
    at::Tensor shard = bucket.weights.narrow(0, bucket.shard_begin, bucket.master.numel());
    if (!shard.is_alias_of(bucket.master)) shard.copy_(bucket.master);
    if (options_.sharded && communicator_.world_size() > 1) {
      bucket.exchange = communicator_.all_gather(bucket.weights, shard);
    }
  }
  for (Bucket& bucket : buckets_) bucket.exchange.wait();
}

at::Tensor ParameterBuckets::own_gradient(const Bucket& bucket) const {
  if (options_.sharded) return bucket.gradient_shard;
  const int64_t share = bucket.gradient.numel() / communicator_.world_size();
  return bucket.gradient.narrow(0, communicator_.rank() * share, share);
}

}  // namespace mentor
