#pragma once

#include "mentor/models/model_set.h"

#include <ATen/core/grad_mode.h>

namespace mentor {

/// No gradients and no dropout while it lives; training goes on after it.
class EvaluationMode {
 public:
  explicit EvaluationMode(ModelSet& models) : models_(models) { set_training(false); }
  ~EvaluationMode() { set_training(true); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  void set_training(bool training) {
    models_.decoder->train(training);
    models_.encoder->train(training);
  }

  ModelSet& models_;
  at::NoGradGuard no_grad_;
};

}  // namespace mentor
