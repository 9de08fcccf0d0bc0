#include "mentor/core/error.h"
#include "mentor/models/dino.h"
#include "support/embedder_fixture.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

namespace mentor {
namespace {

using ::testing::HasSubstr;

const EmbedderGolden& golden() {
  static const EmbedderGolden golden;
  return golden;
}

Dino load_file(const fs::path& file) { return load_dino(file, at::kFloat, at::Device(at::kCPU)); }

Dino load_folder(const fs::path& folder) {
  return load_dinov2(folder, at::kFloat, at::Device(at::kCPU));
}

TEST(DinoGolden, FirstVersionEqualsReference) {
  const TempDir folder;
  const EmbedderFixture fixture = golden().fixture("dino");
  fixture.write_file(folder / "dino.safetensors");
  const Dino dino = load_file(folder / "dino.safetensors");
  EXPECT_EQ(dino->config().num_heads, 2);
  EXPECT_EQ(dino->config().patch_size, 32);
  expect_close("dino", dino->embed_pictures(fixture.pixels()), golden().io.at("dino.pictures"),
               golden().tolerance());
}

TEST(DinoGolden, SecondVersionEqualsHuggingFace) {
  const TempDir folder;
  const EmbedderFixture fixture = golden().fixture("dinov2");
  fixture.write_folder(folder.path());
  const Dino dino = load_folder(folder.path());
  const at::Tensor pixels = fixture.pixels();
  const int64_t side = fixture.config().at("image_size");
  expect_close("dinov2", dino->embed_pictures(pixels), golden().io.at("dinov2.pictures"),
               golden().tolerance());
  expect_close("dinov2 at its own size",
               dino->embed_pictures(pixels.slice(2, 0, side).slice(3, 0, side)),
               golden().io.at("dinov2.own_size"), golden().tolerance());
}

TEST(DinoNames, PublishedSizes) {
  const Dino second(DinoConfig{});
  const StateDict state = state_dict(*second);
  EXPECT_EQ(state.size(), 222U);  // 223 of facebook/dinov2-small, less mask_token
  EXPECT_EQ(state.at("embeddings.position_embeddings").sizes(),
            (std::vector<int64_t>{1, 1370, 384}));
  EXPECT_TRUE(state.contains("encoder.layer.11.layer_scale2.lambda1"));
}

struct BadFile {
  const char* name;
  EmbedderFixture::ChangeWeights change;
  const char* said;
};

class DinoErrors : public ::testing::TestWithParam<BadFile> {};

TEST_P(DinoErrors, NamesFileAndReason) {
  const TempDir folder;
  golden().fixture("dino").write_file(folder / "dino.safetensors", GetParam().change);
  try {
    (void)load_file(folder / "dino.safetensors");
    FAIL() << "loaded";
  } catch (const WeightsError& error) {
    EXPECT_THAT(error.what(), HasSubstr((folder / "dino.safetensors").string()));
    EXPECT_THAT(error.what(), HasSubstr(GetParam().said));
    EXPECT_THAT(error.what(), HasSubstr("dino_vits8"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, DinoErrors,
    ::testing::Values(
        BadFile{"patch_size",
                [](StateDict& w) {
                  w.set("patch_embed.proj.weight", at::ones({128, 3, 16, 16}));
                },
                "pos_embed has 50 tokens, but 224 px in patches of 16 make 197"},
        BadFile{"other_kind", [](StateDict& w) { w.erase("pos_embed"); }, "pos_embed is missing"},
        BadFile{"width",
                [](StateDict& w) {
                  w.set("patch_embed.proj.weight", at::ones({96, 3, 8, 8}));
                },
                "a width of 96 is not made of heads of 64"},
        BadFile{"missing_tensor", [](StateDict& w) { w.erase("blocks.1.attn.qkv.bias"); },
                "encoder.layer.1.attention.attention."},
        BadFile{"other_model",
                [](StateDict& w) {
                  w.set("head.weight", at::ones({2, 2}));
                },
                "head.weight belongs to another model"}),
    [](const auto& test) { return test.param.name; });

TEST(Dinov2Errors, NameFolderAndReason) {
  const auto message = [](const EmbedderFixture::ChangeConfig& config,
                          const EmbedderFixture::ChangeWeights& weights = {}) -> std::string {
    const TempDir folder;
    golden().fixture("dinov2").write_folder(folder.path(), config, weights);
    try {
      (void)load_folder(folder.path());
    } catch (const WeightsError& error) {
      return error.what();
    }
    return "loaded";
  };
  EXPECT_THAT(message([](auto& c) { c["patch_size"] = 16; }),
              HasSubstr("position_embeddings has shape [1, 50, 48], not [1, 37, 48]"));
  EXPECT_THAT(message([](auto& c) { c["use_swiglu_ffn"] = true; }), HasSubstr("use_swiglu_ffn"));
  EXPECT_THAT(message([](auto& c) { c["model_type"] = "clip"; }),
              HasSubstr("describes 'clip', not 'dinov2'"));
  EXPECT_THAT(message({},
                      [](StateDict& w) {
                        w.set("embeddings.register_tokens", at::ones({1, 4, 48}));
                      }),
              HasSubstr("embeddings.register_tokens belongs to another model"));
}

}  // namespace
}  // namespace mentor
