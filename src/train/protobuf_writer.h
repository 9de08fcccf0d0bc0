#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace mentor {

/// Fields of one protocol buffer message, in its wire format. The library itself is not used:
/// LibTorch exports another copy of it, and a writer is this short.
class ProtobufWriter {
 public:
  ProtobufWriter& integer(uint32_t field, int64_t value) {
    key(field, 0);
    varint(static_cast<uint64_t>(value));
    return *this;
  }
  ProtobufWriter& real64(uint32_t field, double value) {
    key(field, 1);
    return fixed(std::bit_cast<uint64_t>(value));
  }
  ProtobufWriter& real32(uint32_t field, float value) {
    key(field, 5);
    return fixed(std::bit_cast<uint32_t>(value));
  }
  ProtobufWriter& bytes(uint32_t field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    text_ += value;
    return *this;
  }
  ProtobufWriter& message(uint32_t field, const ProtobufWriter& value) {
    return bytes(field, value.text_);
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void key(uint32_t field, uint32_t wire_type) { varint(field << 3 | wire_type); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
    text_ += static_cast<char>(value);
  }
  template <class T>
  ProtobufWriter& fixed(T value) {
    for (size_t i = 0; i < sizeof value; ++i) text_ += static_cast<char>(value >> 8 * i);
    return *this;
  }

  std::string text_;
};

}  // namespace mentor
