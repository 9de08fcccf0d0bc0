// The only file that includes yaml-cpp.

#include "mentor/config/yaml.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "scalar.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace mentor {
namespace {

/// One value that somebody wrote, checked.
struct Setting {
  FieldValue value;
  std::string origin;
};

std::string did_you_mean(const std::string& nearest) {
  return nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest);
}

/// The nearest key in the section; else the same key, or one much like it, in another section.
std::string suggest_key(const FieldTable& table, const std::string& section,
                        const std::string& key) {
  const std::vector<std::string> siblings = table.keys_in(section);
  const std::string sibling = nearest_word(key, siblings);
  if (!sibling.empty()) return sibling;
  std::vector<std::string> leaves;
  for (const Field& field : table.fields()) {
    leaves.push_back(field.path.substr(field.path.rfind('.') + 1));
  }
  const std::string leaf = nearest_word(key.substr(key.rfind('.') + 1), leaves);
  if (leaf.empty()) return "";
  const auto found = std::ranges::find(leaves, leaf) - leaves.begin();
  return table.fields()[static_cast<size_t>(found)].path;
}

std::string kind_of(const YAML::Node& node) {
  if (node.IsMap()) return "a section";
  if (node.IsSequence()) return "a list";
  if (node.IsScalar()) return format("'{}'", node.Scalar());
  return "nothing";
}

/// The field's type as a noun phrase: "an integer".
std::string one_value(const Field& field) {
  const std::string type = field.type_name();
  if (type == "true or false") return type;
  return (type.starts_with("i") ? "an " : "a ") + type;
}

/// yaml-cpp's tag of a scalar: "!" if quoted, "?" if plain.
Scalar scalar_of(const YAML::Node& node) {
  if (!node.IsScalar()) return {};
  return {.text = node.Scalar(), .quoted = node.Tag() == "!"};
}

/// Collects the settings of all files and overrides, and everything that is wrong with them.
class ConfigReader {
 public:
  explicit ConfigReader(const FieldTable& table) : table_(table) {}

  void read_input(const ConfigInput& input) {
    if (input.text) {
      read_text_of(input.name, *input.text, fs::current_path());
    } else {
      read_file(input.name);
    }
    for (const Override& override : input.overrides) read_override(override);
  }

  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  [[nodiscard]] const std::map<std::string, Setting>& settings() const { return settings_; }
  /// Named in a group of the table that has no such entry.
  [[nodiscard]] const std::vector<std::pair<const Group*, std::string>>& new_entries() const {
    return new_entries_;
  }

 private:
  void read_file(const fs::path& file) {
    open_files_.push_back(file);
    read_text_of(file.string(), read_text(file), fs::absolute(file).parent_path());
    open_files_.pop_back();
  }

  /// `folder` is what relative paths in the text start from.
  void read_text_of(const std::string& name, const std::string& text, const fs::path& folder) {
    std::vector<YAML::Node> documents;
    try {
      documents = YAML::LoadAll(text);
    } catch (const YAML::Exception& e) {
      problems_.push_back(format("{}:{}: not YAML: {}", name, e.mark.line + 1, e.msg));
      return;
    }
    if (documents.size() > 1) {
      problems_.push_back(format("{}: holds {} documents; one is needed", name, documents.size()));
      return;
    }
    if (documents.empty() || documents[0].IsNull()) return;
    if (!documents[0].IsMap()) {
      problems_.push_back(format("{}:{}: needs sections (KEY: VALUE lines), not {}", name,
                                 documents[0].Mark().line + 1, kind_of(documents[0])));
      return;
    }
    name_ = name;
    folder_ = folder;
    read_base(documents[0]);
    name_ = name;
    folder_ = folder;
    read_section(documents[0], "");
  }

  /// The file named by `base:` is read first, so that the keys of this one win.
  void read_base(const YAML::Node& document) {
    for (const auto& entry : document) {
      if (scalar_of(entry.first).text != "base") continue;
      const int line = entry.first.Mark().line + 1;
      std::string base;
      const std::string problem = parse_scalar(scalar_of(entry.second), {}, base);
      if (!problem.empty() || base.empty()) {
        problems_.push_back(format("{}:{}: base: needs the path of a YAML file, not {}", name_,
                                   line, kind_of(entry.second)));
        return;
      }
      const fs::path shown = (fs::path(name_).parent_path() / base).lexically_normal();
      read_base_file(fs::path(base).is_absolute() ? fs::path(base) : shown, line);
      return;
    }
  }

  void read_base_file(const fs::path& file, int line) {
    std::error_code error;
    for (const fs::path& open : open_files_) {
      if (!fs::equivalent(open, file, error)) continue;
      std::string chain;
      for (const fs::path& link : open_files_) chain += link.string() + " -> ";
      problems_.push_back(
          format("{}:{}: base: goes round in a circle: {}{}", name_, line, chain, file));
      return;
    }
    if (!fs::is_regular_file(file, error)) {
      problems_.push_back(format("{}:{}: base: there is no file {}", name_, line, file));
      return;
    }
    read_file(file);
  }

  void read_section(const YAML::Node& map, const std::string& section) {
    std::map<std::string, int> seen;  // key -> line
    for (const auto& entry : map) {
      const int line = entry.first.Mark().line + 1;
      place_ = format("{}:{}", name_, line);
      if (!entry.first.IsScalar()) {
        add_problem(section, "a key must be a word");
        continue;
      }
      const std::string& key = entry.first.Scalar();
      const auto [first, is_new] = seen.emplace(key, line);
      if (!is_new) {
        add_problem(join_path(section, key),
                    format("is given twice (first in line {})", first->second));
        continue;
      }
      if (section.empty() && key == "base") continue;
      read_key(section, key, entry.second);
    }
  }

  void read_key(const std::string& section, const std::string& key, const YAML::Node& node) {
    const std::string path = join_path(section, key);
    if (key.find('.') != std::string::npos) {
      add_problem(path, "a key has no dot: put it into its section, which ends with a colon");
    } else if (const Field* field = table_.find_field(path)) {
      read_field(*field, node);
    } else if (const Group* group = table_.find_group(section); group && !has_entry(*group, key)) {
      name_entry(*group, key);
    } else if (!table_.find_section(path)) {
      add_problem(path, "unknown key" + did_you_mean(suggest_key(table_, section, key)));
    } else if (node.IsMap()) {
      read_section(node, path);
    } else if (!node.IsNull()) {  // a section whose keys are all commented out
      add_problem(path, format("is a section and needs keys of its own, not {}", kind_of(node)));
    }
  }

  [[nodiscard]] static bool has_entry(const Group& group, const std::string& name) {
    return std::ranges::find(group.names, name) != group.names.end();
  }

  void name_entry(const Group& group, const std::string& name) {
    if (is_entry_name(name)) {
      new_entries_.emplace_back(&group, name);
    } else {
      add_problem(join_path(group.path, name), "a name is made of letters, digits, - and _");
    }
  }

  void read_override(const Override& override) {
    place_ = override.origin;
    folder_ = fs::current_path();
    for (const Group& group : table_.groups()) {
      if (!override.path.starts_with(group.path + ".")) continue;
      const std::string rest = override.path.substr(group.path.size() + 1);
      const std::string name = rest.substr(0, rest.find('.'));
      if (!has_entry(group, name)) return name_entry(group, name);
    }
    const Field* field = table_.find_field(override.path);
    if (!field) {
      add_problem(override.path,
                  table_.find_section(override.path)
                      ? std::string("is a section: give one of its keys")
                      : "unknown key" + did_you_mean(suggest_override(override.path)));
      return;
    }
    const bool verbatim = std::holds_alternative<std::string*>(field->target) ||
                          std::holds_alternative<fs::path*>(field->target);
    if (verbatim) {
      YAML::Node text(override.value);
      text.SetTag("!");
      read_field(*field, text);
      return;
    }
    try {
      read_field(*field, YAML::Load(override.value));
    } catch (const YAML::Exception& e) {
      add_problem(override.path, format("'{}' is not YAML: {}", override.value, e.msg));
    }
  }

  [[nodiscard]] std::string suggest_override(const std::string& path) const {
    const std::string section(parent_path(path));
    if (!section.empty() && table_.find_section(section)) {
      const std::string key = path.substr(section.size() + 1);
      const std::string nearest = suggest_key(table_, section, key);
      return table_.find_field(nearest) || nearest.empty() ? nearest : join_path(section, nearest);
    }
    std::vector<std::string> paths;
    for (const Field& field : table_.fields()) paths.push_back(field.path);
    const std::string nearest = nearest_word(path, paths);
    return nearest.empty() ? suggest_key(table_, "", path) : nearest;
  }

  void read_field(const Field& field, const YAML::Node& node) {
    std::visit(
        [&](auto* pointer) {
          std::remove_pointer_t<decltype(pointer)> value{};
          if (read_value(field, node, value)) settings_[field.path] = {std::move(value), place_};
        },
        field.target);
  }

  template <class T>
  bool read_value(const Field& field, const YAML::Node& node, T& value) {
    if (node.IsMap() || node.IsSequence()) {
      add_problem(field.path, format("needs {}, not {}", one_value(field), kind_of(node)));
      return false;
    }
    const std::string problem = parse_scalar(scalar_of(node), field.bound, value);
    if (!problem.empty()) add_problem(field.path, problem);
    if constexpr (std::is_same_v<T, fs::path>) {
      if (!value.empty()) value = (folder_ / value).lexically_normal();
    }
    return problem.empty();
  }

  template <class T>
  bool read_value(const Field& field, const YAML::Node& node, std::vector<T>& values) {
    if (!node.IsSequence()) {
      add_problem(field.path, format("needs {}, not {}", one_value(field), kind_of(node)));
      return false;
    }
    bool good = true;
    for (const YAML::Node& element : node) {
      T value{};
      const std::string problem = element.IsMap() || element.IsSequence()
                                      ? format("must not be {}", kind_of(element))
                                      : parse_scalar(scalar_of(element), field.bound, value);
      if (!problem.empty()) {
        add_problem(format("{}[{}]", field.path, values.size()), problem);
        good = false;
      }
      values.push_back(std::move(value));
    }
    return good;
  }

  void add_problem(const std::string& path, const std::string& why) {
    problems_.push_back(path.empty() ? format("{}: {}", place_, why)
                                     : format("{}: {}: {}", place_, path, why));
  }

  const FieldTable& table_;
  std::string name_;   // of the file being read
  fs::path folder_;    // that its paths start from
  std::string place_;  // "file:line" or "--set"
  std::vector<fs::path> open_files_;
  std::vector<std::string> problems_;
  std::map<std::string, Setting> settings_;
  std::vector<std::pair<const Group*, std::string>> new_entries_;
};

}  // namespace

Override parse_override(std::string_view assignment, const std::string& origin) {
  const size_t equals = assignment.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    throw ConfigError(format("{}: '{}' is no assignment: write KEY=VALUE, as in generate.seed=1",
                             origin, assignment));
  }
  return {.path = std::string(assignment.substr(0, equals)),
          .value = std::string(assignment.substr(equals + 1)),
          .origin = origin};
}

void add_named_entries(const ConfigInput& input, const FieldTable& table) {
  if (table.groups().empty()) return;
  ConfigReader reader(table);  // what is wrong is found again by read_config()
  reader.read_input(input);
  for (const auto& [group, name] : reader.new_entries()) group->add(name);
}

Origins read_config(const ConfigInput& input, const FieldTable& table) {
  ConfigReader reader(table);
  reader.read_input(input);
  if (!reader.problems().empty()) {
    std::string message;
    for (const std::string& problem : reader.problems()) {
      message += (message.empty() ? "" : "\n") + problem;
    }
    throw ConfigError(message);
  }

  Origins origins(input.name);
  for (const Field& preset : table.fields()) {
    const auto setting = reader.settings().find(preset.path);
    if (!preset.apply_preset || setting == reader.settings().end()) continue;
    const std::string& word = std::get<std::string>(setting->second.value);
    preset.apply_preset(word);
    const std::string section = std::string(parent_path(preset.path)) + ".";
    for (const Field& field : table.fields()) {
      if (field.path.starts_with(section)) {
        origins.set(field.path, "preset " + word, /*written=*/false);
      }
    }
  }
  for (const auto& [path, setting] : reader.settings()) {
    table.find_field(path)->assign(setting.value);
    origins.set(path, setting.origin, /*written=*/true);
  }
  return origins;
}

}  // namespace mentor
