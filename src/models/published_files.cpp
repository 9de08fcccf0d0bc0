#include "mentor/models/published_files.h"

#include <algorithm>
#include <optional>
#include <span>

namespace mentor {
namespace {

constexpr std::string_view kProjection = "multimodal_encoder.language_projection.";
constexpr std::string_view kLanguage = "multimodal_encoder.language_model.";

constexpr std::string_view kTextDecoder = "T5 decoder and its output layer";
constexpr std::string_view kTextTower = "CLIP text tower and projections";
constexpr std::string_view kWordHead = "what the vision tower was trained with";
constexpr std::string_view kCodecTraining = "what the codec was trained with";
constexpr std::string_view kQueryFormer = "BLIP-2 vision model and Q-Former";

/// Keys that start with `prefix`: the tensor's name starts with `ours` instead, or it is left out.
struct Rule {
  std::string_view prefix;
  std::string_view ours;
  std::string_view ignored = {};
};

constexpr Rule kMentorRules[] = {
    {"multimodal_encoder.language_model.shared.", "multimodal_encoder.language_model.shared."},
    {"multimodal_encoder.language_model.encoder.", "multimodal_encoder.language_model.encoder."},
    {"multimodal_encoder.language_model.decoder.", "", kTextDecoder},
    {"multimodal_encoder.language_model.lm_head.", "", kTextDecoder},
    {kVisionPrefix, kVisionPrefix},
    {kProjection, kProjection},
    {"cls_embedding.", "cls_embedding."},
    {"tok_embeddings.", "tok_embeddings."},
    {"layers.", "layers."},
    {"norm.", "norm."},
    {"output.", "output."},
    {"word_head.", "", kWordHead},
};
constexpr Rule kCodecRules[] = {
    {"encoder.", "codec.encoder."},
    {"decoder.", "codec.decoder."},
    {"quantize.", "codec.quantize."},
    {"quant_conv.", "codec.quant_conv."},
    {"post_quant_conv.", "codec.post_quant_conv."},
    {"discriminator.", "", kCodecTraining},
    {"code_counts", "", kCodecTraining},
};
constexpr Rule kClipRules[] = {
    {"vision_model.", kVisionPrefix},     {"text_model.", "", kTextTower},
    {"text_projection.", "", kTextTower}, {"visual_projection.", "", kTextTower},
    {"logit_scale", "", kTextTower},
};
constexpr Rule kT5Rules[] = {
    {"shared.", "multimodal_encoder.language_model.shared."},
    {"encoder.", "multimodal_encoder.language_model.encoder."},
    {"decoder.", "", kTextDecoder},
    {"lm_head.", "", kTextDecoder},
};
constexpr Rule kBlip2Rules[] = {
    {"language_model.shared.", "multimodal_encoder.language_model.shared."},
    {"language_model.encoder.", "multimodal_encoder.language_model.encoder."},
    {"language_model.decoder.", "", kTextDecoder},
    {"language_model.lm_head.", "", kTextDecoder},
    {"vision_model.", "", kQueryFormer},
    {"qformer.", "", kQueryFormer},
    {"query_tokens", "", kQueryFormer},
    {"language_projection.", "", kQueryFormer},
};
constexpr Rule kProjectorRules[] = {
    {"model.mm_projector.", kProjection},
    {"language_projection.", kProjection},
};

std::span<const Rule> rules_of(FileKind kind) {
  switch (kind) {
    case FileKind::kMentor:
    case FileKind::kLlamaGen:
      return kMentorRules;
    case FileKind::kCodec:
      return kCodecRules;
    case FileKind::kClip:
      return kClipRules;
    case FileKind::kT5:
      return kT5Rules;
    case FileKind::kBlip2:
      return kBlip2Rules;
    case FileKind::kProjector:
      return kProjectorRules;
    case FileKind::kUnknown:
      return {};
  }
  return {};
}

FileKind kind_of(const StateDict& weights) {
  const auto has = [&](std::string_view prefix) {
    return std::any_of(weights.begin(), weights.end(),
                       [&](const auto& entry) { return entry.first.starts_with(prefix); });
  };
  if (has(kEncoderPrefix)) return FileKind::kMentor;
  if (has("tok_embeddings.") || has("cls_embedding.")) return FileKind::kLlamaGen;
  if (has("quantize.") || has("quant_conv.")) return FileKind::kCodec;
  if (has("language_model.")) return FileKind::kBlip2;
  if (has("vision_model.")) return FileKind::kClip;
  if (has("shared.") || has("encoder.block.")) return FileKind::kT5;
  if (has("model.mm_projector.") || has("language_projection.")) return FileKind::kProjector;
  return FileKind::kUnknown;
}

/// Why a key is of no use in a file of any kind; empty when it may be of use.
std::string_view useless(std::string_view key) {
  if (key.find(".kv_cache.") != key.npos) return "key-value caches of a generation";
  if (key.ends_with(".position_ids")) return "position numbers";
  return {};
}

void ignore(std::vector<KeyGroup>& groups, std::string_view reason, const std::string& key) {
  const auto group = std::ranges::find(groups, reason, &KeyGroup::reason);
  if (group == groups.end()) {
    groups.push_back({std::string(reason), {key}});
  } else {
    group->keys.push_back(key);
  }
}

}  // namespace

std::string_view name_of(Part part) {
  constexpr std::string_view kNames[] = {"decoder", "t5", "clip", "projector", "codec"};
  return kNames[static_cast<size_t>(part)];
}

std::string_view describe(Part part) {
  constexpr std::string_view kNames[] = {"decoder (LlamaGen)", "text encoder (T5)",
                                         "vision tower (CLIP)", "projector", "codec (VQGAN)"};
  return kNames[static_cast<size_t>(part)];
}

Part part_of(std::string_view name) {
  if (name.starts_with(kCodecPrefix)) return Part::kCodec;
  if (name.starts_with(kLanguage)) return Part::kT5;
  if (name.starts_with(kProjection)) return Part::kProjector;
  if (name.starts_with(kVisionPrefix)) return Part::kClip;
  return Part::kDecoder;
}

std::string_view describe(FileKind kind) {
  switch (kind) {
    case FileKind::kMentor:
      return "MENTOR";
    case FileKind::kLlamaGen:
      return "LlamaGen decoder";
    case FileKind::kCodec:
      return "VQGAN codec";
    case FileKind::kClip:
      return "CLIP";
    case FileKind::kT5:
      return "T5";
    case FileKind::kBlip2:
      return "BLIP-2";
    case FileKind::kProjector:
      return "projector";
    case FileKind::kUnknown:
      return "unknown";
  }
  return {};
}

bool PublishedFile::holds(Part part) const {
  return std::any_of(tensors.begin(), tensors.end(),
                     [&](const auto& entry) { return part_of(entry.first) == part; });
}

PublishedFile recognise_file(const StateDict& weights) {
  PublishedFile file{.kind = kind_of(weights)};
  const std::span<const Rule> rules = rules_of(file.kind);
  for (const auto& [key, tensor] : weights) {
    const auto rule = std::ranges::find_if(
        rules, [&key = key](const Rule& r) { return key.starts_with(r.prefix); });
    if (!useless(key).empty()) {
      ignore(file.ignored, useless(key), key);
    } else if (rule == rules.end()) {
      file.unexpected.push_back(key);
    } else if (!rule->ignored.empty()) {
      ignore(file.ignored, rule->ignored, key);
    } else {
      file.tensors.set(std::string(rule->ours) + key.substr(rule->prefix.size()), tensor);
    }
  }
  return file;
}

std::string file_key(std::string_view name, KeyLayout layout) {
  const auto replaced = [&](std::string_view ours, std::string_view theirs) {
    return std::string(theirs) + std::string(name.substr(ours.size()));
  };
  if (name.starts_with(kCodecPrefix)) return replaced(kCodecPrefix, "");
  if (layout == KeyLayout::kHuggingFace) {
    if (name.starts_with(kLanguage)) return replaced(kLanguage, "");
    if (name.starts_with(kVisionPrefix)) return replaced(kVisionPrefix, "vision_model.");
    if (name.starts_with(kProjection)) return replaced(kProjection, "model.mm_projector.");
  }
  return std::string(name);
}

}  // namespace mentor
