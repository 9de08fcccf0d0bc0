// The second half of the link check in a CUDA build: the headers that need the toolkit's and
// NCCL's.
#include <ATen/cuda/CUDAContext.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

bool cuda_links() {
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  return at::cuda::is_available() && options->is_high_priority_stream;
}
