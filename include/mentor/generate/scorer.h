#pragma once

#include "mentor/generate/prompt.h"
#include "mentor/generate/request.h"
#include "mentor/models/model_set.h"

#include <ATen/core/Tensor.h>

namespace mentor {

/// Teacher-forced negative log-likelihood of a picture's codes, in nats.
struct Score {
  double sum = 0, mean = 0;
  int64_t tokens = 0;
};

/// What is left of a record once its pictures are read: nothing in it can be wrong any more.
struct PreparedRecord {
  PreparedRequest prompt;
  at::Tensor tokens_T;    // int64, given ...
  at::Tensor target_CHW;  // ... or to be made by the codec from this picture
};

/// Throws DataError naming the record for codes that do not fit the model.
[[nodiscard]] PreparedRecord prepare_record(const ScoreRecord& record, const Tokenizer& tokenizer,
                                            const ModelConfig& model,
                                            const PrepareOptions& options);

/// Scores the target under prompt and reference pictures, without dropout or guidance.
[[nodiscard]] Score score_record(ModelSet& models, const PreparedRecord& record);

}  // namespace mentor
