#pragma once

#include "mentor/tensor/pickle.h"

#include <bit>
#include <cstring>
#include <unordered_map>

namespace mentor {

/// The stack machine that fills a Pickle. Opcodes: the comments of Python's Lib/pickletools.py.
class PickleMachine {
 public:
  PickleMachine(Pickle& pickle, std::string_view bytes, const std::string& where)
      : pickle_(pickle), bytes_(bytes), where_(where) {}

  void run();

 private:
  using Kind = PickleValue::Kind;
  using Values = std::vector<PickleValue*>;

  // Each group executes the opcode and returns true when it is one of its own.
  bool execute_constant(char opcode);
  bool execute_number_line(char opcode);
  bool execute_text(char opcode);
  bool execute_container(char opcode);
  bool execute_update(char opcode);
  bool execute_memo(char opcode);
  bool execute_object(char opcode);

  [[noreturn]] void fail(const std::string& why) const;
  std::string_view take(size_t count);
  std::string_view take_line();
  template <class T>
  T take_number() {  // little-endian, as this machine
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  template <class Length>
  std::string_view take_counted() {
    const auto length = static_cast<uint64_t>(take_number<Length>());
    if (length > bytes_.size() - position_) fail("a string longer than the data");
    return take(length);
  }

  PickleValue* make(Kind kind);
  void push(Kind kind, int64_t integer);
  void push_text(Kind kind, std::string_view text);
  void push_long(std::string_view digits);
  void push_global(std::string_view module, std::string_view name);
  void push_items(Kind kind, Values items);
  PickleValue* pop();
  PickleValue* top();
  Values pop_to_mark();

  void memoize(uint64_t key);
  void recall(uint64_t key);
  void append(PickleValue* target, const Values& items);
  void set_items(PickleValue* target, const Values& items);
  void instantiate(const PickleValue* type);
  void call(const PickleValue* callable, PickleValue* arguments);
  void push_dictionary_of(const Values& arguments);
  void push_tensor_of(const Values& arguments);

  Pickle& pickle_;
  std::string_view bytes_;
  const std::string& where_;
  size_t position_ = 0;
  Values stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleValue*> memo_;
  size_t num_copied_ = 0;  // items copied by calls: bounded, since one list may be passed often
};

}  // namespace mentor
