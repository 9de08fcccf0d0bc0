#include "mentor/train/codebook_care.h"

#include "mentor/core/random.h"
#include "mentor/tensor/shape.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

// N codes, E their width, M latents, R rows of the codebook

namespace mentor {
namespace {

/// New values for `rows_R`. Drawn on the CPU, so that every device draws the same.
CodebookRows drawn_rows(const at::Tensor& rows_R, const at::Tensor& latent_ME,
                        const CodebookDraw& draw) {
  check_shape(latent_ME, {-1, -1}, "latent_ME");
  TORCH_CHECK(latent_ME.size(0) > 0, "latent_ME has no rows to draw from");
  const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(
      stream_seed(draw.seed, "codebook", {static_cast<uint64_t>(draw.step)}));
  const int64_t num_rows = rows_R.numel();
  const at::Tensor chosen_R = at::randint(latent_ME.size(0), {num_rows}, generator, at::kLong);
  const at::Tensor noise_RE =
      at::randn({num_rows, latent_ME.size(1)}, generator, at::kFloat) * draw.noise;
  at::Tensor values_RE = latent_ME.detach().index_select(0, chosen_R.to(latent_ME.device()));
  values_RE = values_RE.to(at::kFloat) + noise_RE.to(latent_ME.device());
  values_RE = values_RE / values_RE.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
  return {.rows_R = rows_R.to(latent_ME.device()), .values_RE = values_RE.contiguous()};
}

}  // namespace

at::Tensor count_codes(const at::Tensor& codes_BT, int64_t num_codes) {
  // Not bincount, which waits for the device.
  const at::Tensor codes = codes_BT.flatten();
  return at::zeros({num_codes}, codes.options()).scatter_add_(0, codes, at::ones_like(codes));
}

CodebookRows initial_rows(int64_t num_codes, const at::Tensor& latent_ME,
                          const CodebookDraw& draw) {
  const at::NoGradGuard no_grad;
  return drawn_rows(at::arange(num_codes, at::kLong), latent_ME, draw);
}

CodebookRows revived_rows(const at::Tensor& counts_N, const at::Tensor& latent_ME,
                          const CodebookDraw& draw) {
  const at::NoGradGuard no_grad;
  return drawn_rows(at::nonzero(counts_N.eq(0)).flatten(), latent_ME, draw);
}

}  // namespace mentor
