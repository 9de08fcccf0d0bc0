#pragma once

#include "mentor/config/fields.h"

#include <filesystem>
#include <functional>
#include <map>
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

/// A section whose own sections are entries of a map, which appear by being named.
struct Group {
  std::string path;  // "data.mixture"
  /// Adds an entry of default values unless there is one. Only a table made afterwards has it.
  std::function<void(const std::string& name)> add;
  std::vector<std::string> names;
};

/// Every field and section of one configuration object, in the order of their description. Points
/// into the object, which must outlive it.
class FieldTable {
 public:
  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }
  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }
  [[nodiscard]] const Field* find_field(std::string_view path) const;
  [[nodiscard]] const Section* find_section(std::string_view path) const;
  [[nodiscard]] const Group* find_group(std::string_view path) const;
  /// Names of the fields and sections directly in `section` ("" for the top).
  [[nodiscard]] std::vector<std::string> keys_in(std::string_view section) const;

 private:
  friend class FieldVisitor;
  std::vector<Field> fields_;
  std::vector<Section> sections_;
  std::vector<Group> groups_;
};

/// What may be the name of an entry: letters, digits, - and _.
[[nodiscard]] bool is_entry_name(std::string_view name);

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
  /// A group. Not in a section with a preset, which would renew the entries under their fields.
  template <HasFields T>
  void operator()(std::string_view name, std::map<std::string, T>& entries, std::string_view help) {
    Group group{.path = join_path(prefix_, name)};
    group.add = [&entries](const std::string& entry) { entries.try_emplace(entry); };
    for (const auto& [entry, value] : entries) group.names.push_back(entry);
    table_.sections_.push_back({group.path, std::string(help)});
    const std::string outer = std::exchange(prefix_, group.path);
    for (auto& [entry, value] : entries) (*this)(entry, value, "one entry of " + group.path);
    prefix_ = outer;
    table_.groups_.push_back(std::move(group));
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

/// The table with an entry "NAME" in every group of `config`, for help texts.
template <HasFields T>
[[nodiscard]] FieldTable fields_for_help(T& config) {
  const FieldTable table = fields_of(config);
  for (const Group& group : table.groups()) group.add("NAME");
  return fields_of(config);
}

}  // namespace mentor
