#include "mentor/core/error.h"
#include "support/tiny_run.h"

#include <gmock/gmock.h>

#include <limits>

namespace mentor {
namespace {

using testing::HasSubstr;

MiniatureOptions steps(int64_t count) {
  MiniatureOptions options;
  options.train.steps = count;
  return options;
}

TEST(Trainer, MicroBatchesChangeNothing) {
  StateDict whole, cut, packed;
  for (const auto& [micro_batch, tokens, result] :
       {std::tuple{8, 0, &whole}, std::tuple{2, 0, &cut}, std::tuple{8, 200, &packed}}) {
    const TempDir dir;
    MiniatureOptions options = steps(5);
    options.train.micro_batch = micro_batch;
    options.optimizer.lr = 5e-4;
    options.train.token_budget = tokens;
    MiniatureRun run(options, dir.path());
    EXPECT_EQ(run.trainer().run(), TrainEnd::kFinished);
    *result = run.weights();
  }
  EXPECT_LE(largest_difference(whole, cut), 1e-6);
  EXPECT_LE(largest_difference(whole, packed), 1e-6);
}

TEST(Trainer, LossFalls) {
  const TempDir dir;
  MiniatureOptions options = steps(60);
  options.records = 8;
  MiniatureRun run(options, dir.path());
  (void)run.trainer().run();
  const auto& lines = run.log().records().train;
  ASSERT_EQ(lines.size(), 60u);
  EXPECT_GT(lines.front().loss, 3.5);
  EXPECT_LT(lines.back().loss, 0.5 * lines.front().loss);
  for (const auto& [task, loss] : lines.back().task_loss) {
    EXPECT_LT(loss, 0.6 * lines.front().task_loss.at(task)) << task;
  }
}

void expect_resume_equals_uninterrupted(MiniatureOptions options) {
  const TempDir whole_dir, cut_dir;
  options.train.steps = 6;
  options.train.log_every = 2;  // the interruption falls inside an interval
  MiniatureRun whole(options, whole_dir.path());
  (void)whole.trainer().run();

  // The schedule is that of six steps, so the first half must be stopped, not be shorter.
  options.checkpoint_every = 3;
  StateDict resumed_weights;
  {
    MiniatureRun first(options, cut_dir.path());
    for (int i = 0; i < 6; ++i) {
      if (find_checkpoint(cut_dir.path())) break;
      (void)first.trainer().run();
    }
  }
  fs::remove_all(cut_dir.path() / "checkpoints" / "step_00000006");
  const auto checkpoint = find_checkpoint(cut_dir.path());
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(read_train_state(*checkpoint).step, 3);
  MiniatureRun second(options, cut_dir.path(), solo_communicator(), checkpoint);
  (void)second.trainer().run();
  EXPECT_EQ(largest_difference(whole.weights(), second.weights()), 0) << "bit for bit";
  const auto &a = whole.log().records().train, &b = second.log().records().train;
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].loss, b[i].loss) << a[i].step;
    EXPECT_EQ(a[i].grad_norm, b[i].grad_norm) << a[i].step;
    EXPECT_EQ(a[i].tokens, b[i].tokens);
  }
}

TEST(Trainer, ResumeEqualsUninterrupted) { expect_resume_equals_uninterrupted({}); }

TEST(Trainer, ResumeEqualsUninterruptedWithDropoutBf16AndAverage) {
  MiniatureOptions options;
  options.compute = at::kBFloat16;
  options.model.decoder.residual_dropout = options.model.decoder.ffn_dropout = 0.1;
  options.train.ema_decay = 0.9;
  options.train.micro_batch = 3;
  expect_resume_equals_uninterrupted(options);
}

TEST(Trainer, AGradientThatIsNotFiniteChangesNothingAndIsCounted) {
  MiniatureOptions options = steps(5);
  options.train.global_batch = 4;
  options.records = 4;
  const auto poison = [](const ModelConfig& config, int64_t epoch, int64_t record) {
    Example example = made_example(config, /*epoch=*/1, record);
    if (epoch == 2 && !example.pixels_NCHW.empty()) {
      example.pixels_NCHW[0] = std::numeric_limits<float>::infinity();
    }
    return example;
  };
  options.make = poison;
  const TempDir dir;
  MiniatureRun run(options, dir.path());
  (void)run.trainer().run();
  EXPECT_EQ(run.trainer().state().skipped, 1);
  EXPECT_EQ(run.trainer().state().updates, 4);
  EXPECT_EQ(run.log().records().train.back().skipped_steps, 1);
  for (const auto& [name, tensor] : run.weights()) {
    EXPECT_TRUE(tensor.isfinite().all().item<bool>()) << name;
  }
}

TEST(Trainer, TooManySuchStepsInARowEndTheRun) {
  MiniatureOptions options = steps(9);
  options.train.max_skipped_steps = 3;
  options.make = [](const ModelConfig& config, int64_t, int64_t record) {
    Example example = made_example(config, 1, record);
    if (!example.pixels_NCHW.empty()) {
      example.pixels_NCHW[0] = std::numeric_limits<float>::quiet_NaN();
    }
    return example;
  };
  const TempDir dir;
  MiniatureRun run(options, dir.path());
  try {
    (void)run.trainer().run();
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("step 3: the gradient was not finite for 3 steps in a row"));
  }
}

TEST(Trainer, BadRecordsAreLeftOutAndCounted) {
  MiniatureOptions options = steps(5);
  options.make = [](const ModelConfig& config, int64_t epoch, int64_t record) {
    if (record == 7) throw RecordError(RecordProblem::kMissingFile, "data.jsonl:8: no file x.jpg");
    return made_example(config, epoch, record);
  };
  const TempDir dir;
  MiniatureRun run(options, dir.path());
  (void)run.trainer().run();
  EXPECT_EQ(run.trainer().state().bad_records, 1);
  EXPECT_EQ(run.trainer().state().samples_seen, 39);
}

TEST(Trainer, MoreBadRecordsThanTheLimitEndTheRun) {
  MiniatureOptions options = steps(5);
  options.make = [](const ModelConfig& config, int64_t epoch, int64_t record) {
    if (record % 20 == 7) throw RecordError(RecordProblem::kMissingFile, "data.jsonl: no file");
    return made_example(config, epoch, record);
  };
  const TempDir dir;
  options.bad_record_limit = 0.05;  // 2 of 40
  (void)MiniatureRun(options, dir / "tolerant").trainer().run();
  options.bad_record_limit = 0.04;
  try {
    (void)MiniatureRun(options, dir / "strict").trainer().run();
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("2 bad records among 40 are more than data.bad_record_limit"));
    EXPECT_THAT(error.what(), HasSubstr("The last one of this rank: data.jsonl: no file"));
  }
}

TEST(Trainer, KeepsTheLastCheckpointsAndThoseOfRoundSteps) {
  MiniatureOptions options = steps(7);
  options.checkpoint_every = 1;
  options.checkpoint = {.keep_last = 2, .keep_every = 4, .background = true};
  const TempDir dir;
  MiniatureRun run(options, dir.path());
  (void)run.trainer().run();
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir / "checkpoints")) {
    names.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(names,
              testing::UnorderedElementsAre("step_00000004", "step_00000006", "step_00000007"));
}

TEST(Trainer, KeepsTheBestOfTheCheckpoints) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> losses{0, kNone, 9, 0.1, 0.5, 0.2, 4, 3};  // by step
  MiniatureOptions options = steps(7);
  options.train.validate_every = 1;
  options.checkpoint_every = 2;
  options.checkpoint = {.keep_last = 1, .background = false};
  options.validate = [&losses](int64_t step) {
    return ValidationMetrics{.step = step, .loss = losses[static_cast<size_t>(step)], .samples = 1};
  };
  const TempDir dir;
  MiniatureRun run(options, dir.path());
  (void)run.trainer().run();
  // Steps 2, 4, 6 and 7 are saved: 3 and 5 may be better, but nothing of them is left.
  const std::vector<fs::path> kept = list_checkpoints(dir / "checkpoints");
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(checkpoint_step(kept.front()), 4);
  EXPECT_EQ(run.trainer().state().best_loss, 0.5);
}

TEST(Trainer, ALossThatIsNoNumberIsNotTheBest) {
  MiniatureOptions options = steps(2);
  options.train.validate_every = 1;
  options.validate = [](int64_t step) {
    const double none = std::numeric_limits<double>::quiet_NaN();
    return ValidationMetrics{.step = step, .loss = step == 1 ? none : 2, .samples = 1};
  };
  options.checkpoint_every = 1;
  const TempDir dir;
  MiniatureRun run(options, dir.path());
  (void)run.trainer().run();
  EXPECT_EQ(read_train_state(list_checkpoints(dir / "checkpoints").front()).best_step, -1);
  EXPECT_EQ(run.trainer().state().best_step, 2);
}

TEST(Trainer, ValidationOfNothingEndsTheRun) {
  MiniatureOptions options = steps(2);
  options.train.validate_every = 1;
  options.validate = [](int64_t step) { return ValidationMetrics{.step = step}; };
  const TempDir dir;
  MiniatureRun run(options, dir.path());
  EXPECT_THROW((void)run.trainer().run(), DataError);
}

TEST(Trainer, AveragedWeightsOfACheckpoint) {
  MiniatureOptions options = steps(1);
  options.train.ema_decay = 0.75;
  const TempDir dir;
  MiniatureRun run(options, dir.path());
  const StateDict before = run.weights();
  (void)run.trainer().run();
  const StateDict averaged = read_averaged_weights(*find_checkpoint(dir.path()));
  for (const auto& [name, after] : run.weights()) {
    if (!averaged.contains(name)) continue;  // T5's second name of its embedding
    const at::Tensor expected = before.at(name) * 0.75 + after * 0.25;
    EXPECT_LE((averaged.at(name) - expected).abs().max().item<double>(), 1e-6) << name;
  }
}

TEST(Trainer, ScheduleOfTheReference) {
  TrainPlan plan;
  plan.train = {.global_batch = 384, .micro_batch = 12, .epochs = 1};
  plan.optimizer.lr = 5e-4;
  plan.schedule.horizon = "micro_steps";
  plan_steps(plan, /*steps_per_epoch=*/1000, /*world_size=*/8);
  EXPECT_EQ(plan.micro_steps, 4);
  EXPECT_EQ(plan.total_steps, 1000);
  EXPECT_EQ(plan.lr.horizon, 4000);
  EXPECT_EQ(plan.lr.warmup, 200) << "20 % of the run";
  EXPECT_NEAR(learning_rate(plan.lr, 1000) / 5e-4, 0.914, 1e-3) << "the cosine never completes";
}

}  // namespace
}  // namespace mentor
