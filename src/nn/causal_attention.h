#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mentor {

/// Whether recorded_causal_attention() takes these: fp32 or bf16 on a CPU, heads of 16, 32, 48 or
/// 64 channels.
[[nodiscard]] bool fits_recorded_attention(const at::Tensor& q_SHK);

/// packed_causal_attention() (attention.h) with a gradient of its own behind LibTorch's kernel,
/// which is good forward only. Milliseconds forward + backward of 12 heads of 64, one thread with
/// AMX:
///
///     rows                          1343       400        128         64
///     bf16  this               16.1+28.6   2.2+4.3   0.33+0.92  0.13+0.41
///           LibTorch           15.7+68.6   2.3+11.9  0.34+4.33  0.14+1.89
///           matmul, softmax, matmul
///                              52.5+62.2   4.1+4.9   0.55+0.90  0.23+0.43
///     fp32  this               37.4+64.1   5.4+9.5   0.77+1.56  0.21+0.58
///           LibTorch           36.1+86.7   5.0+11.0  0.59+1.27  0.17+0.38
///           matmul, softmax, matmul
///                               121+179    6.7+9.8   0.62+1.14  0.20+0.40
///
/// (fp32 trains nothing large: short sequences are not worth a path of their own there.)
[[nodiscard]] at::Tensor recorded_causal_attention(const at::Tensor& q_SHK, const at::Tensor& k_SHK,
                                                   const at::Tensor& v_SHK,
                                                   const std::vector<int64_t>& offsets);

}  // namespace mentor
