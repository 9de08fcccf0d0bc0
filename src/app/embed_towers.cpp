#include "embed_towers.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/core/sha256.h"
#include "mentor/image/transforms.h"
#include "mentor/models/clip_embedder.h"
#include "mentor/models/dino.h"
#include "mentor/tensor/mapped_file.h"
#include "mentor/text/clip_tokenizer.h"

#include <ATen/ATen.h>

#include <memory>

namespace mentor {
namespace {

at::Tensor unit_vectors(const at::Tensor& features_ND) {
  const at::Tensor x = features_ND.to(at::kCPU, at::kFloat);
  return x / x.norm(2, /*dim=*/1, /*keepdim=*/true);
}

/// "ViT-B/32": the published name of these sizes, where they have one.
std::string architecture(int64_t layers, int64_t width, int64_t patch) {
  struct Size {
    int64_t layers, width;
    const char* name;
  };
  constexpr Size kSizes[] = {{12, 384, "S"}, {12, 768, "B"}, {24, 1024, "L"}, {32, 1280, "H"}};
  for (const Size& size : kSizes) {
    if (size.layers == layers && size.width == width) return format("ViT-{}/{}", size.name, patch);
  }
  return format("ViT of {} layers of {}, patches of {}", layers, width, patch);
}

/// Of the one file, or of the hashes of several.
std::string sha256_of(const std::vector<std::string>& files) {
  std::string hashes;
  for (const std::string& file : files) hashes += sha256_hex(MappedFile::open(file)->bytes());
  return files.size() == 1 ? hashes : sha256_hex(hashes);
}

Checkpoint checkpoint_of(const fs::path& path, std::string architecture,
                         const WeightsReport& report, const Runtime& runtime) {
  return {.name = fs::weakly_canonical(path).filename().string(),
          .architecture = std::move(architecture),
          .sha256 = sha256_of(report.files),
          .dtype = runtime.dtype == at::kFloat ? "fp32" : "bf16"};
}

/// Rows as long as the longest, filled up with what ends a text.
at::Tensor padded_ids(std::span<const Tower::TextIds> texts) {
  size_t length = 0;
  for (const auto& text : texts) length = std::max(length, text.ids.size());
  at::Tensor ids_NL =
      at::empty({std::ssize(texts), static_cast<int64_t>(length)}, at::TensorOptions(at::kLong));
  auto* to = ids_NL.mutable_data_ptr<int64_t>();
  for (const auto& text : texts) {
    to = std::ranges::copy(text.ids, to).out;
    to = std::fill_n(to, length - text.ids.size(), text.ids.back());
  }
  return ids_NL;
}

Tower clip_tower(const fs::path& folder, const Runtime& runtime) {
  WeightsReport report;
  const ClipEmbedder clip = load_clip_embedder(folder, runtime.dtype, runtime.device, &report);
  const ClipEmbedderConfig& config = clip->config();
  const auto tokenizer = std::make_shared<const ClipTokenizer>(ClipTokenizer::load(folder));
  if (tokenizer->vocab_size() > config.text.vocab_size) {
    throw WeightsError(
        format("{}: the tokenizer has {} pieces, the text tower {}: the files "
               "belong to different models",
               folder, tokenizer->vocab_size(), config.text.vocab_size));
  }
  const int64_t side = config.vision.image_size, context = config.text.max_positions;
  Tower tower{
      .metric = Metric::kClipI,
      .checkpoint = checkpoint_of(folder,
                                  architecture(config.vision.num_layers, config.vision.hidden_size,
                                               config.vision.patch_size),
                                  report, runtime),
      .side = side};
  tower.pixels = [side](const Image& image) { return clip_pixels(image, side); };
  tower.embed_pictures = [clip](const at::Tensor& pixels_NCHW) {
    return unit_vectors(clip->embed_pictures(pixels_NCHW));
  };
  tower.text_ids = [tokenizer, context](const std::string& text) -> Tower::TextIds {
    PaddedText padded = tokenizer->encode_padded(text, static_cast<size_t>(context));
    padded.ids.resize(static_cast<size_t>(std::ranges::count(padded.mask, 1)));
    return {std::move(padded.ids), padded.truncated};
  };
  tower.embed_texts = [clip, device = runtime.device](std::span<const Tower::TextIds> texts) {
    return unit_vectors(clip->embed_texts(padded_ids(texts).to(device)));
  };
  return tower;
}

Tower dino_tower(Metric metric, const fs::path& path, const Runtime& runtime) {
  const bool first = metric == Metric::kDino;
  WeightsReport report;
  const Dino dino = first ? load_dino(path, runtime.dtype, runtime.device, &report)
                          : load_dinov2(path, runtime.dtype, runtime.device, &report);
  const DinoConfig& config = dino->config();
  Tower tower{.metric = metric,
              .checkpoint = checkpoint_of(
                  path, architecture(config.num_layers, config.hidden_size, config.patch_size),
                  report, runtime),
              .side = kDinoSide};
  const CropRule rule = first ? CropRule::kHalfEven : CropRule::kFloor;
  tower.pixels = [rule](const Image& image) { return dino_pixels(image, rule); };
  tower.embed_pictures = [dino](const at::Tensor& pixels_NCHW) {
    return unit_vectors(dino->embed_pictures(pixels_NCHW));
  };
  return tower;
}

/// What a key of evaluate.embed names.
struct Source {
  const char* key;
  const fs::path& path;
  const char* metrics;
  const char* published;
};

/// Says so where a network is left out.
bool is_wanted(const Source& source) {
  if (source.path.empty()) {
    log::info("{} left out: evaluate.embed.{} is not set ({})", source.metrics, source.key,
              source.published);
    return false;
  }
  std::error_code ignored;
  if (fs::exists(source.path, ignored)) return true;
  throw ConfigError(
      format("evaluate.embed.{}: {} does not exist: set it to {}, or to nothing to "
             "leave {} out",
             source.key, source.path, source.published, source.metrics));
}

}  // namespace

std::vector<Tower> load_towers(const EmbedConfig& config, const Runtime& runtime) {
  const Source clip{"clip", config.clip, "CLIP-I and CLIP-T",
                    "the folder of huggingface.co/openai/clip-vit-base-patch32"};
  const Source dino{"dino", config.dino, "DINO",
                    "the file dino_deitsmall8_pretrain.pth of github.com/facebookresearch/dino"};
  const Source dinov2{"dinov2", config.dinov2, "DINOv2",
                      "the folder of huggingface.co/facebook/dinov2-small"};
  if (!config.has_networks()) {
    std::string message = "evaluate.embed: there is nothing to measure with: set one or more of";
    const char* separator = " ";
    for (const Source& source : {clip, dino, dinov2}) {
      message += format("{}{} ({})", separator, source.key, source.published);
      separator = ", ";
    }
    throw ConfigError(message);
  }
  std::vector<Tower> towers;
  if (is_wanted(clip)) towers.push_back(clip_tower(config.clip, runtime));
  if (is_wanted(dino)) towers.push_back(dino_tower(Metric::kDino, config.dino, runtime));
  if (is_wanted(dinov2)) towers.push_back(dino_tower(Metric::kDinov2, config.dinov2, runtime));
  for (const Tower& tower : towers) {
    log::info("{}: {}, {}, sha256 {}", name_of(tower.metric), tower.checkpoint.name,
              tower.checkpoint.architecture, tower.checkpoint.sha256);
  }
  return towers;
}

}  // namespace mentor
