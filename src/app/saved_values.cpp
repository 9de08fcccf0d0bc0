#include "saved_values.h"

#include "mentor/core/format.h"
#include "mentor/tensor/torch_archive.h"

#include <ATen/core/Tensor.h>

namespace mentor {
namespace {

constexpr double kMegabyte = 1e6;

using Kind = PickleValue::Kind;

/// The dict of an object's attributes, or the value itself.
const PickleValue& mapping_of(const PickleValue& value) {
  return value.kind == Kind::kObject && value.state != nullptr ? *value.state : value;
}

std::string describe(const PickleValue& value) {
  switch (value.kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return value.integer != 0 ? "True" : "False";
    case Kind::kInt:
      return format("{}", value.integer);
    case Kind::kFloat:
      return format("{}", value.real);
    case Kind::kString:
      return std::string(value.text);
    case Kind::kList:
    case Kind::kTuple:
      return format("a list of {}", value.items.size());
    case Kind::kTensor:
      return "a tensor";
    default:
      return "an object";
  }
}

/// "image_size=512, lr=0.0001"
std::string describe_items(const PickleValue& mapping) {
  std::string text;
  for (size_t i = 0; i + 1 < mapping.items.size(); i += 2) {
    text +=
        (i == 0 ? "" : ", ") + describe(*mapping.items[i]) + "=" + describe(*mapping.items[i + 1]);
  }
  return text.empty() ? "empty" : text;
}

/// Number and size of the tensors anywhere below `key`; empty when there are none.
std::string describe_tensors(const StateDict& tensors, const std::string& key) {
  int64_t count = 0;
  double bytes = 0;
  for (const auto& [path, tensor] : tensors) {
    if (!path.starts_with(key + "/")) continue;
    ++count;
    bytes += static_cast<double>(tensor.nbytes());
  }
  return count == 0 ? "" : format("{} tensors, {:.1f} MB", count, bytes / kMegabyte);
}

}  // namespace

std::vector<SavedValue> saved_beside_weights(const fs::path& file, const std::string& wrapper) {
  TorchArchive archive(file);
  std::vector<SavedValue> values;
  if (wrapper.empty() || archive.root().kind != Kind::kDict) return values;
  const StateDict tensors = archive.all_tensors();
  const std::vector<PickleValue*>& items = archive.root().items;
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    const std::string key = describe(*items[i]);
    if (key == wrapper) continue;
    const PickleValue& value = *items[i + 1];
    std::string text = describe_tensors(tensors, key);
    if (text.empty()) {
      text = value.is_mapping() ? describe_items(mapping_of(value)) : describe(value);
    }
    values.push_back({key, std::move(text)});
  }
  return values;
}

}  // namespace mentor
