#include "mentor/models/vqgan_quantizer.h"

#include "mentor/nn/parameters.h"
#include "mentor/tensor/shape.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

// B batch, E width of a code, H x W grid, T = H * W, M = B * T latents, N codes

namespace mentor {
namespace {

constexpr int64_t kUsageLength = 65536;
constexpr double kEntropyTemperature = 0.01;
constexpr double kEntropyEpsilon = 1e-5;
/// Distances held at a time without gradients: 16 MB, which also stays in the last-level cache.
constexpr int64_t kDistancesPerChunk = int64_t{1} << 22;

/// x / max(|x|, 1e-12) over the last dimension.
at::Tensor l2_normalise(const at::Tensor& x) {
  return x / x.norm(2, {-1}, /*keepdim=*/true).clamp_min(1e-12);
}

at::Tensor flatten_latent(const at::Tensor& latent_BEHW) {
  return latent_BEHW.to(at::kFloat).permute({0, 2, 3, 1}).reshape({-1, latent_BEHW.size(1)});
}

/// Rows [M, E] as [B, E, H, W], the shape of `latent`.
at::Tensor grid_of(const at::Tensor& rows_ME, const at::Tensor& latent_BEHW) {
  const int64_t batch = latent_BEHW.size(0), h = latent_BEHW.size(2), w = latent_BEHW.size(3);
  return rows_ME.view({batch, h, w, -1}).permute({0, 3, 1, 2});
}

/// |z|^2 + |e|^2 - 2 z.e for unit rows too: dropping the constant terms would decide ties
/// differently from the reference.
at::Tensor distances(const at::Tensor& z_ME, const at::Tensor& codebook_NE) {
  const at::Tensor squares_MN =
      z_ME.square().sum(1, /*keepdim=*/true) + codebook_NE.square().sum(1);
  return at::sub(squares_MN, at::mm(z_ME, codebook_NE.t()), /*alpha=*/2);
}

/// The first of the smallest in each row. A quarter of the time of argmin on the CPU.
at::Tensor first_minimum(const at::Tensor& distances_MN) {
  return std::get<1>(at::min(distances_MN, 1));
}

at::Tensor nearest(const at::Tensor& z_ME, const at::Tensor& codebook_NE) {
  const int64_t rows = std::max<int64_t>(1, kDistancesPerChunk / codebook_NE.size(0));
  std::vector<at::Tensor> codes;
  for (const at::Tensor& chunk_ME : z_ME.split(rows)) {
    codes.push_back(first_minimum(distances(chunk_ME, codebook_NE)));
  }
  return at::cat(codes);
}

/// Mean entropy of each latent's soft assignment minus the entropy of the mean assignment:
/// small when assignments are sure and all codes are used.
at::Tensor entropy_loss(const at::Tensor& distances_MN) {
  const at::Tensor affinity_MN = distances_MN / -kEntropyTemperature;
  const at::Tensor probability_MN = at::softmax(affinity_MN, -1);
  const at::Tensor log_probability_MN = at::log_softmax(affinity_MN + kEntropyEpsilon, -1);
  const at::Tensor average_N = probability_MN.mean(0);
  const at::Tensor average_entropy = -(average_N * (average_N + kEntropyEpsilon).log()).sum();
  const at::Tensor sample_entropy = -(probability_MN * log_probability_MN).sum(-1).mean();
  return sample_entropy - average_entropy;
}

}  // namespace

VectorQuantizerImpl::VectorQuantizerImpl(const VqganConfig& config) : config_(config) {
  codebook_used_ = register_buffer("codebook_used", at::zeros({1}).expand({kUsageLength}));
  embedding_ = register_module("embedding", Embedding(config.codebook_size, config.codebook_dim));
}

at::Tensor VectorQuantizerImpl::normalised_codebook() const {
  return l2_normalise(embedding_->weight.to(at::kFloat));
}

at::Tensor VectorQuantizerImpl::codes(const at::Tensor& latent_BEHW) const {
  check_shape(latent_BEHW, {-1, config_.codebook_dim, -1, -1}, "latent_BEHW");
  const at::NoGradGuard no_grad;
  return nearest(l2_normalise(flatten_latent(latent_BEHW)), normalised_codebook())
      .view({latent_BEHW.size(0), -1});
}

at::Tensor VectorQuantizerImpl::lookup(const at::Tensor& codes_BT, int64_t h, int64_t w) const {
  check_shape(codes_BT, {-1, h * w}, "codes_BT");
  TORCH_CHECK(codes_BT.scalar_type() == at::kLong, "codes_BT must be int64, got ",
              codes_BT.dtype());
  const at::Tensor rows = l2_normalise(
      at::embedding(embedding_->weight, codes_BT.to(embedding_->weight.device())).to(at::kFloat));
  return rows.view({-1, h, w, config_.codebook_dim})
      .permute({0, 3, 1, 2})
      .to(embedding_->weight.scalar_type());
}

at::Tensor VectorQuantizerImpl::record_usage(const at::Tensor& codes) {
  const at::NoGradGuard no_grad;
  // A step may bring more codes than the history holds: its last ones remain.
  const at::Tensor history = at::cat({codebook_used_.to(at::kFloat), codes.to(at::kFloat)});
  assign(codebook_used_, history.slice(0, history.size(0) - kUsageLength).clone());
  // Codes of a buffer that was once bf16 may have been rounded to one beyond the last.
  const at::Tensor used = codebook_used_.to(at::kLong).clamp_max(config_.codebook_size - 1);
  return at::zeros({config_.codebook_size}, codebook_used_.options())
      .index_fill_(0, used, 1)
      .mean();
}

QuantizerOutput VectorQuantizerImpl::pass(const at::Tensor& latent_BEHW) const {
  check_shape(latent_BEHW, {-1, config_.codebook_dim, -1, -1}, "latent_BEHW");
  const at::Tensor z_ME = l2_normalise(flatten_latent(latent_BEHW));
  const at::Tensor zero = at::zeros({}, z_ME.options());
  return {.quantised_BEHW = grid_of(z_ME, latent_BEHW),
          .codebook_loss = zero,
          .commit_loss = zero,
          .entropy_loss = zero,
          .usage = zero,
          .latent_ME = z_ME.detach()};
}

QuantizerOutput VectorQuantizerImpl::forward(const at::Tensor& latent_BEHW) {
  check_shape(latent_BEHW, {-1, config_.codebook_dim, -1, -1}, "latent_BEHW");
  const at::Tensor z_ME = l2_normalise(flatten_latent(latent_BEHW));
  const at::Tensor codebook_NE = normalised_codebook();
  const bool with_entropy = config_.entropy_ratio > 0;  // else the M x N graph is not needed

  QuantizerOutput output;
  at::Tensor codes_M;
  if (with_entropy) {
    const at::Tensor distances_MN = distances(z_ME, codebook_NE);
    codes_M = first_minimum(distances_MN);
    output.entropy_loss = config_.entropy_ratio * entropy_loss(distances_MN);
  } else {
    codes_M = nearest(z_ME.detach(), codebook_NE.detach());
    output.entropy_loss = at::zeros({}, z_ME.options());
  }
  output.usage = record_usage(codes_M);
  output.latent_ME = z_ME.detach();

  const at::Tensor rows_ME = at::embedding(codebook_NE, codes_M);
  output.codebook_loss = (rows_ME - z_ME.detach()).square().mean();
  output.commit_loss = config_.commit_beta * (rows_ME.detach() - z_ME).square().mean();
  output.quantised_BEHW = grid_of(z_ME + (rows_ME - z_ME).detach(), latent_BEHW);
  output.codes_BT = codes_M.view({latent_BEHW.size(0), -1});
  return output;
}

}  // namespace mentor
