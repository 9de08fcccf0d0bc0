#pragma once

#include "mentor/core/filesystem.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace mentor {

/// Torch-free reader of fixture files: raw bytes and shapes of the tensors, nothing is checked.
class RawSafetensors {
 public:
  explicit RawSafetensors(const fs::path& file) : content_(read_text(file)) {
    uint64_t header_size = 0;
    std::memcpy(&header_size, content_.data(), sizeof(header_size));
    header_ = nlohmann::json::parse(content_.substr(8, header_size));
    data_begin_ = 8 + header_size;
  }

  [[nodiscard]] bool contains(const std::string& name) const { return header_.contains(name); }

  [[nodiscard]] std::vector<int64_t> shape(const std::string& name) const {
    return header_.at(name).at("shape").get<std::vector<int64_t>>();
  }

  template <class T>
  [[nodiscard]] std::vector<T> values(const std::string& name) const {
    const auto range = header_.at(name).at("data_offsets").get<std::vector<size_t>>();
    std::vector<T> values((range[1] - range[0]) / sizeof(T));
    std::memcpy(values.data(), content_.data() + data_begin_ + range[0], range[1] - range[0]);
    return values;
  }

 private:
  std::string content_;
  nlohmann::json header_;
  size_t data_begin_ = 0;
};

}  // namespace mentor
