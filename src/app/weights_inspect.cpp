#include "mentor/app/weights_tools.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/progress.h"
#include "mentor/models/model_fit.h"
#include "mentor/models/published_files.h"
#include "mentor/tensor/dtype.h"
#include "mentor/tensor/statistics.h"
#include "mentor/tensor/weights_file.h"
#include "saved_values.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>
#include <set>

namespace mentor {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMegabyte = 1e6;
constexpr size_t kMostNames = 10;

struct Row {
  std::string key;    // numbers as * when it stands for several
  int64_t count = 1;  // tensors
  std::vector<int64_t> shape;
  at::ScalarType dtype;
  double sum = 0;
};

/// "layers.12.attention.wo.weight" -> "layers.*.attention.wo.weight"
std::string pattern_of(const std::string& key) {
  std::string pattern;
  for (size_t i = 0; i < key.size();) {
    const size_t end = std::min(key.find('.', i), key.size());
    const std::string word = key.substr(i, end - i);
    const bool is_number =
        !word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
    pattern += (i == 0 ? "" : ".") + (is_number ? std::string("*") : word);
    i = end + 1;
  }
  return pattern;
}

/// A row per tensor, or per group of tensors that differ only in the numbers of their keys.
std::vector<Row> rows_of(const StateDict& weights, bool all) {
  std::vector<Row> rows;
  std::map<std::tuple<std::string, std::vector<int64_t>, at::ScalarType>, size_t> groups;
  Progress progress(
      {.what = "inspect", .unit = "tensors", .total = static_cast<int64_t>(weights.size())});
  for (const auto& [key, tensor] : weights) {
    throw_if_interrupted();
    progress.advance();
    const std::string label = all ? key : pattern_of(key);
    const Row row{.key = key,
                  .shape = tensor.sizes().vec(),
                  .dtype = tensor.scalar_type(),
                  .sum = sum_double(tensor)};
    const auto [group, is_new] = groups.try_emplace({label, row.shape, row.dtype}, rows.size());
    if (is_new) {
      rows.push_back(row);
      continue;
    }
    Row& first = rows[group->second];
    first.key = label;
    first.sum += row.sum;
    ++first.count;
  }
  return rows;
}

/// Everything that is printed, in either form.
struct Inspection {
  WeightsReport read;
  StateDict weights;
  PublishedFile file;
  std::vector<SavedValue> others;
  std::vector<std::string> presets;     // that fit
  std::optional<LoadReport> fit;        // against the configuration given
  std::vector<std::string> exceptions;  // that its special rules would make
};

Inspection inspect(const WeightsInspectOptions& options) {
  Inspection found;
  found.weights = read_weights(options.path, {.verify_checksums = options.checksums}, &found.read);
  found.file = recognise_file(found.weights);
  if (found.read.files.size() == 1 && found.read.container != "safetensors") {
    found.others = saved_beside_weights(found.read.files.front(), found.read.wrapper);
  }
  if (options.model) {
    const ModelSet models = build_models(*options.model);
    found.fit =
        compare_weights(models, complete_weights(models, found.file.tensors, found.exceptions));
    auto& unexpected = found.fit->unexpected;
    unexpected.insert(unexpected.end(), found.file.unexpected.begin(), found.file.unexpected.end());
  } else if (found.file.unexpected.empty()) {
    found.presets = fitting_presets(found.file.tensors);
  }
  return found;
}

/// A tensor under two names counts once; the two buffers of the models are no parameters.
int64_t count_parameters(const StateDict& weights) {
  int64_t count = 0;
  std::set<const void*> seen;
  for (const auto& [key, tensor] : weights) {
    const bool is_buffer = key.ends_with("uncond_embedding") || key.ends_with("codebook_used");
    if (!is_buffer && seen.insert(tensor.const_data_ptr()).second) count += tensor.numel();
  }
  return count;
}

double megabytes(const StateDict& weights) {
  double bytes = 0;
  std::set<const void*> seen;
  for (const auto& [key, tensor] : weights) {
    if (!seen.insert(tensor.const_data_ptr()).second) continue;
    bytes += static_cast<double>(tensor.nbytes());
  }
  return bytes / kMegabyte;
}

std::string join(const std::vector<std::string>& words, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(most, words.size()); ++i) text += (i == 0 ? "" : ", ") + words[i];
  if (words.size() > most) text += format(" and {} more", words.size() - most);
  return text.empty() ? "none" : text;
}

std::string dimensions_text(const StateDict& tensors) {
  std::vector<std::string> words;
  for (const Dimension& dimension : dimensions_of(tensors)) {
    words.push_back(dimension.key + " " + dimension.value);
  }
  return join(words, words.size());
}

std::string parts_text(const PublishedFile& file) {
  std::vector<std::string> words;
  for (const Part part : kAllParts) {
    const auto count =
        std::count_if(file.tensors.begin(), file.tensors.end(),
                      [&](const auto& entry) { return part_of(entry.first) == part; });
    if (count > 0) words.push_back(format("{} {}", describe(part), count));
  }
  return format("{} ({})", describe(file.kind), join(words, words.size()));
}

void print_fit(const Inspection& found, std::ostream& out) {
  const auto line = [&](std::string_view label, const std::string& text) {
    out << format("{:<12} {}\n", label, text);
  };
  if (!found.fit) {
    const std::string none = "no preset (compare with a configuration: --model CONFIG)";
    line("fits", found.presets.empty() ? none : join(found.presets, found.presets.size()));
    return;
  }
  std::vector<std::string> mismatched;
  for (const auto& [key, expected, given] : found.fit->mismatched) {
    mismatched.push_back(
        format("{} is {}, expected {}", key, yaml_text(given), yaml_text(expected)));
  }
  const bool fits = found.fit->complete();
  line("fits", fits ? "the configuration" : "not the configuration");
  line("missing",
       format("{}: {}", found.fit->missing.size(), join(found.fit->missing, kMostNames)));
  line("mismatched", format("{}: {}", mismatched.size(), join(mismatched, kMostNames)));
  line("unexpected",
       format("{}: {}", found.fit->unexpected.size(), join(found.fit->unexpected, kMostNames)));
  for (const std::string& note : found.exceptions) line("note", note);
}

void print_head(const Inspection& found, std::ostream& out) {
  const auto line = [&](std::string_view label, const std::string& text) {
    out << format("{:<12} {}\n", label, text);
  };
  line("file", join(found.read.files, found.read.files.size()));
  line("container",
       found.read.container +
           (found.read.wrapper.empty() ? "" : format(", weights under '{}'", found.read.wrapper)));
  if (!found.read.stripped.empty()) {
    line("stripped", join(found.read.stripped, found.read.stripped.size()));
  }
  line("holds", parts_text(found.file));
  line("size", format("{} tensors, {} parameters, {:.1f} MB", found.weights.size(),
                      count_parameters(found.weights), megabytes(found.weights)));
  for (const KeyGroup& group : found.file.ignored) {
    line("not used", format("{} tensors: {}", group.keys.size(), group.reason));
  }
  if (!found.file.unexpected.empty()) {
    line("unknown", format("{} tensors: {}", found.file.unexpected.size(),
                           join(found.file.unexpected, kMostNames)));
  }
  for (const SavedValue& other : found.others) {
    line("besides", format("{}: {}", other.key, other.text));
  }
  line("dimensions", dimensions_text(found.file.tensors));
}

void print_table(const std::vector<Row>& rows, std::ostream& out) {
  size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.key.size());
  const auto print = [&](const std::string& key, const std::string& rest) {
    out << key << std::string(width - key.size() + 2, ' ') << rest << "\n";
  };
  out << "\n";
  for (const Row& row : rows) {
    print(row.key, format("{:>4} x {:<20} {:<5} sum {:.10g}", row.count, yaml_text(row.shape),
                          dtype_name(row.dtype), row.sum));
  }
}

void print_not_finite(const std::vector<Row>& rows, std::ostream& out) {
  std::vector<std::string> keys;
  for (const Row& row : rows) {
    if (!std::isfinite(row.sum)) keys.push_back(row.key);
  }
  if (!keys.empty()) out << "\nNaN or infinite values in " << join(keys, kMostNames) << "\n";
}

Json to_json(const LoadReport& fit) {
  Json json = {{"missing", fit.missing}, {"unexpected", fit.unexpected}};
  json["mismatched"] = Json::array();
  for (const auto& [key, expected, found] : fit.mismatched) {
    json["mismatched"].push_back({{"key", key}, {"expected", expected}, {"found", found}});
  }
  return json;
}

/// Numbers and lists as such; the words of codec.layout are no JSON.
Json dimension_value(const std::string& text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() ? Json(text) : value;
}

Json to_json(const Inspection& found) {
  Json json = {{"files", found.read.files},
               {"container", found.read.container},
               {"wrapper", found.read.wrapper},
               {"stripped", found.read.stripped},
               {"skipped", found.read.skipped},
               {"kind", describe(found.file.kind)},
               {"parameters", count_parameters(found.weights)},
               {"presets", found.presets},
               {"unknown", found.file.unexpected}};
  json["ignored"] = Json::object();
  for (const KeyGroup& group : found.file.ignored) json["ignored"][group.reason] = group.keys;
  json["besides"] = Json::object();
  for (const SavedValue& other : found.others) json["besides"][other.key] = other.text;
  json["dimensions"] = Json::object();
  for (const auto& [key, value] : dimensions_of(found.file.tensors)) {
    json["dimensions"][key] = dimension_value(value);
  }
  if (found.fit) json["fit"] = to_json(*found.fit);
  json["tensors"] = Json::array();
  for (const Row& row : rows_of(found.weights, /*all=*/true)) {
    json["tensors"].push_back({{"key", row.key},
                               {"shape", row.shape},
                               {"dtype", dtype_name(row.dtype)},
                               {"sum", row.sum}});
  }
  return json;
}

}  // namespace

void inspect_weights(const WeightsInspectOptions& options, std::ostream& out) {
  const Inspection found = inspect(options);
  if (options.json) {
    out << to_json(found).dump(1, ' ', false, Json::error_handler_t::replace) << "\n";
    return;
  }
  print_head(found, out);
  print_fit(found, out);
  const std::vector<Row> rows = rows_of(found.weights, options.all);
  print_table(rows, out);
  print_not_finite(rows, out);
}

}  // namespace mentor
