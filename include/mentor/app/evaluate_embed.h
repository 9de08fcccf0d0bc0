#pragma once

#include "mentor/app/run_config.h"

#include <iosfwd>

namespace mentor {

/// Measures CLIP-I, CLIP-T, DINO and DINOv2 of every picture with the networks of evaluate.embed,
/// into similarity.jsonl and the files of DreamBench++'s own code, and writes config_embed.yaml.
/// What was measured before, of the same pictures by the same weights, is not measured again.
void embed_evaluation(const LoadedRunConfig& run, std::ostream& out);

}  // namespace mentor
