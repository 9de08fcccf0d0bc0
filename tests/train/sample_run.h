#pragma once

#include "mentor/train/run_log.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

namespace mentor {

/// Records as a run of `intervals` logging intervals leaves them: five tasks, warm-up and decay,
/// noise, a gradient spike, validation, checkpoints, two resumes and a skipped step.
inline RunRecords sample_run(int64_t intervals, int64_t steps_per_interval = 10) {
  const std::pair<const char*, double> tasks[] = {{"text_to_image", 0.25},
                                                  {"reconstruction", -0.9},
                                                  {"segmentation", -0.5},
                                                  {"recovery", -0.35},
                                                  {"subject", 0.1}};
  std::mt19937 random(7);
  std::normal_distribution<double> noise;
  RunRecords run;
  const auto total = static_cast<double>(intervals);
  for (int64_t i = 1; i <= intervals; ++i) {
    const double t = static_cast<double>(i) / total;
    const double level = 6.35 + 3.35 * std::exp(-18 * t) - 0.5 * t;
    IntervalMetrics m{.step = i * steps_per_interval,
                      .total_steps = intervals * steps_per_interval * 5 / 4,
                      .epoch = t,
                      .samples = i * steps_per_interval * 128,
                      .tokens = i * steps_per_interval * 128 * 1343,
                      .loss = level + 0.035 * noise(random)};
    for (const auto& [task, offset] : tasks) {
      const double speed = 1 - std::exp(-12 * t);
      m.task_loss[task] = level + offset * speed + 0.09 * noise(random);
    }
    if (i % 7 == 0) m.task_loss["recovery"] = std::nan("");
    m.grad_norm = 0.35 + 2 * std::exp(-25 * t) + 0.05 * std::abs(noise(random));
    if (i == intervals * 2 / 3) m.grad_norm = 41;
    m.lr = 5e-4 * std::min(1.0, 25 * t) * (0.55 + 0.45 * std::cos(3.14159 * 0.8 * t));
    m.samples_per_s = 43.1 + 0.5 * noise(random) - (i % 100 == 0 ? 6 : 0);
    m.tokens_per_s = m.samples_per_s * 1343;
    m.mfu = 0.0093 * m.samples_per_s;
    m.data_wait = 0.004 + 0.002 * std::abs(noise(random)) + (i % 250 < 3 ? 0.06 : 0);
    m.memory_gib = i < 5 ? 52.4 : 61.2;
    m.seconds = static_cast<double>(steps_per_interval) * 128 / m.samples_per_s;
    m.eta_s = (1.25 * total - static_cast<double>(i)) * m.seconds;
    m.skipped_steps = i > intervals / 2 ? 1 : 0;
    run.train.push_back(m);
    const int64_t every = std::max<int64_t>(1, intervals / 20);
    if (i % every == 0) {
      ValidationMetrics v{.step = m.step, .loss = level + 0.06, .samples = 512, .seconds = 11};
      for (const auto& [task, offset] : tasks) v.task_loss[task] = level + offset + 0.05;
      run.validation.push_back(v);
      run.events.push_back({m.step, EventKind::kCheckpoint,
                            "checkpoints/step_" + std::to_string(m.step) + " saved in 4.1 s"});
    }
    if (i == intervals / 3 || i == intervals * 3 / 4)
      run.events.push_back({m.step, EventKind::kResumed, "from checkpoints/step_of_then"});
    if (i == intervals / 2)
      run.events.push_back({m.step, EventKind::kSkippedStep, "the gradient norm was not finite"});
  }
  return run;
}

}  // namespace mentor
