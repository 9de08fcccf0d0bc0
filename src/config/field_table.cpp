#include "mentor/config/field_table.h"

#include "mentor/core/format.h"

#include <algorithm>

namespace mentor {

FieldValue Field::value() const {
  return std::visit([](const auto* pointer) { return FieldValue(*pointer); }, target);
}

void Field::assign(const FieldValue& value) const {
  std::visit(
      [&](auto* pointer) { *pointer = std::get<std::remove_pointer_t<decltype(pointer)>>(value); },
      target);
}

std::string Field::type_name() const {
  static constexpr const char* kNames[] = {
      "true or false", "integer",          "number",          "text",
      "path",          "list of integers", "list of numbers", "list of texts"};
  static_assert(std::size(kNames) == std::variant_size_v<Pointer>);
  return kNames[target.index()];
}

const Field* FieldTable::find_field(std::string_view path) const {
  const auto found = std::ranges::find(fields_, path, &Field::path);
  return found == fields_.end() ? nullptr : &*found;
}

const Section* FieldTable::find_section(std::string_view path) const {
  const auto found = std::ranges::find(sections_, path, &Section::path);
  return found == sections_.end() ? nullptr : &*found;
}

const Group* FieldTable::find_group(std::string_view path) const {
  const auto found = std::ranges::find(groups_, path, &Group::path);
  return found == groups_.end() ? nullptr : &*found;
}

std::vector<std::string> FieldTable::keys_in(std::string_view section) const {
  std::vector<std::string> keys;
  const size_t skipped = section.empty() ? 0 : section.size() + 1;
  for (const Field& field : fields_) {
    if (parent_path(field.path) == section) keys.push_back(field.path.substr(skipped));
  }
  for (const Section& child : sections_) {
    if (parent_path(child.path) == section) keys.push_back(child.path.substr(skipped));
  }
  return keys;
}

bool is_entry_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::string_view parent_path(std::string_view path) {
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

std::string join_path(std::string_view section, std::string_view key) {
  return section.empty() ? std::string(key) : format("{}.{}", section, key);
}

std::string describe(const Bound& bound) {
  if (!bound.words.empty()) {
    std::string words = bound.words.front();
    for (size_t i = 1; i < bound.words.size(); ++i) words += " | " + bound.words[i];
    return words;
  }
  const bool low = std::isfinite(bound.min);
  const bool high = std::isfinite(bound.max);
  if (low && high && !bound.min_excluded && !bound.max_excluded) {
    return format("{} to {}", bound.min, bound.max);
  }
  std::string range;
  if (low) range = format("{} {}", bound.min_excluded ? ">" : ">=", bound.min);
  if (low && high) range += " and ";
  if (high) range += format("{} {}", bound.max_excluded ? "<" : "<=", bound.max);
  return range;
}

void FieldVisitor::add(std::string_view name, Field::Pointer target, std::string_view help,
                       Bound bound, std::function<void(const std::string&)> apply_preset) {
  table_.fields_.push_back({join_path(prefix_, name), target, std::string(help), std::move(bound),
                            std::move(apply_preset)});
}

}  // namespace mentor
