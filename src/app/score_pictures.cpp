#include "mentor/app/build.h"
#include "mentor/app/inference_tools.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/core/progress.h"
#include "mentor/generate/scorer.h"

#include <c10/core/InferenceMode.h>
#include <nlohmann/json.hpp>

#include <map>

namespace mentor {
namespace {

/// Sums over records: of all, and of each task where there are several.
class ScoreSums {
 public:
  void add(const std::string& task, const Score& score) {
    for (Sum* sum : {&all_, &by_task_[task]}) {
      ++sum->records;
      sum->nll += score.sum;
      sum->tokens += score.tokens;
    }
  }
  void show() const {
    for (const auto& [task, sum] : by_task_) {
      if (by_task_.size() > 1) show(format("task {}: ", task), sum);
    }
    show("", all_);
  }

 private:
  struct Sum {
    int64_t records = 0, tokens = 0;
    double nll = 0;
  };
  static void show(const std::string& what, const Sum& sum) {
    log::info("{}{} records, mean negative log-likelihood {:.4f} nats per token", what, sum.records,
              sum.nll / static_cast<double>(sum.tokens));
  }

  Sum all_;
  std::map<std::string, Sum> by_task_;
};

}  // namespace

void score_pictures(const ScoreOptions& options) {
  const RunConfig& config = options.config;
  const Tokenizer tokenizer = load_tokenizer(config);
  const std::vector<ScoreRecord> records = read_score_records(options.records, config.generate);
  require_writable_directory(fs::absolute(options.out).parent_path());
  const auto prepare = [&](const ScoreRecord& record) {
    return prepare_record(record, tokenizer, config.model, prepare_options(config));
  };
  const auto total = static_cast<int64_t>(records.size());
  // A bad record is found now, not after hours of scoring those before it.
  Progress check({.what = "check", .unit = "records", .total = total});
  for (const ScoreRecord& record : records) {
    throw_if_interrupted();
    (void)prepare(record);
    check.advance();
  }
  check.finish();

  const c10::InferenceMode inference;
  const Runtime runtime = start_runtime(config.runtime);
  ModelSet models = load_models(config, runtime, {.codec = false});
  models.codec = load_target_codec(config, runtime);
  Progress progress({.what = "score", .unit = "records", .total = total});
  std::string lines;
  ScoreSums sums;
  for (const ScoreRecord& record : records) {
    throw_if_interrupted();
    const Score result = score_record(models, prepare(record));
    lines += nlohmann::ordered_json{{"id", record.request.id},
                                    {"task", record.request.task},
                                    {"nll_sum", result.sum},
                                    {"nll_mean", result.mean},
                                    {"tokens", result.tokens}}
                 .dump() +
             "\n";
    sums.add(record.request.task, result);
    progress.advance();
  }
  progress.finish();
  write_text(options.out, lines);
  sums.show();
}

}  // namespace mentor
