#include "mentor/models/published_files.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace mentor {
namespace {

StateDict with_keys(const std::vector<std::string>& keys) {
  StateDict weights;
  for (const std::string& key : keys) weights.set(key, at::zeros({1}));
  return weights;
}

struct Case {
  FileKind kind;
  std::string key;   // in the file
  std::string name;  // ours; "" = ignored
  Part part = Part::kDecoder;
  KeyLayout layout = KeyLayout::kMentor;  // in which the key comes back
};

const std::string kTower = "multimodal_encoder.vision_model.vision_tower.vision_model.";
const std::string kLanguage = "multimodal_encoder.language_model.";

const Case kCases[] = {
    {FileKind::kMentor, kLanguage + "shared.weight", kLanguage + "shared.weight", Part::kT5},
    {FileKind::kMentor, kTower + "pre_layrnorm.bias", kTower + "pre_layrnorm.bias", Part::kClip},
    {FileKind::kMentor, "multimodal_encoder.language_projection.0.weight",
     "multimodal_encoder.language_projection.0.weight", Part::kProjector},
    {FileKind::kLlamaGen, "tok_embeddings.weight", "tok_embeddings.weight"},
    {FileKind::kLlamaGen, "cls_embedding.uncond_embedding", "cls_embedding.uncond_embedding"},
    {FileKind::kCodec, "quantize.embedding.weight", "codec.quantize.embedding.weight",
     Part::kCodec},
    {FileKind::kClip, "vision_model.pre_layrnorm.bias", kTower + "pre_layrnorm.bias", Part::kClip,
     KeyLayout::kHuggingFace},
    {FileKind::kT5, "shared.weight", kLanguage + "shared.weight", Part::kT5,
     KeyLayout::kHuggingFace},
    {FileKind::kT5, "encoder.block.0.layer.0.layer_norm.weight",
     kLanguage + "encoder.block.0.layer.0.layer_norm.weight", Part::kT5, KeyLayout::kHuggingFace},
    {FileKind::kProjector, "model.mm_projector.2.bias",
     "multimodal_encoder.language_projection.2.bias", Part::kProjector, KeyLayout::kHuggingFace},
};

TEST(PublishedFiles, KeysAreRenamedAndComeBack) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.key);
    const PublishedFile file = recognise_file(with_keys({c.key}));
    EXPECT_EQ(file.kind, c.kind) << describe(file.kind);
    ASSERT_EQ(file.tensors.size(), 1U);
    EXPECT_EQ(file.tensors.begin()->first, c.name);
    EXPECT_EQ(part_of(c.name), c.part);
    EXPECT_TRUE(file.holds(c.part));
    EXPECT_EQ(file_key(c.name, c.layout), c.key);
  }
}

TEST(PublishedFiles, WhatIsOfNoUseIsGroupedByReason) {
  const PublishedFile file = recognise_file(
      with_keys({"language_model.shared.weight", "language_model.decoder.final_layer_norm.weight",
                 "language_model.lm_head.weight", "vision_model.post_layernorm.bias",
                 "qformer.layernorm.bias", "query_tokens", "language_projection.weight",
                 "vision_model.embeddings.position_ids"}));
  EXPECT_EQ(file.kind, FileKind::kBlip2);
  EXPECT_EQ(file.tensors.size(), 1U);
  ASSERT_EQ(file.ignored.size(), 3U);
  EXPECT_EQ(file.ignored[0].reason, "T5 decoder and its output layer");
  EXPECT_EQ(file.ignored[0].keys.size(), 2U);
  EXPECT_EQ(file.ignored[1].keys.size(), 4U);
  EXPECT_EQ(file.ignored[2].keys, std::vector<std::string>{"vision_model.embeddings.position_ids"});
  EXPECT_TRUE(file.unexpected.empty());
}

TEST(PublishedFiles, UnknownKeysAreNeverDropped) {
  const PublishedFile extended =
      recognise_file(with_keys({"tok_embeddings.weight", "extra.weight"}));
  EXPECT_EQ(extended.unexpected, std::vector<std::string>{"extra.weight"});
  const PublishedFile unknown = recognise_file(with_keys({"a", "b"}));
  EXPECT_EQ(unknown.kind, FileKind::kUnknown);
  EXPECT_EQ(unknown.unexpected.size(), 2U);
  EXPECT_TRUE(unknown.tensors.empty());
}

}  // namespace
}  // namespace mentor
