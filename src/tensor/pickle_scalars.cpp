// The opcodes of PickleMachine that push constants, numbers and strings.
#include "pickle_machine.h"

#include <charconv>

namespace mentor {
/// `digits`: two's complement, least significant byte first.
void PickleMachine::push_long(std::string_view digits) {
  if (digits.size() > sizeof(int64_t)) return push_text(Kind::kBytes, digits);
  const bool negative = !digits.empty() && (digits.back() & 0x80) != 0;
  int64_t value = negative ? -1 : 0;
  std::memcpy(&value, digits.data(), digits.size());
  push(Kind::kInt, value);
}

bool PickleMachine::execute_constant(char opcode) {
  switch (opcode) {
    case '\x80':  // PROTO
      if (take_number<uint8_t>() > 5) fail("a protocol newer than 5");
      return true;
    case '\x95':  // FRAME: only a hint for buffering
      take(sizeof(uint64_t));
      return true;
    case 'N':
      push(Kind::kNone, 0);
      return true;
    case '\x88':  // NEWTRUE
    case '\x89':  // NEWFALSE
      push(Kind::kBool, opcode == '\x88');
      return true;
    case 'J':
      push(Kind::kInt, take_number<int32_t>());
      return true;
    case 'K':
      push(Kind::kInt, take_number<uint8_t>());
      return true;
    case 'M':
      push(Kind::kInt, take_number<uint16_t>());
      return true;
    case '\x8a':  // LONG1
      push_long(take_counted<uint8_t>());
      return true;
    case '\x8b':  // LONG4
      push_long(take_counted<uint32_t>());
      return true;
    case 'G': {  // BINFLOAT, big-endian
      const auto bits = __builtin_bswap64(take_number<uint64_t>());
      push(Kind::kFloat, 0);
      stack_.back()->real = std::bit_cast<double>(bits);
      return true;
    }
    default:
      return false;
  }
}

/// Numbers as text: protocol 0.
bool PickleMachine::execute_number_line(char opcode) {
  if (opcode != 'I' && opcode != 'L' && opcode != 'F') return false;
  std::string_view line = take_line();
  if (opcode == 'I' && (line == "00" || line == "01")) {
    push(Kind::kBool, line == "01");
    return true;
  }
  if (line.ends_with('L')) line.remove_suffix(1);
  const char* end = line.data() + line.size();
  push(opcode == 'F' ? Kind::kFloat : Kind::kInt, 0);
  PickleValue* value = stack_.back();
  const auto parsed = opcode == 'F' ? std::from_chars(line.data(), end, value->real)
                                    : std::from_chars(line.data(), end, value->integer);
  if (parsed.ec == std::errc::result_out_of_range) {
    *value = {.kind = Kind::kBytes, .text = line};
  } else if (parsed.ec != std::errc() || parsed.ptr != end) {
    fail("a number that is none");
  }
  return true;
}

bool PickleMachine::execute_text(char opcode) {
  switch (opcode) {
    case 'X':  // BINUNICODE
    case 'T':  // BINSTRING: the str of Python 2
      push_text(Kind::kString, take_counted<uint32_t>());
      return true;
    case '\x8c':  // SHORT_BINUNICODE
    case 'U':     // SHORT_BINSTRING
      push_text(Kind::kString, take_counted<uint8_t>());
      return true;
    case '\x8d':  // BINUNICODE8
      push_text(Kind::kString, take_counted<uint64_t>());
      return true;
    case 'V':  // UNICODE, escapes kept
      push_text(Kind::kString, take_line());
      return true;
    case 'S': {  // STRING in quotes, escapes kept
      const std::string_view line = take_line();
      if (line.size() < 2 || line.front() != line.back()) fail("a string without quotes");
      push_text(Kind::kString, line.substr(1, line.size() - 2));
      return true;
    }
    case 'B':  // BINBYTES
      push_text(Kind::kBytes, take_counted<uint32_t>());
      return true;
    case 'C':  // SHORT_BINBYTES
      push_text(Kind::kBytes, take_counted<uint8_t>());
      return true;
    case '\x8e':  // BINBYTES8
    case '\x96':  // BYTEARRAY8
      push_text(Kind::kBytes, take_counted<uint64_t>());
      return true;
    default:
      return false;
  }
}

}  // namespace mentor
