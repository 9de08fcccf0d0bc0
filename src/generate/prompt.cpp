#include "mentor/generate/prompt.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/data/task_text.h"
#include "mentor/image/transforms.h"
#include "mentor/models/condition_prefix.h"

#include <ATen/ATen.h>

namespace mentor {
namespace {

std::string count_pictures(size_t count) {
  return format("{} picture{}", count, count == 1 ? "" : "s");
}

void check_pictures(const ModelConfig& model, const std::string& prompt, size_t num_pictures) {
  const size_t places = count_placeholders(prompt);
  if (num_pictures > 0 && !model.vision) {
    throw DataError(format("{} given, but model.vision is false: this model takes text only",
                           count_pictures(num_pictures)));
  }
  if (places != num_pictures) {
    throw DataError(
        format("the prompt has {} <image> for {}: write <image> once for each picture, or choose a "
               "template with --task",
               places, count_pictures(num_pictures)));
  }
}

at::Tensor picture_pixels(std::span<const Image> pictures, const ModelConfig& model,
                          bool squash_pictures) {
  std::vector<at::Tensor> pixels;
  const int64_t side = model.clip.image_size;
  for (const Image& picture : pictures) {
    std::vector<float> values =
        clip_pixels(squash_pictures ? squash(picture, model.image_size) : picture, side);
    pixels.push_back(at::from_blob(values.data(), {3, side, side}, at::kFloat).clone());
  }
  return pixels.empty() ? at::Tensor() : at::stack(pixels);
}

}  // namespace

EncoderInput prepare_prompt(const Tokenizer& tokenizer, const ModelConfig& model,
                            const std::string& prompt, std::span<const Image> pictures,
                            bool squash_pictures) {
  check_pictures(model, prompt, pictures.size());
  const std::vector<int64_t> ids =
      tokenizer.encode(expand_placeholders(prompt, model.prompt.placeholders_per_image));
  const auto length = static_cast<int64_t>(ids.size());
  if (length > model.decoder.cond_len) {
    throw DataError(format(
        "the prompt is {} tokens long ({} of them for {}), the model takes {}: shorten the text "
        "by about {} words or raise model.decoder.cond_len",
        length, static_cast<int64_t>(pictures.size()) * model.prompt.placeholders_per_image,
        count_pictures(pictures.size()), model.decoder.cond_len, length - model.decoder.cond_len));
  }
  for (const int64_t id : ids) {
    if (id >= model.t5.vocab_size) {
      throw DataError(
          format("the tokenizer gives id {}, but model.t5.vocab_size is {}: the "
                 "tokenizer belongs to another model",
                 id, model.t5.vocab_size));
    }
  }
  return {.ids_BS = at::tensor(ids, at::kLong).unsqueeze(0),
          .lengths = {length},
          .pixels_NCHW = picture_pixels(pictures, model, squash_pictures),
          .image_owner = std::vector<int64_t>(pictures.size(), 0)};
}

PreparedRequest prepare_request(const GenerateRequest& request, const Tokenizer& tokenizer,
                                const ModelConfig& model, const PrepareOptions& options) {
  std::vector<Image> pictures;
  for (const auto& file : request.images) {
    pictures.push_back(read_image(file, options.decode));
  }
  return {.request = request,
          .input = prepare_prompt(tokenizer, model, request.prompt(), pictures,
                                  options.squash_pictures)};
}

Condition encode_prompt(MultimodalEncoder& encoder, const EncoderInput& input) {
  return {.features = pack_rows(encoder->forward(input), input.lengths), .lengths = input.lengths};
}

}  // namespace mentor
