#include "../../src/app/train_models.h"
#include "mentor/app/build.h"
#include "mentor/app/data_sources.h"
#include "mentor/train/trainable.h"

#include <gtest/gtest.h>

// The configurations that people begin with, as far as they can be tried without files and GPUs.

namespace mentor {
namespace {

class PublishedTrainings : public ::testing::TestWithParam<const char*> {};

TEST_P(PublishedTrainings, FitIntoAnA100WithEightRanks) {
  constexpr double kGiB = 1 << 30;
  const LoadedRunConfig run = load_run_config(fs::path(MENTOR_SOURCE_DIR) / "configs" / GetParam());
  const ProcessEnvironment environment{.world_size = 8, .local_world_size = 8};
  Runtime runtime;
  runtime.dtype = at::kBFloat16;
  const TrainContext context{.run = run, .environment = environment, .runtime = runtime};
  const ModelSet models = build_models(run.config.model, {.codec = false});
  const auto trained = choose_trained(models, run.config.train, run.config.optimizer,
                                      run.config.precision, stage_of(run.config.data));
  EXPECT_NO_THROW((void)estimate_memory(context, models, trained, 79 * kGiB));
  EXPECT_THROW((void)estimate_memory(context, models, trained, 8 * kGiB), ConfigError);
}

INSTANTIATE_TEST_SUITE_P(Configs, PublishedTrainings,
                         ::testing::Values("stage1.yaml", "stage2.yaml", "stage1_released.yaml",
                                           "stage2_released.yaml", "pretrain_t2i.yaml",
                                           "multi_image.yaml", "ablations/no_stage1.yaml"));

}  // namespace
}  // namespace mentor
