#include "mentor/models/model_fit.h"

#include "mentor/config/yaml.h"
#include "mentor/core/format.h"
#include "mentor/models/initialization.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>
#include <utility>

namespace mentor {
namespace {

constexpr std::string_view kUnconditional = "cls_embedding.uncond_embedding";
constexpr std::string_view kCodebookUsed = "codec.quantize.codebook_used";

bool holds(const StateDict& weights, Part part) {
  return std::any_of(weights.begin(), weights.end(),
                     [&](const auto& entry) { return part_of(entry.first) == part; });
}

/// One more than the largest number after `prefix` in the names; 0 when there is none. Numbers that
/// there are no tensors for do not count: those of a hostile file would fill the memory.
int64_t count_numbered(const StateDict& weights, std::string_view prefix) {
  int64_t count = 0;
  for (const auto& [name, tensor] : weights) {
    int64_t index = 0;
    if (!name.starts_with(prefix)) continue;
    const auto [end, error] =
        std::from_chars(name.data() + prefix.size(), name.data() + name.size(), index);
    const bool is_number = error == std::errc() && *end == '.';
    if (is_number && std::cmp_less(index, weights.size())) count = std::max(count, index + 1);
  }
  return count;
}

/// Collects what the shapes tell. Tensors of another number of dimensions tell nothing.
class DimensionReader {
 public:
  explicit DimensionReader(const StateDict& weights) : weights_(weights) {}

  /// Size of a tensor along `axis`; 0 when there is no such tensor.
  [[nodiscard]] int64_t size(std::string_view name, int64_t axis) const {
    const at::Tensor* tensor = weights_.find(name);
    return tensor != nullptr && axis < tensor->dim() ? tensor->size(axis) : 0;
  }
  void add(std::string_view key, int64_t value) {
    if (value > 0) found_.push_back({std::string(key), format("{}", value)});
  }
  void add_list(std::string_view key, const std::vector<int64_t>& values) {
    if (!values.empty()) found_.push_back({std::string(key), yaml_text(values)});
  }

  void read_decoder();
  void read_t5();
  void read_clip();
  void read_codec();
  std::vector<Dimension> take() { return std::move(found_); }

 private:
  const StateDict& weights_;
  std::vector<Dimension> found_;
};

void DimensionReader::read_decoder() {
  add("decoder.dim", size("tok_embeddings.weight", 1));
  add("decoder.num_layers", count_numbered(weights_, "layers."));
  add("decoder.vocab_size", size("tok_embeddings.weight", 0));
  add("decoder.cond_len", size(kUnconditional, 0));
  add("decoder.cond_dim", size(kUnconditional, 1));
  add("decoder.num_classes", size("cls_embedding.embedding_table.weight", 0) - 1);
}

void DimensionReader::read_t5() {
  const std::string model = "multimodal_encoder.language_model.";
  const std::string block = model + "encoder.block.0.layer.";
  const int64_t heads = size(block + "0.SelfAttention.relative_attention_bias.weight", 1);
  add("t5.vocab_size", size(model + "shared.weight", 0));
  add("t5.d_model", size(block + "0.layer_norm.weight", 0));
  add("t5.d_ff", size(block + "1.DenseReluDense.wi_0.weight", 0));
  add("t5.num_layers", count_numbered(weights_, model + "encoder.block."));
  add("t5.num_heads", heads);
  add("t5.num_buckets", size(block + "0.SelfAttention.relative_attention_bias.weight", 0));
  if (heads > 0) add("t5.d_kv", size(block + "0.SelfAttention.q.weight", 0) / heads);
}

void DimensionReader::read_clip() {
  const std::string tower = "multimodal_encoder.vision_model.vision_tower.vision_model.";
  const int64_t patch = size(tower + "embeddings.patch_embedding.weight", 2);
  const int64_t patches = size(tower + "embeddings.position_embedding.weight", 0) - 1;
  add("clip.hidden_size", size(tower + "embeddings.class_embedding", 0));
  add("clip.intermediate_size", size(tower + "encoder.layers.0.mlp.fc1.weight", 0));
  add("clip.num_layers", count_numbered(weights_, tower + "encoder.layers."));
  add("clip.patch_size", patch);
  if (patches > 0) {
    add("clip.image_size", patch * std::lround(std::sqrt(static_cast<double>(patches))));
  }
}

void DimensionReader::read_codec() {
  const std::string blocks = "codec.encoder.conv_blocks.";
  const int64_t ch = size("codec.encoder.conv_in.weight", 0);
  const int64_t local_blocks = count_numbered(weights_, "codec.encoder.res.");
  if (ch > 0) found_.push_back({"codec.layout", local_blocks > 0 ? "local" : "official"});
  add("codec.ch", ch);
  if (local_blocks > 0) {
    add("codec.patch_size", size("codec.encoder.conv_in.weight", 2));
    add("codec.num_res_blocks", local_blocks - 1);
  }
  std::vector<int64_t> factors;
  const int64_t levels = count_numbered(weights_, blocks);
  for (int64_t level = 0; level < levels; ++level) {
    const int64_t channels = size(format("{}{}.res.0.conv1.weight", blocks, level), 0);
    factors.push_back(ch > 0 ? channels / ch : 0);
  }
  add_list("codec.ch_mult", factors);
  add("codec.num_res_blocks", count_numbered(weights_, blocks + "0.res."));
  add("codec.z_channels", size("codec.encoder.conv_out.weight", 0));
  add("codec.codebook_size", size("codec.quantize.embedding.weight", 0));
  add("codec.codebook_dim", size("codec.quantize.embedding.weight", 1));
}

}  // namespace

StateDict complete_weights(const ModelSet& models, StateDict weights,
                           std::vector<std::string>& notes) {
  const StateDict wanted = named_tensors(models);
  const at::Tensor* want = wanted.find(kUnconditional);
  const at::Tensor* have = weights.find(kUnconditional);
  if (want != nullptr && have != nullptr && have->dim() == 2 && have->size(1) == want->size(1) &&
      have->size(0) < want->size(0)) {
    const int64_t rows = have->size(0);
    at::Tensor grown = initial_value(models.config, std::string(kUnconditional), want->sizes(), 0);
    grown.narrow(0, 0, rows).copy_(*have);
    notes.push_back(
        format("{}: the file has {} of {} rows, the others are drawn as before training",
               kUnconditional, rows, want->size(0)));
    weights.set(std::string(kUnconditional), grown);
  }
  want = wanted.find(kCodebookUsed);
  if (want != nullptr && holds(weights, Part::kCodec) && !weights.contains(kCodebookUsed)) {
    weights.set(std::string(kCodebookUsed), at::zeros(want->sizes()));
    notes.push_back(
        format("{}: not in the file, taken as zeros (only codec training uses it)", kCodebookUsed));
  }
  return weights;
}

LoadReport compare_weights(const ModelSet& models, const StateDict& weights) {
  LoadReport report;
  const StateDict wanted = named_tensors(models);
  std::unordered_set<const void*> given;  // tensors that arrive under one of their names
  for (const auto& [name, tensor] : wanted) {
    const at::Tensor* found = weights.find(name);
    if (found == nullptr) continue;
    given.insert(tensor.unsafeGetTensorImpl());
    if (found->sizes() == tensor.sizes()) {
      report.loaded.push_back(name);
    } else {
      report.mismatched.push_back({name, tensor.sizes().vec(), found->sizes().vec()});
    }
  }
  for (const auto& [name, tensor] : wanted) {
    if (!given.contains(tensor.unsafeGetTensorImpl()) && holds(weights, part_of(name))) {
      report.missing.push_back(name);
    }
  }
  for (const auto& [name, tensor] : weights) {
    if (!wanted.contains(name)) report.unexpected.push_back(name);
  }
  return report;
}

std::vector<std::string> fitting_presets(const StateDict& weights) {
  ModelConfig any;
  std::vector<std::string> exact, with_exceptions;
  if (weights.empty()) return exact;
  const FieldTable table = fields_of(any);
  for (const std::string& preset : table.find_field("preset")->bound.words) {
    const ModelSet models = build_models(model_preset(preset));
    std::vector<std::string> notes;
    const LoadReport report = compare_weights(models, complete_weights(models, weights, notes));
    if (!report.complete() || !report.unexpected.empty()) continue;
    (notes.empty() ? exact : with_exceptions).push_back(preset);
  }
  exact.insert(exact.end(), with_exceptions.begin(), with_exceptions.end());
  return exact;
}

std::vector<Dimension> dimensions_of(const StateDict& weights) {
  DimensionReader reader(weights);
  reader.read_decoder();
  reader.read_t5();
  reader.read_clip();
  reader.read_codec();
  return reader.take();
}

std::string suggest_configuration(const ModelConfig& config, const StateDict& weights) {
  ModelConfig configured = config;
  const FieldTable table = fields_of(configured);
  std::string differing;
  for (const Dimension& dimension : dimensions_of(weights)) {
    const std::string value = yaml_text(table.find_field(dimension.key)->value());
    if (value == dimension.value) continue;
    differing += format("{}{} {} (configured {})", differing.empty() ? "" : ", ", dimension.key,
                        dimension.value, value);
  }
  if (differing.empty()) return "";
  const std::vector<std::string> presets = fitting_presets(weights);
  if (presets.empty()) return format("the file has {}: set these keys below model", differing);
  return format("the file has {}: set model.preset: {}", differing, presets.front());
}

}  // namespace mentor
