#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/tensor/safetensors.h"
#include "support/formula_fill.h"
#include "support/golden_tensors.h"
#include "support/temp_dir.h"

#include <functional>
#include <string>
#include <vector>

namespace mentor {

/// One tower of tests/golden/embedders. Its files are written as they are published.
class EmbedderFixture {
 public:
  /// `name` is also what its tensors in io.safetensors begin with.
  EmbedderFixture(std::string name, const nlohmann::json& description, uint64_t seed)
      : name_(std::move(name)), description_(description), seed_(seed) {}

  [[nodiscard]] StateDict weights() const {
    StateDict shapes;
    for (const auto& [key, sizes] : description_.at("weights").items()) {
      shapes.set(key, at::empty(sizes.get<std::vector<int64_t>>()));
    }
    return integer_fill(shapes, seed_);
  }
  [[nodiscard]] at::Tensor pixels() const {
    return integer_uniform(name_ + ".pixels", seed_,
                           description_.at("pixels").get<std::vector<int64_t>>());
  }
  [[nodiscard]] nlohmann::json config() const { return description_.at("config"); }

  /// A folder as Hugging Face's, after `change` of the description and of the tensors.
  using ChangeConfig = std::function<void(nlohmann::json&)>;
  using ChangeWeights = std::function<void(StateDict&)>;
  void write_folder(const fs::path& folder, const ChangeConfig& change_config = {},
                    const ChangeWeights& change_weights = {}) const {
    nlohmann::json description = config();
    if (change_config) change_config(description);
    write_text(folder / "config.json", description.dump());
    write_file(folder / "model.safetensors", change_weights);
  }
  void write_file(const fs::path& file, const ChangeWeights& change = {}) const {
    StateDict tensors = weights();
    if (change) change(tensors);
    save_safetensors(file, tensors);
  }

 private:
  std::string name_;
  nlohmann::json description_;
  uint64_t seed_;
};

/// All of them: "legacy" and "gelu" are CLIP, "dino", "dinov2".
struct EmbedderGolden {
  [[nodiscard]] EmbedderFixture fixture(const std::string& name) const {
    const bool clip = name != "dino" && name != "dinov2";
    return {name, clip ? meta.at("clip").at(name) : meta.at(name), meta.at("seed")};
  }
  [[nodiscard]] Tolerance tolerance() const {
    return Tolerance::parse(meta.at("tolerance").at("features"));
  }

  nlohmann::json meta = read_golden_json("embedders/meta.json");
  StateDict io = read_safetensors(fixture_path("embedders/io.safetensors"));
};

/// CLIP with random weights of `seed` and as many tokens as the vocabulary of the fixtures has.
inline void write_clip(const EmbedderGolden& golden, const fs::path& folder, uint64_t seed) {
  const std::string tokens = "text_model.embeddings.token_embedding.weight";
  const int64_t size = read_golden_json("embedders/vocab.json").size();
  golden.fixture("legacy").write_folder(
      folder, [&](nlohmann::json& config) { config["text_config"]["vocab_size"] = size; },
      [&](StateDict& weights) {
        weights.set(tokens, integer_uniform(tokens, seed, {size, weights.at(tokens).size(1)}));
      });
  for (const char* file : {"vocab.json", "merges.txt"}) {
    fs::copy_file(fixture_path("embedders") / file, folder / file,
                  fs::copy_options::overwrite_existing);
  }
}

/// All three with random weights, in `folder`: what keys of the section evaluate name them.
inline std::vector<std::string> write_towers(const EmbedderGolden& golden, const fs::path& folder) {
  write_clip(golden, folder / "clip", 977);
  golden.fixture("dino").write_file(folder / "dino.safetensors");
  golden.fixture("dinov2").write_folder(folder / "dinov2");
  return {"embed.clip=" + (folder / "clip").string(),
          "embed.dino=" + (folder / "dino.safetensors").string(),
          "embed.dinov2=" + (folder / "dinov2").string()};
}

}  // namespace mentor
