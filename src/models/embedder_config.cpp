#include "mentor/models/embedder_config.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <system_error>

namespace mentor {
namespace {

using Json = nlohmann::json;

/// Why a config.json cannot be taken; becomes a WeightsError that names the file.
[[noreturn]] void refuse(const std::string& why) { throw std::invalid_argument(why); }

int64_t count(const Json& json, const char* key, int64_t otherwise) {
  const auto value = json.value(key, otherwise);
  if (value < 1) refuse(format("{} is {}", key, value));
  return value;
}

Activation parse_activation(const Json& json, const char* otherwise) {
  const auto name = json.value("hidden_act", std::string(otherwise));
  if (name == "quick_gelu") return Activation::kQuickGelu;
  if (name == "gelu") return Activation::kGelu;
  refuse(format("hidden_act {} is neither gelu nor quick_gelu", name));
}

void check_heads(int64_t width, int64_t heads) {
  if (width % heads != 0) refuse(format("{} heads do not divide a width of {}", heads, width));
}

void check_patches(int64_t image, int64_t patch) {
  if (patch > image) refuse(format("patches of {} pixels in pictures of {}", patch, image));
}

/// What kind of model the file describes.
void check_type(const Json& json, std::string_view wanted) {
  const auto type = json.value("model_type", std::string("nothing"));
  if (type != wanted) refuse(format("it describes '{}', not '{}'", type, wanted));
}

/// The settings of one tower. Files of the time before transformers 4.27 repeat them under
/// NAME_dict, which then counts.
Json tower(const Json& json, const std::string& name) {
  Json settings = json.value(name, Json::object());
  const auto repeated = json.find(name + "_dict");
  if (repeated != json.end() && repeated->is_object()) settings.update(*repeated);
  return settings;
}

ClipEmbedderConfig parse_clip(const Json& json) {
  check_type(json, "clip");
  ClipEmbedderConfig config;
  const Json vision = tower(json, "vision_config"), text = tower(json, "text_config");
  config.vision.hidden_size = count(vision, "hidden_size", config.vision.hidden_size);
  config.vision.intermediate_size =
      count(vision, "intermediate_size", config.vision.intermediate_size);
  config.vision.num_layers = count(vision, "num_hidden_layers", config.vision.num_layers);
  config.vision.num_heads = count(vision, "num_attention_heads", config.vision.num_heads);
  config.vision.image_size = count(vision, "image_size", config.vision.image_size);
  config.vision.patch_size = count(vision, "patch_size", config.vision.patch_size);
  config.vision.layer_norm_eps = vision.value("layer_norm_eps", config.vision.layer_norm_eps);
  config.vision_activation = parse_activation(vision, "quick_gelu");
  config.text = {
      .vocab_size = count(text, "vocab_size", config.text.vocab_size),
      .hidden_size = count(text, "hidden_size", config.text.hidden_size),
      .intermediate_size = count(text, "intermediate_size", config.text.intermediate_size),
      .num_layers = count(text, "num_hidden_layers", config.text.num_layers),
      .num_heads = count(text, "num_attention_heads", config.text.num_heads),
      .max_positions = count(text, "max_position_embeddings", config.text.max_positions),
      .layer_norm_eps = text.value("layer_norm_eps", config.text.layer_norm_eps),
      .activation = parse_activation(text, "quick_gelu"),
      .end_id = text.value("eos_token_id", config.text.end_id)};
  config.projection_dim = count(json, "projection_dim", config.projection_dim);
  check_heads(config.vision.hidden_size, config.vision.num_heads);
  check_heads(config.text.hidden_size, config.text.num_heads);
  check_patches(config.vision.image_size, config.vision.patch_size);
  return config;
}

DinoConfig parse_dinov2(const Json& json) {
  check_type(json, "dinov2");
  if (json.value("use_swiglu_ffn", false)) refuse("use_swiglu_ffn is not supported");
  if (!json.value("qkv_bias", true)) refuse("qkv_bias: false is not supported");
  if (parse_activation(json, "gelu") != Activation::kGelu) refuse("hidden_act is not gelu");
  const DinoConfig defaults;
  const int64_t width = count(json, "hidden_size", 768), patch = count(json, "patch_size", 14),
                image = count(json, "image_size", 224);
  const DinoConfig config{.hidden_size = width,
                          .intermediate_size = static_cast<int64_t>(static_cast<double>(width) *
                                                                    json.value("mlp_ratio", 4.0)),
                          .num_layers = count(json, "num_hidden_layers", defaults.num_layers),
                          .num_heads = count(json, "num_attention_heads", 12),
                          .patch_size = patch,
                          .table_side = image / patch,
                          .layer_norm_eps = json.value("layer_norm_eps", defaults.layer_norm_eps)};
  check_heads(config.hidden_size, config.num_heads);
  check_patches(image, patch);
  return config;
}

template <class Config>
Config read(const fs::path& folder, Config (*parse)(const Json&), const char* published) {
  const fs::path file = folder / "config.json";
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw WeightsError(format("{}: is no folder: name that of {}", folder, published));
  }
  if (!fs::exists(file, ignored)) {
    throw WeightsError(
        format("{}: is missing: the folder must hold all files of {}", file, published));
  }
  try {
    return parse(Json::parse(read_text(file)));
  } catch (const Json::exception& error) {
    throw WeightsError(format("{}: {} (copy the file of {} again)", file, error.what(), published));
  } catch (const std::invalid_argument& error) {
    throw WeightsError(format("{}: {}: name the folder of {}", file, error.what(), published));
  }
}

}  // namespace

ClipEmbedderConfig read_clip_embedder_config(const fs::path& folder) {
  return read(folder, &parse_clip, "openai/clip-vit-base-patch32");
}

DinoConfig read_dinov2_config(const fs::path& folder) {
  return read(folder, &parse_dinov2, "facebook/dinov2-small");
}

}  // namespace mentor
