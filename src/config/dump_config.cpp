#include "mentor/config/yaml.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "scalar.h"

#include <algorithm>

namespace mentor {
namespace {

constexpr size_t kCommentColumn = 44;

std::string to_yaml(bool value) { return value ? "true" : "false"; }
std::string to_yaml(int64_t value) { return format("{}", value); }
std::string to_yaml(double value) { return format("{}", value); }
std::string to_yaml(const std::string& value) { return quote_scalar(value); }
std::string to_yaml(const std::filesystem::path& value) { return quote_scalar(value.string()); }
template <class T>
std::string to_yaml(const std::vector<T>& values) {
  std::string text = "[";
  for (const T& value : values) text += (text.size() > 1 ? ", " : "") + to_yaml(value);
  return text + "]";
}

size_t depth_of(std::string_view path) {
  return static_cast<size_t>(std::ranges::count(path, '.'));
}

std::string_view leaf_of(std::string_view path) { return path.substr(path.rfind('.') + 1); }

/// Headers of the sections around `path` that are not open yet.
void open_sections(const std::string& path, std::string& open, std::string& out) {
  const std::string section(parent_path(path));
  if (section.empty() || (open + ".").starts_with(section + ".")) return;
  open_sections(section, open, out);
  const std::string name = quote_scalar(std::string(leaf_of(section)));  // of an entry: "null"
  out += format("{}{}:\n", std::string(2 * depth_of(section), ' '), name);
  open = section;
}

/// Presets, what differs from `baseline`, and of an entry without such a value its first: an entry
/// exists by being named. Everything without `baseline`.
std::vector<bool> fields_to_show(const FieldTable& table, const FieldTable* baseline) {
  const std::vector<Field>& fields = table.fields();
  std::vector<bool> shown(fields.size(), true);
  if (!baseline) return shown;
  for (size_t i = 0; i < fields.size(); ++i) {
    // A preset is always shown: it is what the values left out rest on.
    shown[i] = fields[i].apply_preset || fields[i].value() != baseline->fields()[i].value();
  }
  for (const Group& group : table.groups()) {
    for (const std::string& name : group.names) {
      const std::string entry = join_path(group.path, name) + ".";
      std::vector<size_t> of_entry;
      for (size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].path.starts_with(entry)) of_entry.push_back(i);
      }
      if (std::ranges::none_of(of_entry, [&](size_t i) { return shown[i]; })) {
        shown[of_entry.front()] = true;
      }
    }
  }
  return shown;
}

std::string help_lines(const Field& field, int columns) {
  constexpr int kIndent = 6;
  const std::string range = describe(field.bound);
  std::string head = format("  {}: {}", field.path, field.type_name());
  if (!range.empty()) head += format(", {}", range);
  head += format(" (default {})", yaml_text(field.value()));
  return wrap_words(head, columns, kIndent) + "\n" + std::string(kIndent, ' ') +
         wrap_words(field.help, columns, kIndent) + "\n";
}

std::string list_of_sections(const FieldTable& table, int columns) {
  constexpr int kHelpColumn = 20;
  std::string text = "Sections of a configuration file:\n";
  for (const Section& section : table.sections()) {
    text +=
        format("  {:<17} ", section.path) + wrap_words(section.help, columns, kHelpColumn) + "\n";
  }
  return text + "\n" +
         wrap_words(
             "'mentor config help SECTION' explains the keys of one, 'mentor config help "
             "all' those of all sections. 'base: OTHER.yaml' at the top of a file takes "
             "over what OTHER.yaml says.",
             columns, 0) +
         "\n";
}

[[noreturn]] void fail_unknown(const FieldTable& table, const std::string& section) {
  std::vector<std::string> paths = {"all"};
  for (const Section& known : table.sections()) paths.push_back(known.path);
  for (const Field& field : table.fields()) paths.push_back(field.path);
  const std::string nearest = nearest_word(section, paths);
  throw ConfigError(format("there is no section or key '{}'{}", section,
                           nearest.empty()
                               ? std::string(": 'mentor config help' lists the sections")
                               : format(" (did you mean '{}'?)", nearest)));
}

}  // namespace

void Origins::set(const std::string& path, std::string origin, bool written) {
  origins_[path] = {std::move(origin), written};
}

std::string Origins::of(const std::string& path) const {
  const auto found = origins_.find(path);
  return found == origins_.end() ? "default" : found->second.text;
}

std::string Origins::where(const std::string& path) const {
  auto found = origins_.find(path);
  if (found == origins_.end()) {  // a section: one of its keys
    found = origins_.lower_bound(path + ".");
    if (found != origins_.end() && !found->first.starts_with(path + ".")) found = origins_.end();
  }
  const bool written = found != origins_.end() && found->second.written;
  return (written ? found->second.text : name_) + ": ";
}

std::string yaml_text(const FieldValue& value) {
  return std::visit([](const auto& x) { return to_yaml(x); }, value);
}

void apply_presets(const FieldTable& baseline, const FieldTable& table) {
  for (size_t i = 0; i < table.fields().size(); ++i) {
    const Field& preset = table.fields()[i];
    // Only a preset that was asked for differs from the default, which is applied already.
    if (!preset.apply_preset || preset.value() == baseline.fields()[i].value()) continue;
    baseline.fields()[i].apply_preset(std::get<std::string>(preset.value()));
  }
}

std::string dump_config(const FieldTable& table, const Origins& origins,
                        const FieldTable* baseline) {
  std::string out;
  std::string open;
  const std::vector<bool> shown = fields_to_show(table, baseline);
  for (size_t i = 0; i < table.fields().size(); ++i) {
    const Field& field = table.fields()[i];
    if (!shown[i]) continue;
    open_sections(field.path, open, out);
    std::string line = format("{}{}: {}", std::string(2 * depth_of(field.path), ' '),
                              leaf_of(field.path), yaml_text(field.value()));
    if (line.size() < kCommentColumn) line.append(kCommentColumn - line.size(), ' ');
    out += format("{}  # {}\n", line, origins.of(field.path));
  }
  return out;
}

std::string config_help(const FieldTable& defaults, const std::string& section, int columns) {
  if (section.empty()) return list_of_sections(defaults, columns);
  std::string text;
  std::string open;
  for (const Field& field : defaults.fields()) {
    if (section != "all" && field.path != section && !field.path.starts_with(section + ".")) {
      continue;
    }
    const std::string parent(parent_path(field.path));
    if (const Section* header = defaults.find_section(parent); header && open != parent) {
      text += format("{}{}: {}\n", text.empty() ? "" : "\n", header->path, header->help);
      open = parent;
    }
    text += help_lines(field, columns);
  }
  if (text.empty()) fail_unknown(defaults, section);
  return text;
}

}  // namespace mentor
