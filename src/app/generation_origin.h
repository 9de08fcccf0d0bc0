#pragma once

#include "mentor/app/run_config.h"
#include "mentor/app/runtime.h"
#include "mentor/dist/communicator.h"
#include "mentor/eval/sample_folder.h"

#include <functional>
#include <memory>

namespace mentor {

/// What pictures depend on that a model draws: settings of the sections generate and model, device
/// and number format, hashes of the weights and the tokenizer.
[[nodiscard]] SampleOrigin generation_origin(const RunConfig& config, const Runtime& runtime);

/// The folder on every rank, and the run's config.yaml in it once it is accepted. The first rank
/// opens it before the others, so that they find what it has checked; it alone asks `origin`, which
/// may hash weights.
[[nodiscard]] std::unique_ptr<SampleFolder> open_on_ranks(
    SampleFolderOptions options, const std::function<SampleOrigin()>& origin,
    const LoadedRunConfig& run, Communicator& communicator);

}  // namespace mentor
