#include "mentor/generate/scorer.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/generate/finite.h"
#include "mentor/image/transforms.h"
#include "mentor/nn/loss.h"

#include <ATen/ATen.h>

namespace mentor {
namespace {

at::Tensor checked_tokens(const ScoreRecord& record, const LlamaGenConfig& decoder) {
  if (static_cast<int64_t>(record.tokens.size()) != decoder.image_len()) {
    throw DataError(format("record '{}': {} tokens, the model's pictures have {}",
                           record.request.id, record.tokens.size(), decoder.image_len()));
  }
  for (const int64_t token : record.tokens) {
    if (token < 0 || token >= decoder.vocab_size) {
      throw DataError(format("record '{}': token {} is outside the codebook of {}",
                             record.request.id, token, decoder.vocab_size));
    }
  }
  return at::tensor(record.tokens, at::kLong);
}

}  // namespace

PreparedRecord prepare_record(const ScoreRecord& record, const Tokenizer& tokenizer,
                              const ModelConfig& model, const PrepareOptions& options) {
  PreparedRecord prepared{.prompt = prepare_request(record.request, tokenizer, model, options)};
  if (record.target.empty()) {
    prepared.tokens_T = checked_tokens(record, model.decoder);
    return prepared;
  }
  const int64_t side = model.image_size;
  std::vector<float> pixels =
      target_pixels(center_crop(read_image(record.target, options.decode), side));
  prepared.target_CHW = at::from_blob(pixels.data(), {3, side, side}, at::kFloat).clone();
  return prepared;
}

Score score_record(ModelSet& models, const PreparedRecord& record) {
  const at::Device device = models.decoder->parameters().front().device();
  const at::Tensor codes_1T =
      record.tokens_T.defined()
          ? record.tokens_T.unsqueeze(0).to(device)
          : models.codec->encode_to_codes(record.target_CHW.unsqueeze(0).to(device));
  const Condition condition = encode_prompt(models.encoder, record.prompt.input);
  const at::Tensor losses_1T = token_losses(models.decoder->forward(condition, codes_1T), codes_1T);
  require_finite(losses_1T, "predictions of the decoder");
  const auto sum = losses_1T.sum(at::kDouble).item<double>();
  const int64_t tokens = codes_1T.size(1);
  return {.sum = sum, .mean = sum / static_cast<double>(tokens), .tokens = tokens};
}

}  // namespace mentor
