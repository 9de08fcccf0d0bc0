#include "mentor/tensor/state_dict.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

namespace mentor {

void StateDict::set(std::string key, at::Tensor value) {
  const auto [position, inserted] = index_.try_emplace(key, entries_.size());
  if (inserted) {
    entries_.emplace_back(std::move(key), std::move(value));
  } else {
    entries_[position->second].second = std::move(value);
  }
}

const at::Tensor* StateDict::find(std::string_view key) const {
  const auto position = index_.find(std::string(key));
  return position == index_.end() ? nullptr : &entries_[position->second].second;
}

bool StateDict::contains(std::string_view key) const { return find(key) != nullptr; }

const at::Tensor& StateDict::at(std::string_view key) const {
  const at::Tensor* value = find(key);
  if (value == nullptr) throw WeightsError(format("tensor '{}' is missing", key));
  return *value;
}

bool StateDict::erase(std::string_view key) {
  const auto position = index_.find(std::string(key));
  if (position == index_.end()) return false;
  const size_t removed = position->second;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(removed));
  index_.erase(position);
  for (auto& [name, index] : index_) {
    if (index > removed) --index;
  }
  return true;
}

StateDict StateDict::below(std::string_view prefix) const {
  StateDict selected;
  for (const auto& [key, value] : entries_) {
    if (key.starts_with(prefix)) selected.set(key.substr(prefix.size()), value);
  }
  return selected;
}

}  // namespace mentor
