#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/tensor/safetensors.h"
#include "mentor/train/checkpoint.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace mentor {
namespace {

/// A piece of a parameter in the file of one rank.
struct SavedSlice {
  int64_t offset = 0, length = 0;
  size_t file = 0;
};

/// "offset/numel", as collect_shard() writes it.
SavedSlice parse_slice(const std::string& text, const fs::path& file) {
  SavedSlice slice;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, slice.offset);
  if (result.ec != std::errc() || result.ptr == end || *result.ptr != '/') {
    throw WeightsError(format("{}: metadata '{}' is no place of a slice", file, text));
  }
  return slice;
}

class OptimizerFiles {
 public:
  explicit OptimizerFiles(const fs::path& checkpoint) : checkpoint_(checkpoint) {
    for (const auto& entry : fs::directory_iterator(checkpoint)) {
      if (entry.path().filename().string().starts_with("optimizer.rank")) {
        names_.push_back(entry.path());
      }
    }
    std::ranges::sort(names_);
    for (const fs::path& name : names_) open(name);
  }

  /// Copies the part of the saved parameter that `slice` covers; false where no file has it.
  bool copy(const std::string& prefix, const StateSlice& slice, at::Tensor target) const {
    const auto found = slices_.find(slice.name);
    if (found == slices_.end()) return false;
    int64_t copied = 0;
    for (const SavedSlice& saved : found->second) {
      const at::Tensor* tensor = files_[saved.file].find(prefix + slice.name);
      if (tensor == nullptr) return false;
      const int64_t begin = std::max(slice.offset, saved.offset);
      const int64_t end = std::min(slice.offset + slice.length, saved.offset + tensor->numel());
      if (begin >= end) continue;
      target.narrow(0, begin - slice.offset, end - begin)
          .copy_(tensor->narrow(0, begin - saved.offset, end - begin));
      copied += end - begin;
      if (saved.length == slice.numel) break;  // written whole by every rank: once is enough
    }
    return copied >= slice.length;
  }

  [[nodiscard]] std::vector<std::string> parameters() const {
    std::vector<std::string> names;
    for (const auto& [name, slices] : slices_) names.push_back(name);
    return names;
  }
  [[nodiscard]] const std::vector<StateDict>& files() const { return files_; }

 private:
  void open(const fs::path& name) {
    SafetensorsMetadata metadata;
    files_.push_back(read_safetensors(name, &metadata));
    for (const auto& [key, place] : metadata) {
      if (!key.starts_with("slice.")) continue;
      SavedSlice slice = parse_slice(place, name);
      const std::string parameter = key.substr(6);
      slice.length = files_.back().at("exp_avg." + parameter).numel();
      slice.file = files_.size() - 1;
      slices_[parameter].push_back(slice);
    }
  }

  fs::path checkpoint_;
  std::vector<fs::path> names_;
  std::vector<StateDict> files_;
  std::map<std::string, std::vector<SavedSlice>> slices_;
};

}  // namespace

StateDict read_averaged_weights(const fs::path& checkpoint) {
  const OptimizerFiles files(checkpoint);
  StateDict weights = read_safetensors(checkpoint / "model.safetensors");
  for (const std::string& name : files.parameters()) {
    const at::Tensor& current = weights.at(name);
    const at::Tensor average = at::empty(current.sizes(), at::kFloat);
    const StateSlice whole{.name = name, .length = current.numel(), .numel = current.numel()};
    if (!files.copy("average.", whole, average.view(-1))) {
      throw WeightsError(
          format("{}: holds no averaged weights: the run had train.ema_decay 0", checkpoint));
    }
    weights.set(name, average);
  }
  return weights;
}

void read_optimizer_state(const fs::path& checkpoint, std::vector<StateSlice> slices,
                          const Communicator& communicator, at::Tensor& interval) {
  const at::NoGradGuard no_grad;
  const OptimizerFiles files(checkpoint);
  for (StateSlice& slice : slices) {
    const bool whole = files.copy("exp_avg.", slice, slice.exp_avg) &&
                       files.copy("exp_avg_sq.", slice, slice.exp_avg_sq);
    if (!whole) {
      throw WeightsError(
          format("{}: the optimizer's state of {} is not complete: another set of parameters was "
                 "trained (train.freeze, train.trainable), or a rank's file is missing",
                 checkpoint, slice.name));
    }
    (void)files.copy("master.", slice, slice.master);
    if (slice.average.defined() && !files.copy("average.", slice, slice.average)) {
      slice.average.copy_(slice.master);  // the average begins here
    }
  }
  const bool same_ranks = static_cast<int64_t>(files.files().size()) == communicator.world_size();
  interval.zero_();
  for (size_t rank = 0; rank < files.files().size(); ++rank) {
    const at::Tensor* saved = files.files()[rank].find("interval");
    if (saved == nullptr || saved->sizes() != interval.sizes()) continue;
    const int64_t owner = same_ranks ? static_cast<int64_t>(rank) : 0;
    if (owner == communicator.rank()) interval.add_(*saved);
  }
}

}  // namespace mentor
