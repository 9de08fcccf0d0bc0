#pragma once

#include "mentor/tensor/state_dict.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

// Every tensor of the models has one name here, whatever the file calls it: its key in the MENTOR
// files, and for the codec, which those do not hold, "codec." and its key in the codec's file.

/// A part of the model with weights of its own; `weights.<name_of(part)>` names its file.
enum class Part { kDecoder, kT5, kClip, kProjector, kCodec };
inline constexpr std::array kAllParts = {Part::kDecoder, Part::kT5, Part::kClip, Part::kProjector,
                                         Part::kCodec};

[[nodiscard]] std::string_view name_of(Part part);   // "t5"
[[nodiscard]] std::string_view describe(Part part);  // "text encoder (T5)"
/// The part a tensor belongs to, by its name.
[[nodiscard]] Part part_of(std::string_view name);

inline constexpr std::string_view kEncoderPrefix = "multimodal_encoder.";
inline constexpr std::string_view kVisionPrefix =
    "multimodal_encoder.vision_model.vision_tower.vision_model.";
inline constexpr std::string_view kCodecPrefix = "codec.";

/// What was published under these keys.
enum class FileKind { kMentor, kLlamaGen, kCodec, kClip, kT5, kBlip2, kProjector, kUnknown };
[[nodiscard]] std::string_view describe(FileKind kind);

/// Keys that are left out for one reason.
struct KeyGroup {
  std::string reason;
  std::vector<std::string> keys;  // as in the file
};

/// The tensors of a file by our names. Every key of the file is in exactly one of the three.
struct PublishedFile {
  FileKind kind = FileKind::kUnknown;
  StateDict tensors;
  std::vector<KeyGroup> ignored;        // known, and of no use here: a text decoder, caches
  std::vector<std::string> unexpected;  // not known in a file of this kind

  [[nodiscard]] bool holds(Part part) const;
};

/// Recognises the kind by the keys and renames the tensors; copies none.
[[nodiscard]] PublishedFile recognise_file(const StateDict& weights);

/// How keys are written.
enum class KeyLayout {
  kMentor,       // MENTOR, LlamaGen and codec files
  kHuggingFace,  // T5EncoderModel, CLIPVisionModel, mm_projector.bin
};
/// The key of the tensor `name` in a file of that layout.
[[nodiscard]] std::string file_key(std::string_view name, KeyLayout layout);

}  // namespace mentor
