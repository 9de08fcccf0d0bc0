#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "tokenizer_definition.h"

#include <nlohmann/json.hpp>

#include <array>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace mentor {
namespace {

using Json = nlohmann::json;

[[noreturn]] void fail_unsupported(const std::string& what, const Json& found) {
  throw std::invalid_argument(
      format("{} {} is not supported (use the tokenizer.json of a published T5, or the folder's "
             "spiece.model alone)",
             what, found.dump().substr(0, 200)));
}

std::string decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int8_t, 256> values;
  values.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  }
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t buffer = 0;
  int num_bits = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char c : text) {
    const int8_t value = values[static_cast<unsigned char>(c)];
    if (value < 0) throw std::invalid_argument("precompiled_charsmap is not base64");
    buffer = buffer << 6 | static_cast<uint32_t>(value);
    num_bits += 6;
    if (num_bits >= 8) {
      num_bits -= 8;
      bytes.push_back(static_cast<char>(buffer >> num_bits & 0xFF));
    }
  }
  return bytes;
}

NormalizerStep parse_replace(const Json& json) {
  const Json& pattern = json.at("pattern");
  const auto content = json.at("content").get<std::string>();
  if (pattern.contains("String")) return ReplaceText{pattern.at("String"), content};
  if (pattern.at("Regex") == " {2,}") return ReplaceSpaceRuns{content};
  fail_unsupported("normalizer", json);
}

void parse_normalizer(const Json& json, std::vector<NormalizerStep>& steps) {
  if (json.is_null()) return;
  const auto type = json.at("type").get<std::string>();
  if (type == "Sequence") {
    for (const Json& step : json.at("normalizers")) parse_normalizer(step, steps);
  } else if (type == "Precompiled") {
    const auto map = decode_base64(json.at("precompiled_charsmap").get<std::string>());
    if (!map.empty()) steps.emplace_back(CharacterMap(map));
  } else if (type == "Strip") {
    steps.emplace_back(StripSpace{json.at("strip_left"), json.at("strip_right")});
  } else if (type == "Replace") {
    steps.push_back(parse_replace(json));
  } else {
    fail_unsupported("normalizer", json);
  }
}

Metaspace parse_metaspace(const Json& json) {
  Metaspace metaspace{.replacement = json.at("replacement"), .split = json.value("split", true)};
  if (metaspace.replacement.empty()) fail_unsupported("pre_tokenizer", json);
  // Files before tokenizers 0.15 know add_prefix_space only.
  const bool add_prefix = json.value("add_prefix_space", true);
  const auto scheme = json.value("prepend_scheme", std::string(add_prefix ? "always" : "never"));
  if (scheme == "first") {
    metaspace.prepend = Metaspace::Prepend::kFirst;
  } else if (scheme == "never") {
    metaspace.prepend = Metaspace::Prepend::kNever;
  } else if (scheme != "always") {
    fail_unsupported("pre_tokenizer", json);
  }
  return metaspace;
}

void parse_pre_tokenizer(const Json& json, std::vector<PreTokenizerStep>& steps) {
  if (json.is_null()) return;
  const auto type = json.at("type").get<std::string>();
  if (type == "Sequence") {
    for (const Json& step : json.at("pretokenizers")) parse_pre_tokenizer(step, steps);
  } else if (type == "WhitespaceSplit") {
    steps.emplace_back(WhitespaceSplit{});
  } else if (type == "Metaspace") {
    const Metaspace metaspace = parse_metaspace(json);
    // Whether a word begins the text would have to be known through the steps before.
    if (metaspace.prepend == Metaspace::Prepend::kFirst && !steps.empty()) {
      fail_unsupported("pre_tokenizer behind another one", json);
    }
    steps.emplace_back(metaspace);
  } else {
    fail_unsupported("pre_tokenizer", json);
  }
}

AddedToken parse_added_token(const Json& json) {
  if (json.value("single_word", false) || json.value("normalized", false)) {
    fail_unsupported("added token", json);
  }
  return {.content = json.at("content"),
          .id = json.at("id"),
          .special = json.value("special", true),
          .strip_left = json.value("lstrip", false),
          .strip_right = json.value("rstrip", false)};
}

void check_post_processor(const Json& json) {
  const bool appends_end = json.is_object() && json.value("type", "") == "TemplateProcessing" &&
                           json.at("single").size() == 2 &&
                           json.at("single")[0].contains("Sequence") &&
                           json.at("single")[1].contains("SpecialToken") &&
                           json.at("single")[1].at("SpecialToken").at("id") == "</s>";
  if (!appends_end) fail_unsupported("post_processor (must append </s> and nothing else)", json);
}

TokenizerDefinition parse_definition(const Json& json) {
  TokenizerDefinition definition;
  const Json& model = json.at("model");
  if (model.at("type") != "Unigram" || model.value("byte_fallback", false)) {
    fail_unsupported("model (must be Unigram without byte_fallback)", model.at("type"));
  }
  definition.unknown_id = model.at("unk_id");
  definition.pieces.reserve(model.at("vocab").size());
  for (const Json& entry : model.at("vocab")) {
    definition.pieces.push_back({entry.at(0), entry.at(1)});
  }
  for (const Json& token : json.at("added_tokens")) {
    definition.added_tokens.push_back(parse_added_token(token));
  }
  parse_normalizer(json.at("normalizer"), definition.pipeline.normalizer);
  parse_pre_tokenizer(json.at("pre_tokenizer"), definition.pipeline.pre_tokenizer);
  check_post_processor(json.at("post_processor"));
  return definition;
}

Json parse_file(const fs::path& file) { return Json::parse(read_text(file)); }

/// Runs `read`; whatever is wrong in the JSON becomes a WeightsError that names the file.
template <class Read>
auto naming(const fs::path& file, Read&& read) {
  try {
    return read();
  } catch (const Json::exception& error) {
    throw WeightsError(format("{}: damaged or not a tokenizer file: {} (copy the file again)", file,
                              error.what()));
  } catch (const std::invalid_argument& error) {
    throw WeightsError(format("{}: {}", file, error.what()));
  }
}

}  // namespace

TokenizerDefinition read_tokenizer_json(const fs::path& file) {
  return naming(file, [&] { return parse_definition(parse_file(file)); });
}

std::map<std::string, int64_t> read_added_tokens(const fs::path& file) {
  if (!fs::exists(file)) return {};
  return naming(file, [&] { return parse_file(file).get<std::map<std::string, int64_t>>(); });
}

}  // namespace mentor
