#include "mentor/train/batch_copies.h"

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace mentor {

BatchCopies::BatchCopies(at::Device device) : device_(device) {
  if (device.is_cpu()) return;
  stream_ = c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
}

void BatchCopies::start(std::initializer_list<at::Tensor*> tensors) const {
  if (!stream_) return;
  const c10::Stream compute = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  c10::Event arrival(device_.type());
  {
    const c10::StreamGuard guard(*stream_);
    for (at::Tensor* tensor : tensors) {
      if (!tensor->defined()) continue;
      // The allocator keeps the page-locked memory until the copy is done.
      *tensor = tensor->pin_memory().to(device_, /*non_blocking=*/true);
      tensor->record_stream(compute);
    }
    arrival.record(*stream_);
  }
  arrival.block(compute);
}

}  // namespace mentor
