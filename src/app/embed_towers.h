#pragma once

#include "mentor/app/runtime.h"
#include "mentor/eval/embed_config.h"
#include "mentor/eval/similarity.h"
#include "mentor/image/image.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace mentor {

/// A network that turns pictures into vectors, and CLIP texts as well.
struct Tower {
  Metric metric = Metric::kClipI;  // of two pictures
  Checkpoint checkpoint;
  int64_t side = 224;  // of the square pictures it sees
  /// A picture as numbers [3, side, side]; for any thread.
  std::function<std::vector<float>(const Image&)> pixels;
  /// Unit vectors [N, D], fp32 on the CPU, of pixels [N, 3, side, side].
  std::function<at::Tensor(const at::Tensor&)> embed_pictures;

  /// Ids of a text, and whether its end was cut off. DataError for text that is not UTF-8.
  struct TextIds {
    std::vector<int64_t> ids;
    bool truncated = false;
  };
  std::function<TextIds(const std::string&)> text_ids;  // empty: reads no texts
  /// Unit vectors [N, D] of texts.
  std::function<at::Tensor(std::span<const TextIds>)> embed_texts;
};

/// Those that the configuration has files for. ConfigError when it has none; says what is left out.
[[nodiscard]] std::vector<Tower> load_towers(const EmbedConfig& config, const Runtime& runtime);

}  // namespace mentor
