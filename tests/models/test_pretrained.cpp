#include "mentor/core/error.h"
#include "mentor/models/pretrained.h"
#include "mentor/nn/parameters.h"
#include "mentor/tensor/safetensors.h"
#include "mentor/tensor/weights_file.h"
#include "support/checkpoint_configs.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const LoadTarget kFloat = {.dtype = at::kFloat};

fs::path checkpoint(const std::string& name) { return fixture_path("checkpoints/" + name); }

PretrainedReport load_decoder(ModelSet& models, const std::string& file) {
  return fill_models(models, {.decoder = checkpoint(file)}, kFloat);
}

ModelSet decoder_models(const ModelConfig& config = small_decoder_config()) {
  return build_models(config, {.encoder = false, .codec = false});
}

/// The message of the UserError that `call` must throw.
template <class Error, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

bool note_with(const PretrainedReport& report, const std::string& text) {
  return std::ranges::any_of(report.notes,
                             [&](const std::string& note) { return note.find(text) != note.npos; });
}

/// Shape-only T5 of the sharded fixtures, and pictures of clip_full.safetensors.
ModelConfig small_encoder_config() {
  ModelConfig config;
  config.vision = false;
  config.t5 = {.vocab_size = 64,
               .d_model = 16,
               .d_kv = 8,
               .d_ff = 24,
               .num_layers = 2,
               .num_heads = 2,
               .activation = "gelu_new"};
  config.clip = {.hidden_size = 16,
                 .intermediate_size = 24,
                 .num_layers = 2,
                 .num_heads = 2,
                 .image_size = 28,
                 .patch_size = 14};
  return config;
}

TEST(Pretrained, MentorFileFillsEncoderAndDecoder) {
  ModelSet models = build_models(mentor_tiny_config(), {.codec = false});
  const fs::path file = checkpoint("mentor_tiny.pt");
  const PretrainedReport report = load_pretrained(models, {.model = file}, kFloat);
  const StateDict loaded = named_tensors(models);
  EXPECT_EQ(report.names.loaded.size(), loaded.size());
  EXPECT_THAT(report.names.unexpected, IsEmpty());
  EXPECT_THAT(report.ignored, IsEmpty());
  EXPECT_THAT(report.parts, SizeIs(4));
  for (const auto& [key, tensor] : read_weights(file)) {
    EXPECT_TRUE(loaded.at(key).equal(tensor.to(at::kFloat))) << key;
  }
}

TEST(Pretrained, MixedDtypesBecomeTheDtypeOfTheRun) {
  ModelSet models = build_models(mentor_tiny_config(), {.codec = false});
  load_pretrained(models, {.model = checkpoint("mentor_tiny.pt")}, {.dtype = at::kBFloat16});
  for (const auto& [name, tensor] : named_tensors(models)) {
    EXPECT_EQ(tensor.scalar_type(), at::kBFloat16) << name;
    EXPECT_FALSE(is_shape_only(tensor)) << name;
  }
}

TEST(Pretrained, EveryWrapperAndPrefixFillsTheDecoder) {
  for (const char* file :
       {"bare.pt", "bare_module_prefix.pt", "bare_orig_mod_prefix.pt", "bare_both_prefixes.pt",
        "deepspeed_module.pt", "state_dict_wrapper.pt", "legacy.pt"}) {
    SCOPED_TRACE(file);
    ModelSet models = decoder_models();
    const PretrainedReport report = load_decoder(models, file);
    EXPECT_TRUE(report.names.complete());
    EXPECT_THAT(report.names.loaded, SizeIs(20));
    EXPECT_THAT(report.names.unexpected, IsEmpty());
  }
}

TEST(Pretrained, ReportOfAFileThatDoesNotFitIsExact) {
  ModelSet models = decoder_models();
  const PretrainedReport report = load_decoder(models, "mismatched.pt");
  EXPECT_THAT(report.names.loaded, SizeIs(18));
  EXPECT_THAT(report.names.missing, ElementsAre("layers.1.ffn_norm.weight"));
  EXPECT_THAT(report.names.unexpected, IsEmpty());
  ASSERT_THAT(report.names.mismatched, SizeIs(1));
  EXPECT_EQ(report.names.mismatched[0].key, "output.weight");
  EXPECT_THAT(report.names.mismatched[0].expected, ElementsAre(32, 16));
  EXPECT_THAT(report.names.mismatched[0].found, ElementsAre(31, 16));
  ASSERT_THAT(report.ignored, SizeIs(1));
  EXPECT_EQ(report.ignored[0].group.reason, "key-value caches of a generation");
  EXPECT_THAT(report.ignored[0].group.keys, ElementsAre("layers.0.attention.kv_cache.k_cache",
                                                        "layers.0.attention.kv_cache.v_cache"));
}

TEST(Pretrained, ErrorOfAFileThatDoesNotFitNamesEverything) {
  ModelSet models = decoder_models();
  const fs::path file = checkpoint("mismatched.pt");
  const std::string message =
      message_of<WeightsError>([&] { load_pretrained(models, {.decoder = file}, kFloat); });
  EXPECT_EQ(message,
            file.string() +
                ": 1 tensor of the decoder (LlamaGen) missing: layers.1.ffn_norm.weight\n" +
                file.string() +
                ": 1 tensor of the decoder (LlamaGen) of another shape: output.weight "
                "is [31, 16], expected [32, 16]; see 'mentor weights inspect " +
                file.string() + "'");
}

TEST(Pretrained, ErrorOfAnotherSizeNamesTheDimensionsToSet) {
  ModelConfig config = small_decoder_config();
  config.decoder.dim = 32;
  config.decoder.num_layers = 3;
  ModelSet models = decoder_models(config);
  const std::string message = message_of<WeightsError>(
      [&] { load_pretrained(models, {.decoder = checkpoint("bare.pt")}, kFloat); });
  EXPECT_THAT(message, HasSubstr("missing: layers.2."));
  EXPECT_THAT(message, HasSubstr("of another shape: cls_embedding.cap_proj.fc1.weight is [16, 12], "
                                 "expected [32, 12], "));
  EXPECT_THAT(message,
              HasSubstr(" and 9 more; the file has decoder.dim 16 (configured 32), "
                        "decoder.num_layers 2 (configured 3): set these keys below model"));
}

TEST(Pretrained, ErrorOfAnotherSizeNamesThePresetThatFits) {
  const TempDir dir;
  ModelSet tiny = decoder_models(model_preset("tiny"));
  materialize(*tiny.decoder, at::kBFloat16);
  save_safetensors(dir / "decoder.safetensors", named_tensors(tiny));
  ModelSet models = decoder_models(model_preset("mentor-xl"));
  const std::string message = message_of<WeightsError>(
      [&] { load_pretrained(models, {.decoder = dir / "decoder.safetensors"}, kFloat); });
  EXPECT_THAT(message, HasSubstr("decoder.dim 128 (configured 1280)"));
  EXPECT_THAT(message, HasSubstr("set model.preset: tiny"));
}

TEST(Pretrained, UnconditionalEmbeddingGrows) {
  ModelConfig config = small_decoder_config();
  config.decoder.cond_len = 7;
  ModelSet models = decoder_models(config);
  const PretrainedReport report = load_decoder(models, "uncond_growth.pt");
  EXPECT_TRUE(report.names.complete());
  EXPECT_TRUE(note_with(report, "cls_embedding.uncond_embedding: the file has 4 of 7 rows"));
  const at::Tensor rows = named_tensors(models).at("cls_embedding.uncond_embedding");
  const StateDict file = read_weights(checkpoint("uncond_growth.pt"));
  EXPECT_TRUE(rows.slice(0, 0, 4).equal(file.at("cls_embedding.uncond_embedding")));
  EXPECT_NEAR(rows.slice(0, 4).std().item<double>(), 1 / std::sqrt(12.0), 0.1);

  config.decoder.cond_len = 3;  // it does not shrink
  ModelSet smaller = decoder_models(config);
  EXPECT_THAT(load_decoder(smaller, "uncond_growth.pt").names.mismatched, SizeIs(1));
}

TEST(Pretrained, T5FolderGivesTheEncoderAlone) {
  ModelSet models = build_models(small_encoder_config(), {.decoder = false, .codec = false});
  const fs::path folder = checkpoint("t5_sharded_safetensors");
  const PretrainedReport report = load_pretrained(models, {.t5 = folder}, kFloat);
  EXPECT_EQ(report.parts[0].tensors, 21);
  ASSERT_THAT(report.ignored, SizeIs(1));
  EXPECT_EQ(report.ignored[0].group.reason, "T5 decoder and its output layer");
  EXPECT_THAT(report.ignored[0].group.keys, SizeIs(17));
  const StateDict loaded = named_tensors(models).below("multimodal_encoder.language_model.");
  EXPECT_TRUE(
      loaded.at("encoder.embed_tokens.weight").equal(read_weights(folder).at("shared.weight")));
}

TEST(Pretrained, T5ActivationMustBeThatOfItsFolder) {
  ModelConfig config = small_encoder_config();
  config.t5.activation = "gelu";
  ModelSet models = build_models(config, {.decoder = false, .codec = false});
  const std::string message = message_of<ConfigError>(
      [&] { load_pretrained(models, {.t5 = checkpoint("t5_sharded_safetensors")}, kFloat); });
  EXPECT_THAT(message, AllOf(StartsWith("model.t5.activation: is gelu"),
                             HasSubstr("set model.t5.activation: gelu_new")));
}

TEST(Pretrained, Blip2FolderGivesItsLanguageModel) {
  ModelSet models = build_models(small_encoder_config(), {.decoder = false, .codec = false});
  const fs::path folder = checkpoint("blip2_sharded_bin");
  const PretrainedReport report = load_pretrained(models, {.t5 = folder}, kFloat);
  EXPECT_TRUE(note_with(report, "no config.json names the activation"));
  ASSERT_THAT(report.ignored, SizeIs(2));
  EXPECT_EQ(report.ignored[1].group.reason, "BLIP-2 vision model and Q-Former");
  EXPECT_THAT(report.ignored[1].group.keys, SizeIs(5));
  const std::string key = "encoder.block.1.layer.1.DenseReluDense.wo.weight";
  const at::Tensor half = read_weights(folder).at("language_model." + key);
  EXPECT_EQ(half.scalar_type(), at::kHalf);
  EXPECT_TRUE(named_tensors(models)
                  .at("multimodal_encoder.language_model." + key)
                  .equal(half.to(at::kFloat)));
}

TEST(Pretrained, FullClipGivesItsVisionTower) {
  ModelConfig config = small_encoder_config();
  config.vision = true;
  ModelSet models = build_models(config, {.decoder = false, .codec = false});
  const PretrainedReport report = fill_models(models,
                                              {.clip = checkpoint("clip_full.safetensors"),
                                               .t5 = checkpoint("t5_sharded_safetensors"),
                                               .projector = checkpoint("mm_projector.bin")},
                                              kFloat);
  EXPECT_THAT(report.names.missing, IsEmpty());
  // The projector of the fixtures belongs to a tower of width 12, not 16.
  ASSERT_THAT(report.names.mismatched, SizeIs(1));
  EXPECT_EQ(report.names.mismatched[0].key, "multimodal_encoder.language_projection.0.weight");
  size_t text_tower = 0, positions = 0;
  for (const auto& [file, group] : report.ignored) {
    if (group.reason == "CLIP text tower and projections") text_tower = group.keys.size();
    if (group.reason == "position numbers") positions = group.keys.size();
  }
  EXPECT_EQ(text_tower, 23U);
  EXPECT_EQ(positions, 2U);
}

TEST(Pretrained, ProjectorFileFillsTheProjector) {
  ModelConfig config = small_encoder_config();
  config.vision = true;
  config.clip.hidden_size = 12;
  ModelSet models = build_models(config, {.decoder = false, .codec = false});
  fill_models(models,
              {.clip = checkpoint("clip_full.safetensors"),
               .t5 = checkpoint("t5_sharded_safetensors"),
               .projector = checkpoint("mm_projector.bin")},
              kFloat);
  const StateDict loaded = named_tensors(models).below("multimodal_encoder.language_projection.");
  EXPECT_THAT(loaded, SizeIs(4));
  for (const auto& [key, tensor] : read_weights(checkpoint("mm_projector.bin"))) {
    EXPECT_TRUE(loaded.at(key.substr(std::string("model.mm_projector.").size())).equal(tensor));
  }
}

TEST(Pretrained, VisionTowerComesFromTheMentorFileAndTheDifferenceIsSaid) {
  const TempDir dir;
  const std::string tower = "multimodal_encoder.vision_model.vision_tower.";
  const StateDict mentor = read_weights(checkpoint("mentor_tiny.pt"));
  StateDict other;
  for (const auto& [key, tensor] : mentor.below(tower)) other.set(key, tensor.to(at::kFloat));
  const std::string changed = "vision_model.post_layernorm.weight";
  other.set(changed, other.at(changed) + 0.5);
  save_safetensors(dir / "clip.safetensors", other);

  ModelSet models = build_models(mentor_tiny_config(), {.codec = false});
  const PretrainedReport report = load_pretrained(
      models, {.model = checkpoint("mentor_tiny.pt"), .clip = dir / "clip.safetensors"}, kFloat);
  EXPECT_TRUE(note_with(report, "differs by up to 0.5 and is not used"));
  EXPECT_TRUE(
      named_tensors(models).at(tower + changed).equal(mentor.at(tower + changed).to(at::kFloat)));
}

TEST(Pretrained, DecoderFileReplacesTheDecoderOfTheMentorFile) {
  const TempDir dir;
  ModelSet drawn = decoder_models(mentor_tiny_config());
  materialize(*drawn.decoder, at::kFloat);
  initialize(*drawn.decoder, 3);
  save_safetensors(dir / "decoder.safetensors", named_tensors(drawn));
  ModelSet models = build_models(mentor_tiny_config(), {.codec = false});
  const PretrainedReport report = load_pretrained(
      models, {.model = checkpoint("mentor_tiny.pt"), .decoder = dir / "decoder.safetensors"},
      kFloat);
  EXPECT_TRUE(named_tensors(models)
                  .at("tok_embeddings.weight")
                  .equal(named_tensors(drawn).at("tok_embeddings.weight")));
  ASSERT_THAT(report.ignored, SizeIs(1));
  EXPECT_EQ(report.ignored[0].group.reason, "decoder (LlamaGen), not asked of this file");
}

TEST(Pretrained, CodecTakesTheAveragedWeightsOnRequest) {
  for (const bool ema : {true, false}) {
    ModelSet models = build_models(mentor_tiny_config(), {.encoder = false, .decoder = false});
    const PretrainedReport report =
        load_pretrained(models, {.codec = checkpoint("vq_tiny.pt"), .codec_ema = ema}, kFloat);
    EXPECT_EQ(note_with(report, "the averaged weights ('ema') are taken"), ema);
    const StateDict file = read_weights(checkpoint("vq_tiny.pt"), {.prefer_ema = ema});
    for (const auto& [name, tensor] : named_tensors(models).below("codec.")) {
      EXPECT_TRUE(tensor.equal(file.at(name).to(at::kFloat))) << name;
    }
  }
}

TEST(Pretrained, CodecNeedsNoUsageBuffer) {
  ModelSet models = build_models(mentor_tiny_config(), {.encoder = false, .decoder = false});
  const PretrainedReport report =
      fill_models(models, {.codec = checkpoint("vq_without_usage_buffer.pt")}, kFloat);
  EXPECT_TRUE(note_with(report, "codec.quantize.codebook_used: not in the file, taken as zeros"));
  EXPECT_EQ(std::ranges::count(report.names.missing, "codec.quantize.codebook_used"), 0);
  EXPECT_FALSE(report.names.missing.empty());  // the fixture holds the quantiser only
}

TEST(Pretrained, PartsWithoutAFileNameTheKeyToSet) {
  ModelSet models = build_models(mentor_tiny_config());
  const std::string nothing = message_of<ConfigError>([&] { load_pretrained(models, {}, kFloat); });
  for (const char* key : {"weights.decoder:", "weights.t5:", "weights.clip:", "weights.projector:",
                          "weights.codec:"}) {
    EXPECT_THAT(nothing, HasSubstr(key));
  }
  EXPECT_THAT(nothing, HasSubstr("mentor weights init"));
  const std::string decoder_only = message_of<ConfigError>([&] {
    load_pretrained(models, {.model = checkpoint("bare.pt"), .codec = checkpoint("vq_tiny.pt")},
                    kFloat);
  });
  EXPECT_THAT(decoder_only, HasSubstr("weights.t5: the text encoder (T5) has no weights"));
  EXPECT_THAT(decoder_only, Not(HasSubstr("weights.decoder:")));
}

TEST(Pretrained, AFileOfAnotherKindIsNamed) {
  ModelSet models = build_models(mentor_tiny_config(), {.encoder = false, .decoder = false});
  EXPECT_THAT(message_of<WeightsError>([&] {
                load_pretrained(models, {.codec = checkpoint("mentor_tiny.pt")}, kFloat);
              }),
              AllOf(StartsWith("weights.codec: "), HasSubstr("holds no codec (VQGAN)"),
                    HasSubstr("of kind 'MENTOR'")));
  EXPECT_THAT(message_of<WeightsError>([&] {
                load_pretrained(models, {.codec = checkpoint("opaque_objects.pt")}, kFloat);
              }),
              HasSubstr("none of its keys is known, such as w"));
}

TEST(Pretrained, AFileOfWhichNothingIsOfUseIsNamed) {
  const TempDir dir;
  StateDict tensors;
  tensors.set("x.kv_cache.k_cache", at::zeros({2}));
  save_safetensors(dir / "caches.safetensors", tensors);
  ModelSet models = build_models(mentor_tiny_config(), {.encoder = false, .decoder = false});
  EXPECT_THAT(message_of<WeightsError>(
                  [&] { load_pretrained(models, {.codec = dir / "caches.safetensors"}, kFloat); }),
              HasSubstr("none of its keys is of use, such as x.kv_cache.k_cache (key-value caches "
                        "of a generation)"));
}

TEST(Pretrained, ACutOffFileIsNamed) {
  ModelSet models = decoder_models();
  const fs::path file = checkpoint("damaged/truncated_zip.pt");
  EXPECT_THAT(message_of<WeightsError>([&] { load_pretrained(models, {.decoder = file}, kFloat); }),
              AllOf(StartsWith(file.string()), HasSubstr("not a complete zip archive")));
}

TEST(Pretrained, ReportSaysEverythingInLines) {
  ModelSet models = decoder_models();
  const std::string file = checkpoint("mismatched.pt").string();
  EXPECT_THAT(load_decoder(models, "mismatched.pt").lines(),
              ElementsAre("decoder (LlamaGen): 19 tensors from " + file,
                          file + ": 2 tensors not used: key-value caches of a generation "
                                 "(layers.0.attention.kv_cache.k_cache and 1 more)",
                          "missing: layers.1.ffn_norm.weight",
                          "output.weight is [31, 16], expected [32, 16]"));
}

}  // namespace
}  // namespace mentor
