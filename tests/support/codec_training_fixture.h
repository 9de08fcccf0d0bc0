#pragma once

#include "mentor/models/lpips.h"
#include "mentor/models/patch_discriminator.h"
#include "mentor/models/vqgan.h"
#include "mentor/tensor/safetensors.h"
#include "support/formula_fill.h"
#include "support/golden_tensors.h"

#include <string>
#include <utility>

namespace mentor {

/// tests/golden/codec_training (scripts/make_golden_codec.py): tiny models, filled by the rule.
struct CodecTrainingFixture {
  nlohmann::json meta = read_golden_json("codec_training/meta.json");
  StateDict io = read_safetensors(fixture_path("codec_training/io.safetensors"));
  Tolerance values = Tolerance::parse(meta.at("tolerance").at("values"));
  Tolerance gradients = Tolerance::parse(meta.at("tolerance").at("gradients"));

  [[nodiscard]] VqganConfig codec_config() const {
    const nlohmann::json& c = meta.at("config").at("codec");
    return {.layout = "local",
            .ch = c.at("ch"),
            .patch_size = c.at("patch_size"),
            .num_res_blocks = c.at("num_res_blocks"),
            .norm_groups = c.at("norm_groups"),
            .z_channels = c.at("z_channels"),
            .codebook_size = c.at("codebook_size"),
            .codebook_dim = c.at("codebook_dim")};
  }
  [[nodiscard]] LpipsOptions lpips_options() const {
    const nlohmann::json& c = meta.at("config").at("lpips");
    return {.widths = c.at("widths"), .convolutions = c.at("convolutions")};
  }

  [[nodiscard]] Vqgan codec() const { return filled(Vqgan(codec_config())); }
  [[nodiscard]] PatchDiscriminator discriminator() const {
    const nlohmann::json& c = meta.at("config").at("discriminator");
    return filled(PatchDiscriminator(
        PatchDiscriminatorOptions{.ch = c.at("ch"), .num_layers = c.at("num_layers")}));
  }
  [[nodiscard]] Lpips lpips() const { return filled(Lpips(lpips_options())); }

  template <class Module>
  [[nodiscard]] Module filled(Module module) const {
    load_golden(*module, integer_fill(*module, meta.at("weights").at("seed")));
    return module;
  }
};

}  // namespace mentor
