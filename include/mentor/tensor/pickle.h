#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// One value of a pickle, as data: no name in it is ever looked up, nothing is called.
struct PickleValue {
  enum class Kind {
    kNone,
    kBool,     // integer
    kInt,      // integer
    kFloat,    // real
    kString,   // text
    kBytes,    // text: bytes, and integers beyond 64 bits
    kList,     // items: elements; sets too
    kTuple,    // items: elements
    kDict,     // items: key, value, key, value, ...
    kGlobal,   // text: "module name", a class or function that stays a name
    kObject,   // text: its class; items and state: whatever it was filled with
    kStorage,  // items[0]: the persistent id
    kTensor,   // items: storage, offset, sizes, strides
  };

  /// Whether it has keys: a dict, or an object that may be a subclass of one.
  [[nodiscard]] bool is_mapping() const { return kind == Kind::kDict || kind == Kind::kObject; }
  /// Value of a dict's key or of an object's attribute; nullptr when absent. The last one counts.
  [[nodiscard]] const PickleValue* find(std::string_view key) const;
  [[nodiscard]] const PickleValue* find(int64_t key) const;

  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double real = 0;
  std::string_view text;
  std::vector<PickleValue*> items;
  PickleValue* state = nullptr;  // of an object: what it was restored from, usually its attributes
};

/// Reads one pickle (protocols 0 to 5) into values. A pickle is a program; this machine knows the
/// calls that restore tensors and plain containers, keeps instances of unknown classes as opaque
/// objects, and refuses every other call. Values live in one arena: shared, cyclic and deeply
/// nested ones need no recursion, and memory stays proportional to the bytes.
class Pickle {
 public:
  /// `bytes` must outlive the values. Throws WeightsError that begins with `where`.
  Pickle(std::string_view bytes, const std::string& where);

  [[nodiscard]] const PickleValue& root() const { return *root_; }
  /// Bytes up to and including STOP: a legacy file has several pickles in a row.
  [[nodiscard]] size_t consumed() const { return consumed_; }
  /// Every kStorage value, in the order of the file.
  [[nodiscard]] const std::vector<const PickleValue*>& storages() const { return storages_; }

 private:
  friend class PickleMachine;

  std::deque<PickleValue> values_;
  std::deque<std::string> names_;  // of globals
  std::vector<const PickleValue*> storages_;
  const PickleValue* root_ = nullptr;
  size_t consumed_ = 0;
};

}  // namespace mentor
