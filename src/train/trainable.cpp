#include "mentor/train/trainable.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "mentor/nn/parameters.h"
#include "mentor/tensor/dtype.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <unordered_set>

namespace mentor {
namespace {

constexpr std::string_view kUncond = "cls_embedding.uncond_embedding";
const std::string kT5 = "multimodal_encoder.language_model.*";
const std::string kProjector = "multimodal_encoder.language_projection.*";

/// Glob match: `*` is any run of characters.
bool matches(std::string_view pattern, std::string_view name) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (size_t begin = star; begin <= name.size(); ++begin) {
    if (matches(rest, name.substr(begin))) return true;
  }
  return false;
}

bool is_decoder(std::string_view name) { return part_of(name) == Part::kDecoder; }

/// Parameters by name, and the one buffer that can be trained. Aliases once, T5's under `shared`.
std::vector<std::pair<std::string, at::Tensor>> candidates(const ModelSet& models) {
  std::vector<std::pair<std::string, at::Tensor>> found;
  std::unordered_set<const void*> seen;
  const auto add = [&](const torch::nn::Module& module, std::string_view prefix) {
    for (const auto& item : module.named_parameters()) {
      if (seen.insert(item.value().unsafeGetTensorImpl()).second) {
        found.emplace_back(std::string(prefix) + item.key(), item.value());
      }
    }
    for (const auto& item : module.named_buffers()) {
      if (item.key() == kUncond) found.emplace_back(kUncond, item.value());
    }
  };
  if (models.decoder) add(*models.decoder, "");
  if (models.encoder) add(*models.encoder, kEncoderPrefix);
  return found;
}

[[noreturn]] void fail_pattern(const std::string& pattern, const std::vector<std::string>& names) {
  std::set<std::string> modules;  // "layers.*", "multimodal_encoder.language_projection.*"
  for (const std::string& name : names) {
    size_t end = name.find('.');
    if (name.starts_with(kEncoderPrefix)) end = name.find('.', end + 1);
    modules.insert(name.substr(0, end) + ".*");
  }
  std::vector<std::string> choices(modules.begin(), modules.end());
  choices.insert(choices.end(), names.begin(), names.end());
  const std::string nearest = nearest_word(pattern, choices);
  std::string known;
  for (const std::string& module : modules) known += (known.empty() ? "" : ", ") + module;
  throw ConfigError(format("train.trainable: no parameter is called '{}'{}; there are {}", pattern,
                           nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest), known));
}

}  // namespace

bool decays(const std::string& rule, const std::string& name, const at::Tensor& tensor) {
  if (rule == "all") return true;
  static constexpr std::array<std::string_view, 7> kEmbeddings = {
      "tok_embeddings.weight",          "uncond_embedding",          "shared.weight",
      "relative_attention_bias.weight", "position_embedding.weight", "class_embedding",
      "quantize.embedding.weight"};
  const bool embedding = std::ranges::any_of(
      kEmbeddings, [&name](std::string_view ending) { return name.ends_with(ending); });
  return tensor.dim() >= 2 && !(rule == "not_embeddings" && embedding);
}

std::vector<std::string> trainable_patterns(const TrainConfig& config, Stage stage) {
  if (!config.trainable.empty()) return config.trainable;
  std::vector<std::string> patterns;
  if (config.freeze == "script" && stage == Stage::kAlignment) {
    patterns = {"tok_embeddings.*", "norm.*", "output.*", kT5, kProjector};
  } else {
    patterns = {"cls_embedding.*", "tok_embeddings.*", "layers.*",
                "norm.*",          "output.*",         kProjector};
    const bool paper_stage1 = config.freeze == "paper" && stage == Stage::kAlignment;
    if (!paper_stage1) patterns.push_back(kT5);
  }
  return patterns;
}

std::vector<TrainedParameter> choose_trained(const ModelSet& models, const TrainConfig& train,
                                             const OptimizerConfig& optimizer,
                                             const PrecisionConfig& precision, Stage stage) {
  const auto all = candidates(models);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : all) names.push_back(name);
  std::vector<bool> chosen(all.size(), false);
  for (const std::string& pattern : trainable_patterns(train, stage)) {
    const bool takes_away = pattern.starts_with('!');
    const std::string_view wanted = std::string_view(pattern).substr(takes_away ? 1 : 0);
    bool used = false;
    for (size_t i = 0; i < all.size(); ++i) {
      if (!matches(wanted, names[i])) continue;
      used = true;
      chosen[i] = !takes_away;
    }
    // A preset may name a part that this model does not have (no vision: no projector).
    if (!used && !train.trainable.empty()) fail_pattern(std::string(wanted), names);
  }
  std::vector<TrainedParameter> trained;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto& [name, tensor] = all[i];
    if (name == kUncond) chosen[i] = train.train_uncond;
    if (!chosen[i]) continue;
    if (part_of(name) == Part::kClip) {
      throw ConfigError(
          format("train.trainable: chooses {}: the vision tower is always frozen, add "
                 "\"!multimodal_encoder.vision_model.*\"",
                 name));
    }
    const bool low_master = !is_decoder(name) && precision.encoder_master == "bf16";
    trained.push_back({.name = name,
                       .tensor = tensor,
                       .decays = decays(optimizer.decay_rule, name, tensor),
                       .master = low_master ? at::kBFloat16 : at::kFloat});
  }
  if (trained.empty()) throw ConfigError("train.trainable: takes away every parameter");
  return trained;
}

std::vector<ModuleRow> module_rows(const ModelSet& models,
                                   const std::vector<TrainedParameter>& trained) {
  std::map<std::string, const TrainedParameter*> by_name;
  for (const TrainedParameter& parameter : trained) by_name[parameter.name] = &parameter;
  std::vector<ModuleRow> rows;
  for (const Part part : models.parts()) {
    ModuleRow row{.name = std::string(describe(part))};
    bool master = false;
    const auto count = [&](const std::string& name, const at::Tensor& tensor) {
      if (part_of(name) != part) return;
      row.parameters += tensor.numel();
      row.dtype = dtype_name(tensor.scalar_type());
      const auto found = by_name.find(name);
      if (found == by_name.end()) return;
      row.trained += tensor.numel();
      master = master || found->second->master != tensor.scalar_type();
    };
    for (const auto& [name, tensor] : candidates(models)) count(name, tensor);
    if (part == Part::kCodec) {
      row.parameters = count_parameters(*models.codec);
      row.dtype = dtype_name(models.codec->parameters().front().scalar_type());
    }
    if (master) row.dtype += ", master fp32";
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace mentor
