#include "pretrained_text.h"

#include "mentor/config/yaml.h"
#include "mentor/core/format.h"
#include "mentor/models/model_fit.h"
#include "mentor/tensor/weights_file.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mentor {
namespace {

constexpr size_t kMostNames = 10;

/// "a, b, c and 7 more"
std::string list(const std::vector<std::string>& names, size_t most = kMostNames) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return names.size() <= most ? text : text + format(" and {} more", names.size() - most);
}

std::string tensors(size_t count) { return count == 1 ? "1 tensor" : format("{} tensors", count); }

/// "a is [31, 16], expected [32, 16]"
std::string describe(const ShapeMismatch& mismatch) {
  return format("{} is {}, expected {}", mismatch.key, yaml_text(mismatch.found),
                yaml_text(mismatch.expected));
}

}  // namespace

std::vector<std::string> PretrainedReport::lines() const {
  std::vector<std::string> lines;
  for (const PartFile& part : parts) {
    lines.push_back(format("{}: {} from {}", mentor::describe(part.part),
                           tensors(static_cast<size_t>(part.tensors)), part.file));
  }
  for (const auto& [file, group] : ignored) {
    lines.push_back(format("{}: {} not used: {} ({})", file, tensors(group.keys.size()),
                           group.reason, list(group.keys, 1)));
  }
  if (!names.unexpected.empty()) {
    lines.push_back(format("{} not used, the models have no place for them: {}",
                           tensors(names.unexpected.size()), list(names.unexpected)));
  }
  for (const auto& key : names.missing) lines.push_back(format("missing: {}", key));
  for (const auto& mismatch : names.mismatched) lines.push_back(describe(mismatch));
  lines.insert(lines.end(), notes.begin(), notes.end());
  return lines;
}

std::string misfit_message(const ModelConfig& config, const WeightsConfig& weights,
                           const PretrainedReport& report) {
  std::string message;
  const auto add = [&](const std::string& line) {
    message += (message.empty() ? "" : "\n") + line;
  };
  for (const auto& [part, file, count] : report.parts) {
    const auto of_part = [&, part = part](const std::string& name) {
      return part_of(name) == part;
    };
    std::vector<std::string> missing, mismatched;
    std::ranges::copy_if(report.names.missing, std::back_inserter(missing), of_part);
    for (const ShapeMismatch& mismatch : report.names.mismatched) {
      if (of_part(mismatch.key)) mismatched.push_back(describe(mismatch));
    }
    if (missing.empty() && mismatched.empty()) continue;
    if (!missing.empty()) {
      add(format("{}: {} of the {} missing: {}", file, tensors(missing.size()),
                 mentor::describe(part), list(missing)));
    }
    if (!mismatched.empty()) {
      add(format("{}: {} of the {} of another shape: {}", file, tensors(mismatched.size()),
                 mentor::describe(part), list(mismatched)));
    }
    const std::string cure = suggest_configuration(
        config, recognise_file(read_weights(file, {.prefer_ema = weights.codec_ema})).tensors);
    message += "; " + (cure.empty() ? format("see 'mentor weights inspect {}'", file) : cure);
  }
  return message;
}

}  // namespace mentor
