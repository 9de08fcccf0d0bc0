#include "mentor/core/error.h"
#include "mentor/models/clip_embedder.h"
#include "support/embedder_fixture.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const EmbedderGolden& golden() {
  static const EmbedderGolden golden;
  return golden;
}

ClipEmbedder load(const fs::path& folder) {
  return load_clip_embedder(folder, at::kFloat, at::Device(at::kCPU));
}

class ClipEmbedderGolden : public ::testing::TestWithParam<std::string> {
 protected:
  ClipEmbedderGolden() : fixture_(golden().fixture(GetParam())) {
    fixture_.write_folder(folder_.path());
  }
  [[nodiscard]] const at::Tensor& expected(const std::string& what) const {
    return golden().io.at(GetParam() + what);
  }

  TempDir folder_;
  EmbedderFixture fixture_;
};

TEST_P(ClipEmbedderGolden, FeaturesEqualHuggingFace) {
  const ClipEmbedder embedder = load(folder_.path());
  expect_close(GetParam() + " pictures", embedder->embed_pictures(fixture_.pixels()),
               expected(".pictures"), golden().tolerance());
  expect_close(GetParam() + " texts", embedder->embed_texts(expected(".ids")), expected(".texts"),
               golden().tolerance());
}

TEST_P(ClipEmbedderGolden, WhatFollowsTheEndDoesNotCount) {
  const ClipEmbedder embedder = load(folder_.path());
  const at::Tensor short_ids = at::tensor({97, 5, 17, 98}, at::kLong).view({1, 4});
  expect_close("unpadded", embedder->embed_texts(short_ids), expected(".texts").slice(0, 0, 1),
               golden().tolerance());
}

INSTANTIATE_TEST_SUITE_P(Both, ClipEmbedderGolden, ::testing::Values("legacy", "gelu"));

TEST(ClipEmbedderNames, EveryTensorOfThePublishedModelHasItsPlace) {
  const ClipEmbedder embedder(ClipEmbedderConfig{});
  const StateDict state = state_dict(*embedder);
  EXPECT_EQ(state.size(), 397U);  // 398 of CLIPModel, less logit_scale
  EXPECT_EQ(state.at("text_model.embeddings.token_embedding.weight").sizes(),
            (std::vector<int64_t>{49408, 512}));
  EXPECT_EQ(state.at("vision_model.embeddings.position_embedding.weight").sizes(),
            (std::vector<int64_t>{50, 768}));
  EXPECT_EQ(state.at("visual_projection.weight").sizes(), (std::vector<int64_t>{512, 768}));
  EXPECT_EQ(state.at("text_projection.weight").sizes(), (std::vector<int64_t>{512, 512}));
}

struct BadFolder {
  const char* name;
  EmbedderFixture::ChangeConfig config;
  EmbedderFixture::ChangeWeights weights;
  std::vector<const char*> said;
};

class ClipEmbedderErrors : public ::testing::TestWithParam<BadFolder> {};

TEST_P(ClipEmbedderErrors, NamesFileAndReason) {
  const TempDir folder;
  golden().fixture("legacy").write_folder(folder.path(), GetParam().config, GetParam().weights);
  try {
    (void)load(folder.path());
    FAIL() << "loaded";
  } catch (const WeightsError& error) {
    EXPECT_THAT(error.what(), HasSubstr(folder.path().string()));
    for (const char* part : GetParam().said) EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

void add_published_extras(StateDict& weights) {
  weights.set("logit_scale", at::scalar_tensor(4.6));
  weights.set("text_model.embeddings.position_ids", at::arange(12).view({1, 12}));
}

INSTANTIATE_TEST_SUITE_P(
    All, ClipEmbedderErrors,
    ::testing::Values(
        BadFolder{"missing_tensor",
                  {},
                  [](StateDict& w) { w.erase("text_projection.weight"); },
                  {"text_projection.weight is missing", "openai/clip-vit-base-patch32"}},
        BadFolder{"patch_size",
                  [](auto& c) { c["vision_config"]["patch_size"] = 8; },
                  {},
                  {"patch_embedding.weight has shape [48, 3, 16, 16], not [48, 3, 8, 8]",
                   "(1 more do not fit)"}},
        BadFolder{"other_model",
                  {},
                  [](StateDict& w) { w.set("classifier.bias", at::ones({2})); },
                  {"classifier.bias belongs to another model"}},
        BadFolder{"another_kind",
                  [](auto& c) { c["model_type"] = "dinov2"; },
                  {},
                  {"config.json", "describes 'dinov2', not 'clip'"}},
        BadFolder{"heads",
                  [](auto& c) { c["text_config"]["num_attention_heads"] = 7; },
                  {},
                  {"7 heads do not divide a width of 40"}},
        BadFolder{"activation",
                  [](auto& c) { c["vision_config"]["hidden_act"] = "relu"; },
                  {},
                  {"hidden_act relu is neither gelu nor quick_gelu"}},
        BadFolder{"no_number",
                  [](auto& c) { c["vision_config"]["hidden_size"] = "wide"; },
                  {},
                  {"config.json", "copy the file of openai/clip-vit-base-patch32 again"}},
        BadFolder{"no_patches",
                  [](auto& c) { c["vision_config"]["patch_size"] = 0; },
                  {},
                  {"patch_size is 0"}}),
    [](const auto& test) { return test.param.name; });

TEST(ClipEmbedderFolder, HoldsWhatEmbeddingDoesNotNeed) {
  const TempDir folder;
  golden().fixture("legacy").write_folder(folder.path(), {}, add_published_extras);
  EXPECT_EQ(load(folder.path())->config().projection_dim, 24);
}

TEST(ClipEmbedderFolder, RepeatedSettingsCount) {
  const TempDir folder;
  golden().fixture("legacy").write_folder(folder.path(), [](nlohmann::json& config) {
    config["vision_config_dict"] = {{"patch_size", 16}};
    config["vision_config"]["patch_size"] = 32;
    config["text_config_dict"] = nullptr;
  });
  EXPECT_EQ(load(folder.path())->config().vision.patch_size, 16);
}

TEST(ClipEmbedderFolder, WithoutConfigIsRefused) {
  const TempDir folder;
  golden().fixture("legacy").write_file(folder / "model.safetensors");
  const auto message = [](const fs::path& path) -> std::string {
    try {
      (void)load(path);
    } catch (const WeightsError& error) {
      return error.what();
    }
    return "loaded";
  };
  EXPECT_THAT(message(folder.path()), AllOf(HasSubstr("config.json: is missing"),
                                            HasSubstr("openai/clip-vit-base-patch32")));
  EXPECT_THAT(message(folder / "model.safetensors"), HasSubstr("is no folder"));
}

}  // namespace
}  // namespace mentor
