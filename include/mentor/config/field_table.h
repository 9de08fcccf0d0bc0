#pragma once

#include "mentor/config/fields.h"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mentor {

using FieldValue =
    std::variant<bool, int64_t, double, std::string, std::filesystem::path, std::vector<int64_t>,
                 std::vector<double>, std::vector<std::string>>;

/// One field of a configuration, without its type: what reading, dumping and help work on.
struct Field {
  using Pointer =
      std::variant<bool*, int64_t*, double*, std::string*, std::filesystem::path*,
                   std::vector<int64_t>*, std::vector<double>*, std::vector<std::string>*>;

  std::string path;  // "model.decoder.dim"
  Pointer target;
  std::string help;
  Bound bound;
  /// Of a preset: gives the section that holds it the values its word stands for.
  std::function<void(const std::string&)> apply_preset;

  [[nodiscard]] FieldValue value() const;
  void assign(const FieldValue& value) const;   // `value` must be of the field's type
  [[nodiscard]] std::string type_name() const;  // "integer", "list of numbers", ...
};

struct Section {
  std::string path;  // "model.decoder"
  std::string help;
};

/// Every field and section of one configuration object, in the order of their description. Points
/// into the object, which must outlive it.
class FieldTable {
 public:
  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }
  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }
  [[nodiscard]] const Field* find_field(std::string_view path) const;
  [[nodiscard]] const Section* find_section(std::string_view path) const;
  /// Names of the fields and sections directly in `section` ("" for the top).
  [[nodiscard]] std::vector<std::string> keys_in(std::string_view section) const;

 private:
  friend class FieldVisitor;
  std::vector<Field> fields_;
  std::vector<Section> sections_;
};

/// "model.decoder.dim" -> "model.decoder"; "" for a path without a dot.
[[nodiscard]] std::string_view parent_path(std::string_view path);
/// "model.decoder" and "dim" -> "model.decoder.dim".
[[nodiscard]] std::string join_path(std::string_view section, std::string_view key);
/// "> 0", "0 to 1", "gelu | gelu_new"; "" when anything goes.
[[nodiscard]] std::string describe(const Bound& bound);

/// The visitor that collects the table.
class FieldVisitor {
 public:
  template <HasFields T>
  void operator()(std::string_view name, T& section, std::string_view help) {
    const std::string outer = std::exchange(prefix_, join_path(prefix_, name));
    table_.sections_.push_back({prefix_, std::string(help)});
    section.fields(*this);
    prefix_ = outer;
  }
  template <class T>
  requires std::constructible_from<Field::Pointer, T*>
  void operator()(std::string_view name, T& value, std::string_view help, Bound bound = {}) {
    add(name, &value, help, std::move(bound));
  }
  /// A preset: a word that sets other fields of its section before any other key is read.
  void operator()(std::string_view name, std::string& value, std::string_view help, Bound bound,
                  std::function<void(const std::string&)> apply_preset) {
    add(name, &value, help, std::move(bound), std::move(apply_preset));
  }

  [[nodiscard]] FieldTable take() { return std::move(table_); }

 private:
  void add(std::string_view name, Field::Pointer target, std::string_view help, Bound bound,
           std::function<void(const std::string&)> apply_preset = {});

  std::string prefix_;
  FieldTable table_;
};

template <HasFields T>
[[nodiscard]] FieldTable fields_of(T& config) {
  FieldVisitor visitor;
  config.fields(visitor);
  return visitor.take();
}

}  // namespace mentor
