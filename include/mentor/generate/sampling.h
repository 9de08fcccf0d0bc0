#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mentor {

// P pictures, V codes. All in fp32, in the reference's order: guidance, temperature, top-k, top-p,
// softmax, sample (reference models/generate.py).

struct SamplingOptions {
  double guidance_scale = 7.5;
  int64_t guidance_interval = -1;  // decode step after which guidance ends; -1 = never
  double temperature = 0.9;
  int64_t top_k = 0;  // 0 = all
  double top_p = 1.0;
  bool greedy = false;

  /// Whether image token t (0 = the one prefill predicts, always guided) is guided.
  [[nodiscard]] bool guided(int64_t token) const {
    return guidance_scale > 1 &&
           (token == 0 || guidance_interval < 0 || token - 1 <= guidance_interval);
  }
};

/// u + (c - u) * scale
[[nodiscard]] at::Tensor guide(const at::Tensor& cond_PV, const at::Tensor& uncond_PV,
                               double scale);

/// Probabilities after temperature (0 counts as 1e-5), top-k (ties with the k-th all stay) and
/// top-p (the likeliest always stays).
[[nodiscard]] at::Tensor filtered_probabilities(const at::Tensor& logits_PV,
                                                const SamplingOptions& options);

/// One random stream per picture, so that its tokens do not depend on what shares the batch.
class TokenSampler {
 public:
  TokenSampler(const SamplingOptions& options, const std::vector<uint64_t>& seeds);

  /// Next token of every picture, int64 [P], on the logits' device.
  [[nodiscard]] at::Tensor sample(const at::Tensor& logits_PV);

 private:
  SamplingOptions options_;
  std::vector<at::Generator> generators_;
};

}  // namespace mentor
