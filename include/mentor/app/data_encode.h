#pragma once

#include "mentor/app/run_config.h"
#include "mentor/data/code_cache.h"
#include "mentor/models/vqgan.h"

#include <memory>

namespace mentor {

// The offline cache of target codes: `mentor data encode` (data_tools.h) fills it, training reads
// it.

/// Over the tensors that make codes, as loaded: a file that is converted keeps it, other weights or
/// another precision do not, and a decoder that is trained on does.
[[nodiscard]] std::string codec_hash(const Vqgan& codec);
[[nodiscard]] CodeCacheIdentity code_cache_identity(const ModelConfig& model, const Vqgan& codec);

/// data.code_cache; null when none is configured. ConfigError with the place of the key when it is
/// not of this codec and picture size.
[[nodiscard]] std::shared_ptr<const CodeCache> open_code_cache(const LoadedRunConfig& run,
                                                               const Vqgan& codec);

}  // namespace mentor
