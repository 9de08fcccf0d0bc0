#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mentor {

/// Whether blockwise_causal_attention() takes these: fp32 or bf16 on a CPU, heads of 16, 32, 48 or
/// 64 channels.
[[nodiscard]] bool fits_blockwise_attention(const at::Tensor& q_SHK);

/// packed_causal_attention() (attention.h) for a CPU. Blocks of scores stay in the second-level
/// cache, no work is done for what the causal mask hides, and the backward pass computes the
/// probabilities again from one number per row instead of keeping them.
[[nodiscard]] at::Tensor blockwise_causal_attention(const at::Tensor& q_SHK,
                                                    const at::Tensor& k_SHK,
                                                    const at::Tensor& v_SHK,
                                                    const std::vector<int64_t>& offsets);

}  // namespace mentor
