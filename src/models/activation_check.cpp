#include "activation_check.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <nlohmann/json.hpp>

#include <system_error>

namespace mentor {
namespace {

/// dense_act_fn as Hugging Face resolves it: BLIP-2 keeps T5's settings in text_config, and a
/// gated feed-forward without the key uses gelu_new. Empty when the file says nothing.
std::string published_activation(const fs::path& file) {
  try {
    const auto json = nlohmann::json::parse(read_text(file));
    const auto& text = json.contains("text_config") ? json.at("text_config") : json;
    const std::string projection = text.value("feed_forward_proj", "");
    return text.value("dense_act_fn", projection == "gated-gelu" ? "gelu_new" : "");
  } catch (const nlohmann::json::exception& error) {
    throw WeightsError(format("{}: {}", file, error.what()));
  }
}

}  // namespace

void check_activation(const fs::path& weights, const std::string& activation,
                      std::vector<std::string>& notes) {
  std::error_code ignored;
  const fs::path folder = fs::is_directory(weights, ignored) ? weights : weights.parent_path();
  const fs::path file = folder / "config.json";
  const std::string published = fs::exists(file, ignored) ? published_activation(file) : "";
  if (published.empty()) {
    notes.push_back(
        format("{}: no config.json names the activation, so model.t5.activation {} is "
               "taken unchecked",
               weights, activation));
  } else if (published != activation) {
    throw ConfigError(
        format("model.t5.activation: is {}, but {} was trained with dense_act_fn {} (config.json): "
               "set model.t5.activation: {}",
               activation, folder, published, published));
  }
}

}  // namespace mentor
