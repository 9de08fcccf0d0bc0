#include "mentor/core/error.h"
#include "mentor/train/run_log.h"
#include "support/metrics_lines.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <sys/resource.h>

namespace mentor {
namespace {

IntervalMetrics interval(int64_t step) {
  const auto n = static_cast<double>(step);
  return {.step = step,
          .total_steps = 100,
          .epoch = n / 50,
          .samples = 128 * step,
          .tokens = 100'000 * step,
          .loss = 9.7 / (1 + n / 3),
          .task_loss = {{"subject", 1 / n}, {"text_to_image", std::nan("")}},
          .grad_norm = 0.1 * n,
          .lr = 5e-4 / n,
          .samples_per_s = 30.1,
          .tokens_per_s = 4e4,
          .mfu = 0.4,
          .data_wait = 0.01,
          .memory_gib = 61.2,
          .seconds = 4.5,
          .eta_s = 1000,
          .skipped_steps = 1,
          .bad_records = 2};
}

ValidationMetrics validation(int64_t step) {
  return {.step = step, .loss = 7.1, .task_loss = {{"subject", 7.2}}, .samples = 64, .seconds = 2};
}

void append_text(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::app) << text;
}

TEST(RunLog, ReadsBackWhatWasAdded) {
  const TempDir dir;
  RunLog log(dir.path(), 0);
  log.add(interval(10));
  IntervalMetrics no_peak = interval(20);
  no_peak.mfu.reset();
  no_peak.loss = std::numeric_limits<double>::infinity();
  log.add(no_peak);
  log.add(validation(20));
  log.add(RunEvent{20, EventKind::kCheckpoint, "checkpoints/step_00000020 saved"});
  log.add(RunPictures{20, "samples/step_00000020.png", {"a \"red\"\nbag <script>", "\xff bytes"}});

  const RunRecords read = read_metrics(dir / "metrics.jsonl");
  ASSERT_EQ(read.train.size(), 2u);
  const IntervalMetrics& m = read.train[0];
  EXPECT_EQ(m.step, 10);
  EXPECT_EQ(m.total_steps, 100);
  EXPECT_EQ(m.samples, 1280);
  EXPECT_EQ(m.tokens, 1'000'000);
  EXPECT_EQ(m.loss, interval(10).loss) << "must survive to the last bit";
  EXPECT_EQ(m.task_loss.at("subject"), 0.1);
  EXPECT_TRUE(std::isnan(m.task_loss.at("text_to_image")));
  EXPECT_EQ(m.mfu, 0.4);
  EXPECT_EQ(m.eta_s, 1000);
  EXPECT_EQ(m.bad_records, 2);
  EXPECT_EQ(read.train[1].mfu, std::nullopt);
  EXPECT_FALSE(std::isfinite(read.train[1].loss));
  ASSERT_EQ(read.validation.size(), 1u);
  EXPECT_EQ(read.validation[0].task_loss.at("subject"), 7.2);
  ASSERT_EQ(read.events.size(), 1u);
  EXPECT_EQ(read.events[0].kind, EventKind::kCheckpoint);
  EXPECT_EQ(read.events[0].text, "checkpoints/step_00000020 saved");
  ASSERT_EQ(read.pictures.size(), 1u);
  EXPECT_EQ(read.pictures[0].captions[0], "a \"red\"\nbag <script>");
  EXPECT_EQ(log.records().train.size(), 2u);
}

TEST(RunLog, KeepsWhatDependsOnTheClockApart) {
  const TempDir one, two;
  RunLog(one.path(), 0).add(interval(10));
  IntervalMetrics slower = interval(10);
  slower.samples_per_s = slower.tokens_per_s = slower.data_wait = slower.memory_gib = 0.5;
  slower.seconds = slower.eta_s = 99;
  slower.mfu.reset();
  RunLog(two.path(), 0).add(slower);
  EXPECT_NE(read_text(one / "metrics.jsonl"), read_text(two / "metrics.jsonl"));
  EXPECT_EQ(repeatable_lines(one / "metrics.jsonl"), repeatable_lines(two / "metrics.jsonl"));
}

// train 30 = train 20 + kill in the middle of a line + resume at 10.
TEST(RunLog, ResumedEqualsUninterrupted) {
  const TempDir whole, resumed;
  {
    RunLog log(whole.path(), 0);
    for (const int64_t step : {10, 20, 30}) log.add(interval(step)), log.add(validation(step));
  }
  {
    RunLog log(resumed.path(), 0);
    for (const int64_t step : {10, 20}) log.add(interval(step)), log.add(validation(step));
    append_text(resumed / "metrics.jsonl", R"({"kind":"train","step":25,"loss":6.)");
  }
  EXPECT_EQ(read_metrics(resumed / "metrics.jsonl").train.size(), 2u) << "torn line read";
  {
    RunLog log(resumed.path(), 10);
    EXPECT_EQ(log.records().train.size(), 1u);
    log.add(RunEvent{10, EventKind::kResumed, "from checkpoints/step_00000010"});
    for (const int64_t step : {20, 30}) log.add(interval(step)), log.add(validation(step));
    EXPECT_EQ(log.records().train.size(), 3u);
  }
  EXPECT_EQ(repeatable_lines(resumed / "metrics.jsonl"), repeatable_lines(whole / "metrics.jsonl"));
  EXPECT_EQ(read_metrics(resumed / "metrics.jsonl").events.size(), 1u);
}

TEST(RunLog, StepZeroBeginsAnew) {
  const TempDir dir;
  RunLog(dir.path(), 0).add(RunEvent{0, EventKind::kWarning, "of another run"});
  const RunLog log(dir.path(), 0);
  EXPECT_EQ(read_text(dir / "metrics.jsonl"), "");
  EXPECT_TRUE(log.records().events.empty());
}

TEST(RunLog, DropsADamagedLineOnResume) {
  const TempDir dir;
  RunLog(dir.path(), 0).add(interval(10));
  append_text(dir / "metrics.jsonl", std::string("\0\0\0\n", 4) + "{\"step\": 11}\n");
  { RunLog(dir.path(), 20).add(interval(30)); }
  const RunRecords read = read_metrics(dir / "metrics.jsonl");
  ASSERT_EQ(read.train.size(), 2u);
  EXPECT_EQ(read.train[1].step, 30);
}

TEST(ReadMetrics, NamesTheLineThatIsNoRecord) {
  const TempDir dir;
  RunLog(dir.path(), 0).add(interval(10));
  append_text(dir / "metrics.jsonl", "{\"kind\":\"trian\",\"step\":11,\"speed\":{}}\n");
  try {
    (void)read_metrics(dir / "metrics.jsonl");
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("metrics.jsonl:2: not a record"),
                                             testing::HasSubstr("unknown kind 'trian'")));
  }
}

/// Lets files of this process grow to `bytes` only, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(RunLog, OutlivesAFullDiskAndCatchesUp) {
  const TempDir dir;
  RunLog log(dir.path(), 0);
  log.add(interval(10));
  const auto one_line = fs::file_size(dir / "metrics.jsonl");
  {
    const FileSizeLimit full(one_line + one_line / 2);
    testing::internal::CaptureStderr();
    log.add(interval(20));
    log.add(interval(30));
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_THAT(said, testing::HasSubstr("metrics.jsonl: cannot write: "));
    EXPECT_EQ(said.find("cannot write"), said.rfind("cannot write")) << "said more than once";
    EXPECT_EQ(fs::file_size(dir / "metrics.jsonl"), one_line) << "half a line stayed";
  }
  log.add(interval(40));
  const RunRecords read = read_metrics(dir / "metrics.jsonl");
  ASSERT_EQ(read.train.size(), 4u);
  EXPECT_EQ(read.train[2].step, 30);
}

TEST(RunLog, SaysAtTheStartThatTheFolderCannotBeWritten) {
  const TempDir dir;
  write_text(dir / "plain", "x");
  EXPECT_THROW(RunLog(dir / "plain", 0), UserError);
}

}  // namespace
}  // namespace mentor
