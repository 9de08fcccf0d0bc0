#pragma once

#include "mentor/models/model_set.h"
#include "mentor/models/weights_config.h"
#include "mentor/nn/state.h"

#include <string>
#include <vector>

namespace mentor {

/// What loading did with every tensor of every file; names as in published_files.h.
struct PretrainedReport {
  struct PartFile {
    Part part;
    std::string file;
    int64_t tensors;
  };
  struct Ignored {
    std::string file;
    KeyGroup group;
  };
  std::vector<PartFile> parts;     // which file filled which part
  LoadReport names;                // loaded, missing, unexpected, mismatched
  std::vector<Ignored> ignored;    // left out on purpose
  std::vector<std::string> notes;  // rules that were applied

  /// One line per fact, for the log.
  [[nodiscard]] std::vector<std::string> lines() const;
};

struct LoadTarget {
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::Device(at::kCPU);
};

/// Fills the models from published files (docs: model.md sections 5 and 6). `weights.model` gives
/// every part it holds; `weights.decoder` replaces its decoder, the other files give what it
/// lacks. Tensors whose dtype and device fit stay views of the mapped file: nothing may write to
/// them. Others are converted one by one, so the peak is the result and one tensor.
/// Throws ConfigError when a part has no file or the T5 activation differs from the folder's
/// config.json. Tensors that are missing or of another shape are only reported.
PretrainedReport fill_models(ModelSet& models, const WeightsConfig& weights,
                             const LoadTarget& target);

/// fill_models(), and a WeightsError naming files, tensors and the cure unless everything fits.
/// Logs the report.
PretrainedReport load_pretrained(ModelSet& models, const WeightsConfig& weights,
                                 const LoadTarget& target);

}  // namespace mentor
