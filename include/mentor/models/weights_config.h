#pragma once

#include "mentor/config/fields.h"

#include <filesystem>

namespace mentor {

/// Which files the weights come from. An empty path means "not given".
struct WeightsConfig {
  std::filesystem::path model;
  std::filesystem::path decoder;
  std::filesystem::path clip;
  std::filesystem::path t5;
  std::filesystem::path projector;
  std::filesystem::path codec;
  bool codec_ema = false;
  std::filesystem::path tokenizer;

  template <class Visitor>
  void fields(Visitor& v) {
    v("model", model,
      "encoders, projector and decoder in one: a MENTOR .pt file, our .safetensors, a folder, or a "
      "training run (its newest checkpoint)");
    v("decoder", decoder, "decoder alone: LlamaGen t2i_*.pt, generator_ckpt.pt, .safetensors");
    v("clip", clip, "vision tower alone: folder of openai/clip-vit-large-patch14, or a file");
    v("t5", t5, "text encoder alone: folder of blip2-flan-t5-xl or flan-t5-xl, or a file");
    v("projector", projector, "projector alone: mm_projector.bin");
    v("codec", codec,
      "image codec: vq_ds16_t2i.pt or .safetensors, or a run of 'mentor train codec' (its newest "
      "checkpoint)");
    v("codec_ema", codec_ema,
      "take the averaged weights ('ema') of a codec file; the reference does only for the ImageNet "
      "models");
    v("tokenizer", tokenizer, "folder with spiece.model (and tokenizer.json), or spiece.model");
  }
};

}  // namespace mentor
