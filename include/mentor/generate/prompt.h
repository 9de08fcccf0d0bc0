#pragma once

#include "mentor/generate/request.h"
#include "mentor/image/image.h"
#include "mentor/image/image_io.h"
#include "mentor/models/llamagen.h"
#include "mentor/models/model_config.h"
#include "mentor/models/multimodal_encoder.h"
#include "mentor/text/tokenizer.h"

#include <span>
#include <string>

namespace mentor {

/// Turns a prompt with one <image> per picture into encoder input for a single sequence at its
/// real length. Throws DataError when <image> and pictures differ in number, or when the prompt
/// needs more than decoder.cond_len tokens: nothing is cut silently.
[[nodiscard]] EncoderInput prepare_prompt(const Tokenizer& tokenizer, const ModelConfig& model,
                                          const std::string& prompt,
                                          std::span<const Image> pictures, bool squash_pictures);

/// A request whose pictures are read and whose prompt fits: all that can be wrong with it is found
/// before a model is loaded.
struct PreparedRequest {
  GenerateRequest request;
  EncoderInput input;
};

struct PrepareOptions {
  DecodeOptions decode;
  bool squash_pictures = false;
};

[[nodiscard]] PreparedRequest prepare_request(const GenerateRequest& request,
                                              const Tokenizer& tokenizer, const ModelConfig& model,
                                              const PrepareOptions& options);

/// Runs the encoder on one prepared prompt; the result is what the decoder takes as its prefix.
[[nodiscard]] Condition encode_prompt(MultimodalEncoder& encoder, const EncoderInput& input);

}  // namespace mentor
