#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

// Codes that the encoder never comes near get no gradient and stay unused. What helps: a codebook
// that starts at outputs of the encoder, and dead codes that are moved to such outputs later. How
// it works together in a trainer, on every rank:
//
//   counts += all_reduce_sum(count_codes(output.codes_BT, N))   each step
//   rows = revived_rows(counts, output.latent_ME, draw)         at a check; counts := 0
//   broadcast(rows.values_RE, root)                             latents differ between ranks
//   AdamW::replace_rows("quantize.embedding.weight", rows.rows_R, rows.values_RE)

namespace mentor {

/// Rows of the codebook and their new values: unit vectors, fp32, on the device.
struct CodebookRows {
  at::Tensor rows_R;     // int64, ascending
  at::Tensor values_RE;  // contiguous
};

/// The random choice is a function of these alone, the same after a resume.
struct CodebookDraw {
  uint64_t seed = 0;
  int64_t step = 0;
  double noise = 0.01;  // standard deviation of what keeps rows apart that chose the same output
};

/// How often each of `num_codes` codes occurs: int64 [N].
[[nodiscard]] at::Tensor count_codes(const at::Tensor& codes_BT, int64_t num_codes);

/// A codebook of random outputs of the encoder (QuantizerOutput::latent_ME, at least one).
[[nodiscard]] CodebookRows initial_rows(int64_t num_codes, const at::Tensor& latent_ME,
                                        const CodebookDraw& draw);

/// The same for the codes that `counts_N` has never seen; perhaps none.
[[nodiscard]] CodebookRows revived_rows(const at::Tensor& counts_N, const at::Tensor& latent_ME,
                                        const CodebookDraw& draw);

}  // namespace mentor
