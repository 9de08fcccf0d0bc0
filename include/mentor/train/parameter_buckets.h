#pragma once

#include "mentor/dist/communicator.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mentor {

/// A parameter that the optimizer updates, under its name (published_files.h).
struct TrainedParameter {
  std::string name;
  at::Tensor tensor;  // registered in its module; any dtype and device
  bool decays = true;
  at::ScalarType master = at::kFloat;  // in which it is updated
  int clip_group = 0;                  // whose gradients have a norm of their own
};

/// Trained parameters in flat memory, cut into buckets, so that an update is a few operations and
/// gradients travel in large pieces (training.md section 10). The parameters become views of it.
///
/// Gradients are added up over micro-batches as the backward pass yields them. During the last
/// one each bucket's sum over the ranks starts as soon as it is complete, in the same order on
/// every rank. Under ZeRO-1 (`sharded`) a rank ends with the sums of its own shard only.
class ParameterBuckets {
 public:
  struct Options {
    at::ScalarType compute = at::kFloat;    // of the weights that the models see
    at::ScalarType gradients = at::kFloat;  // of the sums
    at::Device device = at::Device(at::kCPU);
    bool sharded = true;
    int64_t bucket_bytes = int64_t{128} << 20;  // of gradients
  };

  /// Where one parameter lies.
  struct Slot {
    std::string name;
    at::Tensor parameter;
    int64_t offset = 0, numel = 0;  // in the bucket
    bool touched = false;           // has a gradient in this step
  };

  /// Parameters of one kind. `size` is a multiple of the number of ranks; the shard is
  /// [shard_begin, shard_begin + shard.numel()), all of it when not sharded.
  struct Bucket {
    std::vector<Slot> slots;
    bool decays = true;
    int clip_group = 0;
    at::Tensor weights;         // [size] compute dtype: what the modules hold views of
    at::Tensor gradient;        // [size]
    at::Tensor master;          // [shard], of the dtype in which it is updated
    at::Tensor gradient_shard;  // [shard], after finish_gradients() the sum over the ranks
    int64_t shard_begin = 0;
    int64_t waiting = 0;  // slots without a gradient yet
    Communicator::Pending exchange;
  };

  /// Empty parameters are a contract error: training nothing is found earlier.
  ParameterBuckets(std::vector<TrainedParameter> parameters, const Options& options,
                   Communicator& communicator);
  ~ParameterBuckets();
  ParameterBuckets(const ParameterBuckets&) = delete;
  ParameterBuckets& operator=(const ParameterBuckets&) = delete;

  /// Forgets the gradients of the step before.
  void begin_step();
  /// The next backward pass is the last of the step.
  void exchange_when_complete();
  /// Completes and sums what is left; parameters that no micro-batch reached have gradient 0.
  void finish_gradients();
  /// Brings the updated master weights of all ranks into `weights`.
  void publish_weights();

  [[nodiscard]] std::vector<Bucket>& buckets() { return buckets_; }
  [[nodiscard]] const Options& options() const { return options_; }
  /// The part of a bucket's gradient_shard whose norm this rank contributes.
  [[nodiscard]] at::Tensor own_gradient(const Bucket& bucket) const;

 private:
  class GradientHook;
  void fill(Bucket& bucket, std::vector<TrainedParameter>& members);
  void add_gradient(Bucket& bucket, Slot& slot);
  void start_exchange(Bucket& bucket);
  void start_complete_buckets();

  Options options_;
  Communicator& communicator_;
  std::vector<Bucket> buckets_;
  bool exchanging_ = false;
  size_t next_exchange_ = 0;  // buckets before it are under way
};

}  // namespace mentor
