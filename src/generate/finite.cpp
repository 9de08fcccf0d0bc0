#include "mentor/generate/finite.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <ATen/ATen.h>

namespace mentor {

void require_finite(const at::Tensor& x, std::string_view what) {
  if (at::isfinite(x).all().item<bool>()) return;
  throw WeightsError(
      format("{}: NaN or infinite: the weights are damaged, or too large for their dtype "
             "('mentor weights inspect FILE' shows tensors that are not finite; else try "
             "runtime.dtype: fp32)",
             what));
}

}  // namespace mentor
