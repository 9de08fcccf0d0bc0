#include "mentor/app/data_tools.h"

#include "mentor/app/data_sources.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/progress.h"
#include "mentor/data/sample.h"
#include "mentor/image/contact_sheet.h"
#include "mentor/image/image_io.h"

#include <nlohmann/json.hpp>

#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <ostream>
#include <thread>

namespace mentor {
namespace {

/// What was found in one file.
struct Findings {
  std::map<int64_t, RecordError> bad;  // by record
  std::map<std::string, int64_t> tasks;

  [[nodiscard]] std::map<std::string_view, int64_t> kinds() const {
    std::map<std::string_view, int64_t> kinds;
    for (const auto& [index, error] : bad) ++kinds[name_of(error.problem())];
    return kinds;
  }
};

/// Runs `work(index)` for all indices below `count` on `threads` threads. The first exception
/// stops all and is thrown again here.
void for_each_index(int64_t count, int threads, const std::function<void(int64_t)>& work) {
  std::atomic<int64_t> next = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto run = [&] {
    try {
      for (int64_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int t = 1; t < threads; ++t) workers.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

Findings check_file(const RecordFile& file, const fs::path& name, const RunConfig& config,
                    const Backgrounds* backgrounds) {
  SampleOptions options = sample_options(config);
  options.on_bad_record = OnBadRecord::kSkip;  // every defect is wanted here
  Progress progress(
      {.what = format("check {}", name.filename()), .unit = "records", .total = file.size()});
  Findings findings;
  std::mutex mutex;
  for_each_index(file.size(), config.runtime.cpu_threads(), [&](int64_t index) {
    throw_if_interrupted();
    try {
      const Sample sample =
          make_sample(file.record(index), options,
                      draw_choices(options, sample_seed(0, 0, 0, index)), backgrounds);
      const std::lock_guard lock(mutex);
      ++findings.tasks[std::string(task_name(sample.task))];
    } catch (const RecordError& error) {
      const std::lock_guard lock(mutex);
      findings.bad.emplace(index, error);
    }
    progress.advance();
  });
  return findings;
}

void print_findings(const Findings& findings, const fs::path& name, int64_t size,
                    std::ostream& out) {
  for (const auto& [index, error] : findings.bad) out << error.what() << "\n";
  out << format("{}: {} records, {} bad\n", name, size, findings.bad.size());
  for (const auto& [task, count] : findings.tasks) out << format("  {:<26} {}\n", task, count);
  for (const auto& [kind, count] : findings.kinds()) {
    out << format("  bad: {:<21} {}\n", kind, count);
  }
}

/// The pieces with runs of <image> shortened, for a person to read.
std::vector<std::string> shortened(const std::vector<std::string>& pieces) {
  std::vector<std::string> result;
  int64_t run = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    ++run;
    if (pieces[i] == "<image>" && i + 1 < pieces.size() && pieces[i + 1] == pieces[i]) continue;
    result.push_back(run > 1 ? format("{} x {}", run, pieces[i]) : pieces[i]);
    run = 0;
  }
  return result;
}

}  // namespace

void check_data(const DataCheckOptions& options, std::ostream& out) {
  const std::optional<Backgrounds> backgrounds = open_backgrounds(options.config.data);
  std::vector<RecordFile> files;  // all are opened first: a wrong name shows at once
  for (const fs::path& name : options.files) files.emplace_back(name);
  std::string refused;
  for (size_t i = 0; i < files.size(); ++i) {
    const fs::path& name = options.files[i];
    const Findings findings =
        check_file(files[i], name, options.config, backgrounds ? &*backgrounds : nullptr);
    print_findings(findings, name, files[i].size(), out);
    const double share =
        static_cast<double>(findings.bad.size()) / static_cast<double>(files[i].size());
    if (share <= options.config.data.bad_record_limit) continue;
    refused += format(
        "{}{}: {} of {} records are bad ({:.3g} %), the limit is {:.3g} % "
        "(data.bad_record_limit)",
        refused.empty() ? "" : "\n", name, findings.bad.size(), files[i].size(), 100 * share,
        100 * options.config.data.bad_record_limit);
  }
  if (!refused.empty()) throw DataError(refused);
}

void inspect_data(const DataInspectOptions& options, std::ostream& out) {
  const RunConfig& config = options.config;
  const RecordFile file(options.file);
  if (options.index >= file.size()) {
    throw DataError(format("{}: has {} records, there is no record {} (the first is 0)",
                           options.file, file.size(), options.index));
  }
  const Tokenizer tokenizer = open_tokenizer(config);
  const std::optional<Backgrounds> backgrounds = open_backgrounds(config.data);
  const SampleOptions sampling = sample_options(config);
  const SampleChoices choices = draw_choices(
      sampling, sample_seed(static_cast<uint64_t>(options.seed), options.epoch, 0, options.index));
  const Record record = file.record(options.index);
  const Sample sample =
      make_sample(record, sampling, choices, backgrounds ? &*backgrounds : nullptr);

  require_writable_directory(options.out);
  std::vector<Image> sheet;
  std::vector<std::string> captions;
  const auto write = [&](const Image& image, const std::string& name) {
    write_image(options.out / (name + ".png"), image);
    out << (options.out / (name + ".png")).string() << "\n";
    sheet.push_back(image);
    captions.push_back(name);
  };
  for (size_t i = 0; i < sample.pictures.size(); ++i) {
    write(clip_crop(sample.pictures[i], config.model.clip.image_size), format("clip_{}", i));
  }
  write(sample.target, "target");
  write_image(options.out / "sheet.png", contact_sheet(sheet, captions));
  const auto ids = tokenizer.encode(
      expand_placeholders(sample.prompt, config.model.prompt.placeholders_per_image));
  const int64_t image_tokens = config.model.decoder.image_len();
  const auto prompt_tokens = static_cast<int64_t>(ids.size());
  const nlohmann::ordered_json description = {
      {"record", record.where},
      {"task", task_name(sample.task)},
      {"image_only", sample.image_only},
      {"prompt", sample.prompt},
      {"prompt_tokens", prompt_tokens},
      {"fits_condition_length", prompt_tokens <= config.model.decoder.cond_len},
      {"loss_on", {{"from", prompt_tokens}, {"tokens", image_tokens}}},
      {"pieces", shortened(tokenizer.pieces(ids))},
      {"ids", ids}};
  write_text(options.out / "sample.json", description.dump(1) + "\n");
  out << (options.out / "sheet.png").string() << "\n"
      << (options.out / "sample.json").string() << "\n";
}

}  // namespace mentor
