#include "mentor/app/data_tools.h"

#include "mentor/app/data_sources.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/core/progress.h"
#include "mentor/data/sample.h"
#include "mentor/image/contact_sheet.h"
#include "mentor/image/image_io.h"

#include <nlohmann/json.hpp>

#include <map>
#include <mutex>
#include <optional>
#include <ostream>

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

/// A file to check.
struct Checked {
  std::string name;  // for people
  ExampleSource source;
};

Findings check_file(const Checked& checked, int threads, const Backgrounds* backgrounds) {
  const ExampleSource& source = checked.source;
  SampleOptions options = source.sample;
  options.on_bad_record = OnBadRecord::kSkip;  // every defect is wanted here
  Progress progress(
      {.what = format("check {}", checked.name), .unit = "records", .total = source.size()});
  Findings findings;
  std::mutex mutex;
  for_each_index(source.size(), threads, [&](int64_t i) {
    throw_if_interrupted();
    const int64_t index = source.record(i);
    try {
      const Sample sample =
          make_sample(source.records->record(index), options,
                      draw_choices(options, sample_seed(0, 0, source.key, index)), backgrounds);
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

void print_findings(const Findings& findings, const std::string& name, int64_t size,
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
  const RunConfig& config = options.run.config;
  const std::optional<Backgrounds> backgrounds = open_backgrounds(config);
  std::vector<Checked> all;  // opened first: a wrong name shows at once
  for (const fs::path& file : options.files) {
    all.push_back({file.string(), open_source(config, file)});
  }
  const auto add = [&](Mixture mixture) {
    for (size_t i = 0; i < mixture.sources.size(); ++i) {
      const MixtureSummary& entry = mixture.entries[i];
      all.push_back({format("{} ({})", entry.name, entry.file), std::move(mixture.sources[i])});
    }
  };
  if (all.empty()) {
    add(open_mixture(options.run, /*count_tasks=*/false));
    if (auto validation = open_validation(options.run)) add(*std::move(validation));
  }
  std::string refused;
  for (const Checked& checked : all) {
    const Findings findings =
        check_file(checked, config.runtime.cpu_threads(), backgrounds ? &*backgrounds : nullptr);
    const int64_t size = checked.source.size();
    print_findings(findings, checked.name, size, out);
    const double share = static_cast<double>(findings.bad.size()) / static_cast<double>(size);
    if (share <= config.data.bad_record_limit) continue;
    refused += format(
        "{}{}: {} of {} records are bad ({:.3g} %), the limit is {:.3g} % "
        "(data.bad_record_limit)",
        refused.empty() ? "" : "\n", checked.name, findings.bad.size(), size, 100 * share,
        100 * config.data.bad_record_limit);
  }
  if (!refused.empty()) throw DataError(refused);
}

void inspect_data(const DataInspectOptions& options, std::ostream& out) {
  const RunConfig& config = options.config;
  const ExampleSource source = open_source(config, options.file, options.entry);
  if (options.index >= source.records->size()) {
    throw DataError(
        format("{}: has {} records, there is no record {} (the first is 0)",
               options.entry.empty() ? options.file : fs::path("data.mixture." + options.entry),
               source.records->size(), options.index));
  }
  const Tokenizer tokenizer = open_tokenizer(config);
  const std::optional<Backgrounds> backgrounds = open_backgrounds(config);
  const SampleChoices choices = draw_choices(
      source.sample,
      sample_seed(static_cast<uint64_t>(options.seed), options.epoch, source.key, options.index));
  const Record record = source.records->record(options.index);
  const Sample sample =
      make_sample(record, source.sample, choices, backgrounds ? &*backgrounds : nullptr);

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
