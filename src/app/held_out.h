#pragma once

#include "mentor/data/loader.h"
#include "mentor/dist/communicator.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace mentor {

struct HeldOutOptions {
  std::vector<MixtureShare> shares;
  Loader::Make make;
  int threads = 1;
  int64_t batch = 1;
};

/// Every sample of an epoch once, in an order that is always the same: rank r of n gets the r-th,
/// the n + r-th and so on, in batches. A record that cannot be used is left out with a warning:
/// held-out data do not end a training.
void for_each_held_out(const HeldOutOptions& options, const Communicator& communicator,
                       const std::function<void(const std::vector<Example>&)>& take);

}  // namespace mentor
