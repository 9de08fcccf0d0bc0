#include "mentor/models/multimodal_encoder.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/tensor/shape.h"

#include <ATen/ATen.h>

#include <numeric>

// B rows, S tokens, D width, N pictures, P features per picture

namespace mentor {
namespace {

/// Flat indices: embedding row `positions[i]` of [B S] takes feature row `features[i]` of [N P].
struct Placement {
  std::vector<int64_t> positions, features;
};

/// Positions of the placeholder in each row, as flat indices into [B S].
std::vector<std::vector<int64_t>> find_placeholders(const at::Tensor& ids_BS, int64_t image_token) {
  const at::Tensor ids = ids_BS.contiguous();
  const int64_t* id = ids.const_data_ptr<int64_t>();
  std::vector<std::vector<int64_t>> positions(ids.size(0));
  for (int64_t i = 0; i < ids.numel(); ++i) {
    if (id[i] == image_token) positions[i / ids.size(1)].push_back(i);
  }
  return positions;
}

Placement place_flat(const std::vector<std::vector<int64_t>>& placeholders, int64_t num_features) {
  Placement placement;
  for (const std::vector<int64_t>& row : placeholders) {
    placement.positions.insert(placement.positions.end(), row.begin(), row.end());
  }
  const auto num_positions = static_cast<int64_t>(placement.positions.size());
  if (num_positions > num_features) {
    throw DataError(
        format("the batch holds {} <image> placeholders, but its pictures give only {} features: "
               "give each placeholder group its picture",
               num_positions, num_features));
  }
  placement.features.resize(num_positions);
  std::iota(placement.features.begin(), placement.features.end(), int64_t{0});
  return placement;
}

Placement place_per_row(const std::vector<std::vector<int64_t>>& placeholders,
                        const std::vector<int64_t>& image_owner, int64_t per_image,
                        bool allow_truncated) {
  std::vector<std::vector<int64_t>> features(placeholders.size());
  for (size_t n = 0; n < image_owner.size(); ++n) {
    TORCH_CHECK(image_owner[n] >= 0 && image_owner[n] < static_cast<int64_t>(features.size()),
                "image_owner[", n, "] = ", image_owner[n], " with ", features.size(), " rows");
    for (int64_t p = 0; p < per_image; ++p) {
      features[image_owner[n]].push_back(static_cast<int64_t>(n) * per_image + p);
    }
  }
  Placement placement;
  for (size_t row = 0; row < features.size(); ++row) {
    if (features[row].empty()) continue;
    const size_t wanted = placeholders[row].size();
    const size_t given = features[row].size();
    if (wanted > given || (wanted < given && !allow_truncated)) {
      throw DataError(
          format("row {}: {} <image> placeholders, but {} pictures x {} features = {}: name every "
                 "picture once in the prompt, and shorten the prompt if it was cut to the context",
                 row, wanted, given / static_cast<size_t>(per_image), per_image, given));
    }
    placement.positions.insert(placement.positions.end(), placeholders[row].begin(),
                               placeholders[row].end());
    placement.features.insert(placement.features.end(), features[row].begin(),
                              features[row].begin() + static_cast<std::ptrdiff_t>(wanted));
  }
  return placement;
}

}  // namespace

MultimodalEncoderImpl::MultimodalEncoderImpl(const ModelConfig& config) : prompt_(config.prompt) {
  if (config.vision) {
    vision_tower_ = ClipVision(config.clip);
    for (at::Tensor& parameter : vision_tower_->parameters()) parameter.set_requires_grad(false);
    const auto clip_model = std::make_shared<torch::nn::Module>("CLIPVisionModel");
    clip_model->register_module("vision_model", vision_tower_);
    const auto tower = std::make_shared<torch::nn::Module>("CLIPVisionTower");
    tower->register_module("vision_tower", clip_model);
    register_module("vision_model", tower);
    projector_ =
        register_module("language_projection",
                        Projector(config.projector, config.clip.hidden_size, config.t5.d_model));
  }
  language_model_ = register_module("language_model", T5Encoder(config.t5));
}

at::Tensor MultimodalEncoderImpl::forward(const EncoderInput& input,
                                          const ImageAssignment& assignment) const {
  TORCH_CHECK(
      input.ids_BS.dim() == 2 && input.ids_BS.is_cpu() && input.ids_BS.scalar_type() == at::kLong,
      "ids_BS must be int64 [B, S] on the host, got ", input.ids_BS.toString(),
      input.ids_BS.sizes());
  const at::Device device = language_model_->parameters().front().device();
  at::Tensor embeddings_BSD = language_model_->embed(input.ids_BS.to(device));
  if (input.pixels_NCHW.defined()) insert_pictures_(embeddings_BSD, input, assignment);
  return language_model_->forward(embeddings_BSD, input.lengths);
}

void MultimodalEncoderImpl::insert_pictures_(at::Tensor& embeddings_BSD, const EncoderInput& input,
                                             const ImageAssignment& assignment) const {
  if (!vision_tower_) {
    throw DataError(
        "the prompt has pictures, but this model has no vision tower: choose a preset "
        "with model.vision: true, or leave the pictures out");
  }
  const int64_t num_images = input.pixels_NCHW.size(0);
  const int64_t per_image = prompt_.placeholders_per_image;
  TORCH_CHECK(static_cast<int64_t>(input.image_owner.size()) == num_images, num_images,
              " pictures with ", input.image_owner.size(), " owners");
  const auto placeholders = find_placeholders(input.ids_BS, prompt_.image_token_id);
  const Placement placement =
      assignment.reference_flat
          ? place_flat(placeholders, num_images * per_image)
          : place_per_row(placeholders, input.image_owner, per_image, assignment.allow_truncated);

  const at::Device device = embeddings_BSD.device();
  const at::Tensor patches_NPH = vision_tower_->forward(input.pixels_NCHW);
  check_shape(patches_NPH, {num_images, per_image, -1}, "picture features");
  const at::Tensor features = projector_->forward(patches_NPH).flatten(0, 1);
  embeddings_BSD.flatten(0, 1).index_copy_(
      0, at::tensor(placement.positions).to(device),
      features.index_select(0, at::tensor(placement.features).to(device)));
}

}  // namespace mentor
