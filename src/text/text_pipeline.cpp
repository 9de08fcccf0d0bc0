#include "text_pipeline.h"

#include "mentor/core/format.h"
#include "unicode.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace mentor {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

// Fields of one unit of a double-array trie in the layout of the Darts-clone library.
uint32_t unit_label(uint32_t unit) { return unit & ((1U << 31) | 0xFF); }
uint32_t unit_offset(uint32_t unit) { return (unit >> 10) << ((unit & (1U << 9)) >> 6); }
bool unit_has_leaf(uint32_t unit) { return ((unit >> 8) & 1) != 0; }
uint32_t unit_value(uint32_t unit) { return unit & ((1U << 31) - 1); }

constexpr size_t kWholeGraphemeBytes = 6;  // graphemes below this size are looked up whole

void replace_all(std::string& text, std::string_view pattern, std::string_view content) {
  if (pattern.empty()) return;
  for (size_t at = text.find(pattern); at != std::string::npos;
       at = text.find(pattern, at + content.size())) {
    text.replace(at, pattern.size(), content);
  }
}

std::string replace_space_runs(std::string_view text, std::string_view content) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && text[end] == ' ') ++end;
    if (end - at >= 2) {
      result += content;
      at = end;
    } else {
      result += text[at++];
    }
  }
  return result;
}

void split_white_space(std::string_view text, std::vector<std::string>& words) {
  size_t begin = 0;
  const auto add = [&](size_t end) {
    if (end > begin) words.emplace_back(text.substr(begin, end - begin));
  };
  for (size_t at = 0; at < text.size();) {
    const size_t space = leading_space(text.substr(at));
    if (space > 0) {
      add(at);
      begin = at + space;
    }
    at += space > 0 ? space : character_length(text.substr(at));
  }
  add(text.size());
}

void apply_metaspace(const Metaspace& metaspace, std::string text, bool at_start,
                     std::vector<std::string>& words) {
  const std::string& mark = metaspace.replacement;
  replace_all(text, " ", mark);
  const bool wanted = metaspace.prepend == Metaspace::Prepend::kAlways ||
                      (metaspace.prepend == Metaspace::Prepend::kFirst && at_start);
  if (wanted && !text.starts_with(mark)) text.insert(0, mark);
  if (!metaspace.split) {
    words.push_back(std::move(text));
    return;
  }
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(mark, begin + 1), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
}

std::string describe_step(const NormalizerStep& step) {
  return std::visit(
      Overloaded{
          [](const CharacterMap&) { return std::string("charsmap"); },
          [](const StripSpace& strip) {
            return format("strip{}{}", strip.left ? " left" : "", strip.right ? " right" : "");
          },
          [](const ReplaceText& replace) {
            return format("'{}' -> '{}'", replace.pattern, replace.content);
          },
          [](const ReplaceSpaceRuns& replace) { return format("blanks -> '{}'", replace.content); },
      },
      step);
}

std::string describe_step(const PreTokenizerStep& step) {
  constexpr const char* kPrepend[] = {"always", "first", "never"};
  return std::visit(Overloaded{
                        [](const WhitespaceSplit&) { return std::string("white-space split"); },
                        [&](const Metaspace& metaspace) {
                          return format("metaspace {}{}",
                                        kPrepend[static_cast<int>(metaspace.prepend)],
                                        metaspace.split ? "" : " unsplit");
                        },
                    },
                    step);
}

template <class Step>
std::string describe_steps(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) text += (text.empty() ? "" : ", ") + describe_step(step);
  return text.empty() ? "none" : text;
}

}  // namespace

CharacterMap::CharacterMap(std::string_view compiled) {
  uint32_t trie_bytes = 0;
  if (compiled.size() < sizeof(trie_bytes)) throw std::invalid_argument("it is too short");
  std::memcpy(&trie_bytes, compiled.data(), sizeof(trie_bytes));
  compiled.remove_prefix(sizeof(trie_bytes));
  if (trie_bytes == 0 || trie_bytes % sizeof(uint32_t) != 0 || trie_bytes > compiled.size()) {
    throw std::invalid_argument(format("its trie of {} bytes does not fit", trie_bytes));
  }
  trie_.resize(trie_bytes / sizeof(uint32_t));
  std::memcpy(trie_.data(), compiled.data(), trie_bytes);
  replacements_ = compiled.substr(trie_bytes);
}

std::optional<std::string_view> CharacterMap::shortest_prefix(std::string_view key) const {
  size_t node = unit_offset(trie_[0]);
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    node ^= byte;
    if (byte == 0 || node >= trie_.size() || unit_label(trie_[node]) != byte) return std::nullopt;
    const uint32_t unit = trie_[node];
    node ^= unit_offset(unit);
    if (!unit_has_leaf(unit)) continue;
    if (node >= trie_.size()) return std::nullopt;
    const size_t begin = std::min<size_t>(unit_value(trie_[node]), replacements_.size());
    const size_t end = std::min(replacements_.find('\0', begin), replacements_.size());
    return std::string_view(replacements_).substr(begin, end - begin);
  }
  return std::nullopt;
}

std::string CharacterMap::apply(std::string_view text) const {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    std::string_view grapheme = text.substr(0, grapheme_length(text));
    text.remove_prefix(grapheme.size());
    if (grapheme.size() < kWholeGraphemeBytes) {
      if (const auto replacement = shortest_prefix(grapheme)) {
        result += *replacement;
        continue;
      }
    }
    while (!grapheme.empty()) {
      const std::string_view character = grapheme.substr(0, character_length(grapheme));
      result += shortest_prefix(character).value_or(character);
      grapheme.remove_prefix(character.size());
    }
  }
  return result;
}

std::string TextPipeline::normalize(std::string_view text) const {
  std::string result(text);
  for (const NormalizerStep& step : normalizer) {
    std::visit(Overloaded{
                   [&](const CharacterMap& map) { result = map.apply(result); },
                   [&](const StripSpace& strip) {
                     if (strip.right) result.resize(result.size() - trailing_space(result));
                     if (strip.left) result.erase(0, leading_space(result));
                   },
                   [&](const ReplaceText& replace) {
                     replace_all(result, replace.pattern, replace.content);
                   },
                   [&](const ReplaceSpaceRuns& replace) {
                     result = replace_space_runs(result, replace.content);
                   },
               },
               step);
  }
  return result;
}

std::vector<std::string> TextPipeline::split(std::string normalized, bool at_start) const {
  std::vector<std::string> words;
  if (!normalized.empty()) words.push_back(std::move(normalized));
  for (const PreTokenizerStep& step : pre_tokenizer) {
    std::vector<std::string> next;
    for (std::string& word : words) {
      std::visit(Overloaded{
                     [&](const WhitespaceSplit&) { split_white_space(word, next); },
                     [&](const Metaspace& metaspace) {
                       apply_metaspace(metaspace, std::move(word), at_start, next);
                     },
                 },
                 step);
    }
    words = std::move(next);
  }
  return words;
}

std::string TextPipeline::describe() const {
  return format("normaliser: {}; pre-tokenizer: {}", describe_steps(normalizer),
                describe_steps(pre_tokenizer));
}

}  // namespace mentor
