#include "mentor/data/batch.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace mentor {
namespace {

/// Host rows of equal length, one behind the other in a new tensor.
class RowWriter {
 public:
  RowWriter(std::vector<int64_t> shape, at::ScalarType dtype)
      : tensor_(at::empty(shape, at::TensorOptions().dtype(dtype))) {}

  template <class T>
  void append(const std::vector<T>& values) {
    TORCH_CHECK((written_ + static_cast<int64_t>(values.size())) <= tensor_.numel(),
                "more values than the batch has room for");
    std::memcpy(static_cast<T*>(tensor_.mutable_data_ptr()) + written_, values.data(),
                values.size() * sizeof(T));
    written_ += static_cast<int64_t>(values.size());
  }
  [[nodiscard]] at::Tensor take() const {
    TORCH_CHECK(written_ == tensor_.numel(), "fewer values than the batch has room for");
    return tensor_;
  }

 private:
  at::Tensor tensor_;
  int64_t written_ = 0;
};

void collate_conditions(const std::vector<const Example*>& examples, const BatchShape& shape,
                        Batch& batch) {
  int64_t longest = 0, num_pictures = 0;
  for (size_t b = 0; b < examples.size(); ++b) {
    const Example& example = *examples[b];
    batch.lengths.push_back(static_cast<int64_t>(example.ids.size()));
    if (example.condition_dropped) continue;
    batch.kept.push_back(static_cast<int64_t>(b));
    longest = std::max(longest, batch.lengths.back());
    num_pictures += example.num_pictures;
  }
  // Processors like round numbers, and few different ones.
  constexpr int64_t kMultiple = 8;
  longest = (longest + kMultiple - 1) / kMultiple * kMultiple;
  const auto num_kept = static_cast<int64_t>(batch.kept.size());
  RowWriter ids({num_kept, longest}, at::kLong);
  RowWriter pixels({num_pictures, 3, shape.clip_size, shape.clip_size}, at::kFloat);
  for (int64_t k = 0; k < num_kept; ++k) {
    const Example& example = *examples[batch.kept[k]];
    std::vector<int64_t> padded = example.ids;
    padded.resize(longest, shape.pad_id);
    ids.append(padded);
    pixels.append(example.pixels_NCHW);
    batch.image_owner.insert(batch.image_owner.end(), example.num_pictures, k);
  }
  batch.ids_KS = ids.take();
  if (num_pictures > 0) batch.pixels_NCHW = pixels.take();
}

void collate_targets(const std::vector<const Example*>& examples, const BatchShape& shape,
                     Batch& batch) {
  for (size_t b = 0; b < examples.size(); ++b) {
    if (examples[b]->codes.empty()) batch.target_rows.push_back(static_cast<int64_t>(b));
  }
  RowWriter codes({batch.size(), shape.image_tokens}, at::kLong);
  RowWriter targets(
      {static_cast<int64_t>(batch.target_rows.size()), 3, shape.image_size, shape.image_size},
      at::kFloat);
  for (const Example* example : examples) {
    std::vector<int64_t> row(example->codes.begin(), example->codes.end());
    row.resize(shape.image_tokens, 0);
    codes.append(row);
    if (example->codes.empty()) targets.append(example->target_CHW);
  }
  batch.codes_BT = codes.take();
  if (!batch.target_rows.empty()) batch.targets_B3HW = targets.take();
}

}  // namespace

int64_t Batch::target_tokens() const {
  return static_cast<int64_t>(valid_B.sum().item<float>()) * codes_BT.size(1);
}

Batch collate(const std::vector<const Example*>& examples, const BatchShape& shape) {
  Batch batch;
  std::vector<float> valid;
  for (const Example* example : examples) {
    batch.tasks.push_back(example->task);
    valid.push_back(example->target_valid ? 1.0f : 0.0f);
  }
  batch.valid_B = at::tensor(valid);
  collate_conditions(examples, shape, batch);
  collate_targets(examples, shape, batch);
  return batch;
}

std::vector<std::vector<size_t>> cut_micro_batches(const std::vector<Example>& examples,
                                                   const MicroBatchLimits& limits) {
  std::vector<size_t> order(examples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(
      order, [&](size_t a, size_t b) { return examples[a].ids.size() > examples[b].ids.size(); });
  std::vector<std::vector<size_t>> batches;
  int64_t tokens = 0;
  for (const size_t index : order) {
    const int64_t more = static_cast<int64_t>(examples[index].ids.size()) + limits.image_tokens;
    const bool full = batches.empty() ||
                      static_cast<int64_t>(batches.back().size()) == limits.samples ||
                      (limits.tokens > 0 && tokens + more > limits.tokens);
    if (full) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(index);
    tokens += more;
  }
  return batches;
}

}  // namespace mentor
