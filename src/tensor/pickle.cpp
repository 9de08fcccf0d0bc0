#include "mentor/tensor/pickle.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "pickle_machine.h"

#include <charconv>
#include <utility>

namespace mentor {
namespace {

/// What a permitted call leaves on the stack.
enum class Effect {
  kOpaque,      // an object of that name
  kArgument,    // its first argument, or an empty list
  kDictionary,  // a dictionary of the pairs in its first argument
  kTensor,      // a tensor of its first four arguments
  kTypedCall,   // arguments are (callable, type, arguments, state): the tensor of the inner call
};

/// Every call that a checkpoint may contain; the values they give are harmless to leave opaque.
const std::unordered_map<std::string_view, Effect>& permitted_calls() {
  static const std::unordered_map<std::string_view, Effect> calls = {
      {"torch._utils _rebuild_tensor", Effect::kTensor},
      {"torch._utils _rebuild_tensor_v2", Effect::kTensor},
      {"torch._utils _rebuild_parameter", Effect::kArgument},
      {"torch._utils _rebuild_parameter_with_state", Effect::kArgument},
      {"torch._tensor _rebuild_from_type_v2", Effect::kTypedCall},
      {"torch Size", Effect::kArgument},
      {"torch device", Effect::kOpaque},
      {"torch dtype", Effect::kOpaque},
      {"collections OrderedDict", Effect::kDictionary},
      {"collections Counter", Effect::kDictionary},
      {"collections defaultdict", Effect::kDictionary},
      {"collections deque", Effect::kArgument},
      {"builtins set", Effect::kArgument},
      {"builtins frozenset", Effect::kArgument},
      {"builtins list", Effect::kArgument},
      {"builtins tuple", Effect::kArgument},
      {"builtins dict", Effect::kDictionary},
      {"builtins bytearray", Effect::kOpaque},
      {"builtins complex", Effect::kOpaque},
      {"builtins range", Effect::kOpaque},
      {"builtins slice", Effect::kOpaque},
      {"copyreg _reconstructor", Effect::kOpaque},
      {"_codecs encode", Effect::kOpaque},
      {"datetime date", Effect::kOpaque},
      {"datetime datetime", Effect::kOpaque},
      {"datetime timedelta", Effect::kOpaque},
      {"numpy dtype", Effect::kOpaque},
      {"numpy.core.multiarray scalar", Effect::kOpaque},
      {"numpy.core.multiarray _reconstruct", Effect::kOpaque},
      {"numpy._core.multiarray scalar", Effect::kOpaque},
      {"numpy._core.multiarray _reconstruct", Effect::kOpaque},
      {"pathlib Path", Effect::kOpaque},
      {"pathlib PosixPath", Effect::kOpaque},
      {"pathlib PurePosixPath", Effect::kOpaque},
      {"pathlib WindowsPath", Effect::kOpaque},
      {"pathlib._local PosixPath", Effect::kOpaque},
  };
  return calls;
}

constexpr size_t kLongestName = 256;

}  // namespace

void PickleMachine::fail(const std::string& why) const {
  throw WeightsError(
      format("{}: damaged or hostile pickle: {} (byte {} of it)", where_, why, position_));
}

void PickleMachine::run() {
  for (;;) {
    const char opcode = take(1)[0];
    if (opcode == '.') break;
    if (!execute_constant(opcode) && !execute_number_line(opcode) && !execute_text(opcode) &&
        !execute_container(opcode) && !execute_update(opcode) && !execute_memo(opcode) &&
        !execute_object(opcode)) {
      fail(format("unknown opcode 0x{:02x}", static_cast<unsigned char>(opcode)));
    }
  }
  pickle_.root_ = pop();
  pickle_.consumed_ = position_;
}

std::string_view PickleMachine::take(size_t count) {
  if (count > bytes_.size() - position_) fail("the pickle ends unexpectedly");
  const std::string_view taken = bytes_.substr(position_, count);
  position_ += count;
  return taken;
}

std::string_view PickleMachine::take_line() {
  const size_t end = bytes_.find('\n', position_);
  if (end == std::string_view::npos) fail("the pickle ends unexpectedly");
  const std::string_view line = bytes_.substr(position_, end - position_);
  position_ = end + 1;
  return line;
}

PickleValue* PickleMachine::make(Kind kind) {
  PickleValue& value = pickle_.values_.emplace_back();
  value.kind = kind;
  return &value;
}

void PickleMachine::push(Kind kind, int64_t integer) {
  stack_.push_back(make(kind));
  stack_.back()->integer = integer;
}

void PickleMachine::push_text(Kind kind, std::string_view text) {
  stack_.push_back(make(kind));
  stack_.back()->text = text;
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  if (module.size() + name.size() > kLongestName) fail("a name that is too long");
  if (module == "__builtin__") module = "builtins";  // Python 2, and protocol 2 of Python 3
  if (module == "copy_reg") module = "copyreg";
  push_text(Kind::kGlobal, pickle_.names_.emplace_back(format("{} {}", module, name)));
}

void PickleMachine::push_items(Kind kind, Values items) {
  stack_.push_back(make(kind));
  stack_.back()->items = std::move(items);
}

PickleValue* PickleMachine::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("the stack is empty");
  return stack_.back();
}

PickleValue* PickleMachine::pop() {
  PickleValue* value = top();
  stack_.pop_back();
  return value;
}

PickleMachine::Values PickleMachine::pop_to_mark() {
  if (marks_.empty()) fail("no mark on the stack");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  marks_.pop_back();
  Values items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  return items;
}

bool PickleMachine::execute_container(char opcode) {
  switch (opcode) {
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case '0':  // POP: a mark when nothing lies above it
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case '1':
      pop_to_mark();
      return true;
    case '2':
      stack_.push_back(top());
      return true;
    case ')':
      push_items(Kind::kTuple, {});
      return true;
    case 't':
      push_items(Kind::kTuple, pop_to_mark());
      return true;
    case '\x85':    // TUPLE1
    case '\x86':    // TUPLE2
    case '\x87': {  // TUPLE3
      Values items(static_cast<size_t>(opcode - '\x85') + 1);
      for (size_t i = items.size(); i-- > 0;) items[i] = pop();
      push_items(Kind::kTuple, std::move(items));
      return true;
    }
    case ']':
    case '\x8f':  // EMPTY_SET
      push_items(Kind::kList, {});
      return true;
    case 'l':
    case '\x91':  // FROZENSET
      push_items(Kind::kList, pop_to_mark());
      return true;
    case '}':
      push_items(Kind::kDict, {});
      return true;
    case 'd': {
      const Values items = pop_to_mark();
      push_items(Kind::kDict, {});
      set_items(stack_.back(), items);
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::execute_update(char opcode) {
  switch (opcode) {
    case 'a': {
      PickleValue* item = pop();
      append(top(), {item});
      return true;
    }
    case 'e':
    case '\x90': {  // ADDITEMS
      const Values items = pop_to_mark();
      append(top(), items);
      return true;
    }
    case 's': {
      PickleValue* value = pop();
      PickleValue* key = pop();
      set_items(top(), {key, value});
      return true;
    }
    case 'u': {
      const Values items = pop_to_mark();
      set_items(top(), items);
      return true;
    }
    case 'b': {  // BUILD: attributes of a dict or a tensor (such as _metadata) are of no use here
      PickleValue* state = pop();
      if (top()->kind == Kind::kObject) top()->state = state;
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::append(PickleValue* target, const Values& items) {
  if (target->kind == Kind::kObject) return;  // a subclass of list: opaque
  if (target->kind != Kind::kList) fail("appending to what is no list");
  target->items.insert(target->items.end(), items.begin(), items.end());
}

void PickleMachine::set_items(PickleValue* target, const Values& items) {
  if (!target->is_mapping()) fail("setting items of what is no dictionary");
  if (items.size() % 2 != 0) fail("a key without a value on the stack");
  target->items.insert(target->items.end(), items.begin(), items.end());
}

bool PickleMachine::execute_memo(char opcode) {
  const auto key_of_line = [&] {
    const std::string_view line = take_line();
    uint64_t key = 0;
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), key);
    if (parsed.ec != std::errc()) fail("a memo key that is no number");
    return key;
  };
  switch (opcode) {
    case 'q':
      memoize(take_number<uint8_t>());
      return true;
    case 'r':
      memoize(take_number<uint32_t>());
      return true;
    case 'p':
      memoize(key_of_line());
      return true;
    case '\x94':  // MEMOIZE
      memoize(memo_.size());
      return true;
    case 'h':
      recall(take_number<uint8_t>());
      return true;
    case 'j':
      recall(take_number<uint32_t>());
      return true;
    case 'g':
      recall(key_of_line());
      return true;
    default:
      return false;
  }
}

void PickleMachine::memoize(uint64_t key) { memo_[key] = top(); }

void PickleMachine::recall(uint64_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) fail(format("memo {} was never stored", key));
  stack_.push_back(found->second);
}

bool PickleMachine::execute_object(char opcode) {
  switch (opcode) {
    case 'c': {
      const std::string_view module = take_line();
      push_global(module, take_line());
      return true;
    }
    case '\x93': {  // STACK_GLOBAL
      const PickleValue* name = pop();
      const PickleValue* module = pop();
      push_global(module->text, name->text);
      return true;
    }
    case 'Q': {  // BINPERSID
      push_items(Kind::kStorage, {pop()});
      pickle_.storages_.push_back(stack_.back());
      return true;
    }
    case 'R': {
      PickleValue* arguments = pop();
      call(pop(), arguments);
      return true;
    }
    case '\x92':  // NEWOBJ_EX: a class, arguments, keyword arguments
      pop();
      [[fallthrough]];
    case '\x81': {  // NEWOBJ: makes an empty instance; its constructor never runs
      pop();
      instantiate(pop());
      return true;
    }
    case 'i': {  // INST
      const std::string_view module = take_line();
      push_global(module, take_line());
      const PickleValue* type = pop();
      push_items(Kind::kTuple, pop_to_mark());
      call(type, pop());
      return true;
    }
    case 'o': {  // OBJ: class and arguments above the mark
      Values items = pop_to_mark();
      if (items.empty()) fail("an object without a class on the stack");
      const PickleValue* type = items.front();
      items.erase(items.begin());
      push_items(Kind::kTuple, std::move(items));
      call(type, pop());
      return true;
    }
    default:
      return false;
  }
}

void PickleMachine::instantiate(const PickleValue* type) {
  if (type->kind != Kind::kGlobal) fail("an instance of what is no class");
  const auto known = permitted_calls().find(type->text);
  if (known != permitted_calls().end() && known->second == Effect::kDictionary) {
    push_items(Kind::kDict, {});
  } else {
    push_text(Kind::kObject, type->text);
  }
}

void PickleMachine::call(const PickleValue* callable, PickleValue* arguments) {
  constexpr int kDeepestCall = 4;  // a typed call wraps another call
  for (int depth = 0; depth < kDeepestCall; ++depth) {
    if (arguments->kind != Kind::kTuple) fail("a call without an argument tuple");
    const Values& items = arguments->items;
    const auto known = callable->kind == Kind::kGlobal ? permitted_calls().find(callable->text)
                                                       : permitted_calls().end();
    if (known == permitted_calls().end()) {
      const auto name = callable->kind == Kind::kGlobal ? callable->text : "a computed function";
      throw WeightsError(
          format("{}: the pickle calls '{}', which is not allowed (only calls that restore "
                 "tensors are; do not load a file of unknown origin, or have its author save the "
                 "tensors as safetensors)",
                 where_, name));
    }
    switch (known->second) {
      case Effect::kOpaque:
        return push_text(Kind::kObject, callable->text);
      case Effect::kArgument:
        if (items.empty()) return push_items(Kind::kList, {});
        return stack_.push_back(items[0]);
      case Effect::kDictionary:
        return push_dictionary_of(items);
      case Effect::kTensor:
        return push_tensor_of(items);
      case Effect::kTypedCall:
        if (items.size() < 3) fail("a tensor with too few arguments");
        callable = items[0];
        arguments = items[2];
    }
  }
  fail("calls nested too deeply");
}

void PickleMachine::push_dictionary_of(const Values& arguments) {
  push_items(Kind::kDict, {});
  PickleValue* dictionary = stack_.back();
  if (arguments.empty() || arguments[0]->kind == Kind::kGlobal) return;  // defaultdict(list)
  const PickleValue& source = *arguments[0];
  num_copied_ += source.items.size();
  if (num_copied_ > bytes_.size()) fail("dictionaries larger than the data");
  if (source.kind == Kind::kDict) {
    dictionary->items = source.items;
    return;
  }
  for (const PickleValue* pair : source.items) {
    if (pair->items.size() != 2) fail("a dictionary of what are no pairs");
    dictionary->items.insert(dictionary->items.end(), pair->items.begin(), pair->items.end());
  }
}

void PickleMachine::push_tensor_of(const Values& arguments) {
  if (arguments.size() < 4) fail("a tensor with too few arguments");
  push_items(Kind::kTensor, {arguments.begin(), arguments.begin() + 4});
}

Pickle::Pickle(std::string_view bytes, const std::string& where) {
  PickleMachine(*this, bytes, where).run();
}

const PickleValue* PickleValue::find(std::string_view key) const {
  if (!is_mapping()) return nullptr;
  for (size_t i = items.size() / 2; i-- > 0;) {
    if (items[2 * i]->kind == Kind::kString && items[2 * i]->text == key) return items[2 * i + 1];
  }
  const bool has_attributes = state != nullptr && state->kind == Kind::kDict;
  return has_attributes ? state->find(key) : nullptr;
}

const PickleValue* PickleValue::find(int64_t key) const {
  if (kind != Kind::kDict) return nullptr;
  for (size_t i = items.size() / 2; i-- > 0;) {
    if (items[2 * i]->kind == Kind::kInt && items[2 * i]->integer == key) return items[2 * i + 1];
  }
  return nullptr;
}

}  // namespace mentor
