#include "mentor/nn/loss.h"

#include <ATen/ATen.h>

namespace mentor {

at::Tensor token_losses(const at::Tensor& logits_BTV, const at::Tensor& targets_BT) {
  TORCH_CHECK(targets_BT.scalar_type() == at::kLong, "targets_BT must be int64, got ",
              targets_BT.dtype());
  const at::Tensor losses = at::cross_entropy_loss(logits_BTV.flatten(0, 1), targets_BT.flatten(),
                                                   /*weight=*/{}, at::Reduction::None);
  return losses.view_as(targets_BT);
}

}  // namespace mentor
