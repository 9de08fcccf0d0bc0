// The only file that includes SentencePiece: its model files and its trainer.
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/text/tokenizer_training.h"
#include "tokenizer_definition.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mentor {
namespace {

/// Reads the fields of one protobuf message, as much of the wire format as a model file needs:
/// the library has no accessor for the character map.
class ProtobufFields {
 public:
  explicit ProtobufFields(std::string_view message) : rest_(message) {}

  /// The bytes of the first length-delimited field with this number; empty if there is none.
  std::string_view find_bytes(uint64_t number) {
    while (!rest_.empty()) {
      const uint64_t tag = read_varint();
      std::string_view value;
      switch (tag & 7) {
        case 0:
          read_varint();
          break;
        case 1:
          value = take(8);
          break;
        case 2:
          value = take(read_varint());
          break;
        case 5:
          value = take(4);
          break;
        default:
          throw std::invalid_argument("unknown field type");
      }
      if (tag == (number << 3 | 2)) return value;
    }
    return {};
  }

 private:
  uint64_t read_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw std::invalid_argument("number too long");
  }
  std::string_view take(uint64_t size) {
    if (size > rest_.size()) throw std::invalid_argument("cut off");
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
};

std::string_view find_character_map(std::string_view model) {
  constexpr uint64_t kNormalizerSpec = 3;
  constexpr uint64_t kPrecompiledCharsmap = 2;
  const std::string_view spec = ProtobufFields(model).find_bytes(kNormalizerSpec);
  return ProtobufFields(spec).find_bytes(kPrecompiledCharsmap);
}

/// Hands the sentences to the trainer one by one.
class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::vector<std::string>& sentences) : sentences_(sentences) {}
  [[nodiscard]] bool done() const override { return next_ == sentences_.size(); }
  void Next() override { ++next_; }
  [[nodiscard]] const std::string& value() const override { return sentences_[next_]; }
  [[nodiscard]] sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& sentences_;
  size_t next_ = 0;
};

/// `pieces { piece: "\x01<unused N>" score: 0 type: UNUSED }` of ModelProto, whose repeated fields
/// may be appended to a serialised message. No text makes it: nmt_nfkc drops the control character.
std::string unused_piece(int64_t id) {
  const std::string text = format("\x01<unused {}>", id);
  const std::string body = std::string("\x0A") + static_cast<char>(text.size()) + text +
                           std::string("\x15\0\0\0\0", 5) + "\x18\x05";
  return std::string("\x0A") + static_cast<char>(body.size()) + body;
}

std::string printable_ascii() {
  std::string characters;
  for (char c = '!'; c <= '~'; ++c) characters.push_back(c);
  return characters;
}

}  // namespace

TokenizerDefinition read_sentencepiece_model(const fs::path& file) {
  const std::string model = read_text(file);
  sentencepiece::SentencePieceProcessor processor;
  const auto status = processor.LoadFromSerializedProto(model);
  if (!status.ok()) {
    throw WeightsError(format("{}: damaged or not a SentencePiece model: {} (copy the file again)",
                              file, status.error_message()));
  }
  TokenizerDefinition definition;
  definition.unknown_id = processor.unk_id();
  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    definition.pieces.push_back({processor.IdToPiece(id), processor.GetScore(id)});
    if (processor.IsControl(id) || processor.IsUnknown(id)) {
      definition.added_tokens.push_back({.content = processor.IdToPiece(id), .id = id});
    }
  }
  try {
    const std::string_view map = find_character_map(model);
    if (!map.empty()) definition.pipeline.normalizer.emplace_back(CharacterMap(map));
  } catch (const std::invalid_argument& error) {
    throw WeightsError(
        format("{}: its character map is damaged: {} (copy the file again)", file, error.what()));
  }
  definition.pipeline.normalizer.emplace_back(StripSpace{.right = true});
  definition.pipeline.normalizer.emplace_back(ReplaceSpaceRuns{"\u2581"});
  definition.pipeline.pre_tokenizer.emplace_back(Metaspace{});
  return definition;
}

void train_tokenizer(const std::vector<std::string>& sentences, int64_t vocab_size,
                     const fs::path& output_file, int64_t padded_size) {
  if (sentences.empty()) {
    throw DataError(format("{}: no sentences to train a tokenizer from", output_file));
  }
  const std::unordered_map<std::string, std::string> options = {
      {"model_type", "unigram"},
      {"vocab_size", std::to_string(vocab_size)},
      {"normalization_rule_name", "nmt_nfkc"},
      {"required_chars", printable_ascii()},
      {"pad_id", "0"},
      {"eos_id", "1"},
      {"unk_id", "2"},
      {"bos_id", "-1"},
      {"num_threads", "1"},
      {"minloglevel", "2"},  // errors only
  };
  Sentences iterator(sentences);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &model);
  if (!status.ok()) {
    throw DataError(
        format("{}: cannot train a tokenizer of {} pieces from {} sentences: {} "
               "(ask for another number of pieces or give more text)",
               output_file, vocab_size, sentences.size(), status.error_message()));
  }
  for (int64_t id = vocab_size; id < padded_size; ++id) model += unused_piece(id);
  write_text(output_file, model);
}

}  // namespace mentor
