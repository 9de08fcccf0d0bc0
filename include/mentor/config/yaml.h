#pragma once

#include "mentor/config/field_table.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// A value given on the command line.
struct Override {
  std::string path;              // "generate.top_k"
  std::string value;             // as YAML; texts and paths verbatim
  std::string origin = "--set";  // what messages and dumps name as its source
};

/// "a.b=c" -> Override. Throws ConfigError without a '='.
[[nodiscard]] Override parse_override(std::string_view assignment,
                                      const std::string& origin = "--set");

/// Where a configuration comes from.
struct ConfigInput {
  std::string name;                 // the YAML file, or what messages call `text`
  std::optional<std::string> text;  // YAML that is in no file
  std::vector<Override> overrides;
};

/// Where the values of a configuration come from. What is not in here is a default.
class Origins {
 public:
  explicit Origins(std::string name = "") : name_(std::move(name)) {}

  void set(const std::string& path, std::string origin, bool written);
  /// "stage1.yaml:3", "--set", "preset tiny" or "default".
  [[nodiscard]] std::string of(const std::string& path) const;
  /// Where to look when the value, or a section, is wrong: "stage1.yaml:3: "; "stage1.yaml: " when
  /// nobody wrote it.
  [[nodiscard]] std::string where(const std::string& path) const;

 private:
  struct Origin {
    std::string text;
    bool written;  // by the user, as opposed to a preset
  };
  std::string name_;
  std::map<std::string, Origin> origins_;
};

/// Gives the fields of `table` their values: default < preset < `base:` file < file < overrides.
/// Throws one ConfigError with every problem of every file, a line each: "file:line: key: why".
Origins read_config(const ConfigInput& input, const FieldTable& table);

/// Adds the entries that `input` names to the groups of `table`.
void add_named_entries(const ConfigInput& input, const FieldTable& table);

template <HasFields T>
Origins read_config(const ConfigInput& input, T& config) {
  add_named_entries(input, fields_of(config));
  return read_config(input, fields_of(config));
}

/// Puts the values of `baseline`'s presets into effect: what a configuration is before any other
/// key is read. `table` and `baseline` describe two objects of the same type.
void apply_presets(const FieldTable& baseline, const FieldTable& table);

/// The configuration as YAML that reads back equal, the origin of each value as a comment.
/// With `baseline` only presets, the values that differ from its, and one of every entry.
std::string dump_config(const FieldTable& table, const Origins& origins,
                        const FieldTable* baseline = nullptr);

/// Every value of `config`; `minimal`: presets, and what neither default nor preset gives.
template <HasFields T>
std::string dump_config(T config, const Origins& origins, bool minimal = false) {
  const FieldTable table = fields_of(config);
  if (!minimal) return dump_config(table, origins);
  T untouched;
  const FieldTable defaults = fields_of(untouched);
  for (const Group& group : defaults.groups()) {
    for (const std::string& name : table.find_group(group.path)->names) group.add(name);
  }
  const FieldTable baseline = fields_of(untouched);
  apply_presets(baseline, table);
  return dump_config(table, origins, &baseline);
}

/// Help on "" (the sections), "all", a section or a key: type, default, range and meaning.
/// Throws ConfigError for an unknown section.
std::string config_help(const FieldTable& defaults, const std::string& section, int columns);

/// A value as YAML: "[1, 2]", "0.5", "\"a: b\"".
std::string yaml_text(const FieldValue& value);

}  // namespace mentor
