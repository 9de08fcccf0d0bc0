#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mentor {

/// Ordered map from key to tensor: what a checkpoint file holds and what a module takes. The
/// tensors may be views of a mapped file (they keep the mapping alive); aliases share storage.
class StateDict {
 public:
  using Entry = std::pair<std::string, at::Tensor>;

  /// Adds or replaces.
  void set(std::string key, at::Tensor value);
  [[nodiscard]] bool contains(std::string_view key) const;
  /// Throws WeightsError naming the key when it is absent.
  [[nodiscard]] const at::Tensor& at(std::string_view key) const;
  /// nullptr when absent.
  [[nodiscard]] const at::Tensor* find(std::string_view key) const;
  bool erase(std::string_view key);

  [[nodiscard]] size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }

  /// Entries whose key starts with `prefix`, with the prefix removed.
  [[nodiscard]] StateDict below(std::string_view prefix) const;

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace mentor
