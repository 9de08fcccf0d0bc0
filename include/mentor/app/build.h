#pragma once

#include "mentor/app/run_config.h"
#include "mentor/app/runtime.h"
#include "mentor/generate/prompt.h"
#include "mentor/models/model_set.h"
#include "mentor/text/tokenizer.h"

namespace mentor {

/// The configured tokenizer, checked against the model. Throws ConfigError naming the key to put
/// right, also for a decoder that takes class numbers instead of sentences.
[[nodiscard]] Tokenizer load_tokenizer(const RunConfig& config);

/// ConfigError naming every configured file of weights that is not there, before any is read.
void require_weight_files(const WeightsConfig& weights);

/// Files where weights.model or weights.codec name a training run or a checkpoint.
[[nodiscard]] WeightsConfig find_weight_files(WeightsConfig weights);

/// How pictures that a user shows are read: upright, transparent parts white.
[[nodiscard]] PrepareOptions prepare_options(const RunConfig& config);

/// Loads what `choice` names, ready for inference. Throws ConfigError or WeightsError naming the
/// key or file to put right; random weights are never put in the place of missing ones.
[[nodiscard]] ModelSet load_models(const RunConfig& config, const Runtime& runtime,
                                   const ModelChoice& choice = {});

/// The same with weights drawn at random and no files: what benchmarks time.
[[nodiscard]] ModelSet random_models(const RunConfig& config, const Runtime& runtime,
                                     const ModelChoice& choice = {});

/// The codec alone, in precision.codec: what turns pictures into the codes that training has of
/// them, whatever the other models compute in. In bf16 some codes are others.
[[nodiscard]] Vqgan load_target_codec(const RunConfig& config, Runtime runtime);

}  // namespace mentor
