#pragma once

#include "mentor/app/data_sources.h"
#include "mentor/dist/communicator.h"
#include "mentor/models/model_set.h"
#include "train_target.h"

#include <optional>
#include <vector>

namespace mentor {

/// Sheets of samples that the model draws while it is trained: the same records each time, shared
/// out over the ranks, with the training model itself.
class Previews {
 public:
  /// `mixture`: where the records come from, train.sample_count of them from all over it.
  Previews(const RunConfig& config, Mixture mixture, ModelSet& models, Communicator& communicator);

  /// Every rank calls this; rank 0 gets the sheet.
  [[nodiscard]] std::optional<SampleSheet> draw(int64_t step);

 private:
  [[nodiscard]] SampleIndex row(int64_t number) const;
  [[nodiscard]] fs::path piece(int64_t step, int64_t number) const;
  void draw_row(int64_t step, int64_t number);

  const RunConfig& config_;
  ModelSet& models_;
  Communicator& communicator_;
  std::vector<MixtureShare> shares_;
  ExampleMaker make_;
  std::optional<Backgrounds> backgrounds_;
};

}  // namespace mentor
