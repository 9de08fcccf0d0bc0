#include "mentor/app/data_sources.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/core/progress.h"
#include "mentor/core/random.h"
#include "mentor/core/words.h"
#include "mentor/toy/records.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace mentor {
namespace {

/// What a record is, and what the stage makes of it: stage 1 shows the object of every record that
/// has one.
struct RecordTasks {
  Task kind, in_stage;
};

/// Of a line of a file.
struct LineTasks {
  std::optional<RecordTasks> tasks;
  std::string problem;  // of a line that is no record
};

std::vector<LineTasks> tasks_of(const RecordSource& records, Stage stage, const fs::path& name,
                                int threads) {
  constexpr int64_t kChunk = 256;
  std::vector<LineTasks> lines(static_cast<size_t>(records.size()));
  Progress progress(
      {.what = format("read {}", name.filename()), .unit = "records", .total = records.size()});
  for_each_index((records.size() + kChunk - 1) / kChunk, threads, [&](int64_t chunk) {
    throw_if_interrupted();
    const int64_t begin = chunk * kChunk, end = std::min(begin + kChunk, records.size());
    for (int64_t i = begin; i < end; ++i) {
      try {
        const Record record = records.record(i);
        lines[static_cast<size_t>(i)].tasks = {record.task(Stage::kInstruction),
                                               record.task(stage)};
      } catch (const RecordError& error) {
        lines[static_cast<size_t>(i)].problem = error.what();
      }
    }
    progress.advance(end - begin);
  });
  return lines;
}

std::string list_tasks(const std::map<Task, int64_t>& tasks) {
  std::string list;
  for (const auto& [task, count] : tasks) {
    list += format("{}{} {}", list.empty() ? "" : ", ", count, task_name(task));
  }
  return list;
}

/// Why an entry cannot be used; becomes a line of the one message for all of them.
struct EntryProblem {
  std::string key;  // "weight", "" for the entry
  std::string why;
};

/// The entry's records of the toy world. Throws EntryProblem.
std::shared_ptr<const ToySource> open_toy(const RunConfig& config, const MixtureEntry& entry) {
  std::vector<Task> tasks(kToyTasks.begin(), kToyTasks.end());
  std::erase_if(tasks, [&](Task task) {
    const auto& wanted = entry.tasks;
    return !wanted.empty() && std::ranges::find(wanted, task_name(task)) == wanted.end();
  });
  if (tasks.empty()) throw EntryProblem{"tasks", "the toy world has no record of these tasks"};
  return std::make_shared<ToySource>(
      config.toy, entry.toy == "train" ? Split::kTrain : Split::kHeldOut, std::move(tasks));
}

/// Opens one entry of the mixture.
class EntryOpener {
 public:
  EntryOpener(const RunConfig& config, std::string name, const MixtureEntry& entry)
      : config_(config), entry_(entry), name_(std::move(name)) {}

  /// Adds the entry to `mixture`. Throws EntryProblem.
  void open(Mixture& mixture, bool count_tasks) const {
    ExampleSource source{.sample = sample_options(config_, &entry_), .key = fnv1a(name_)};
    MixtureSummary summary{.name = name_, .file = entry_.file};
    if (entry_.is_toy()) {
      draw_records(source, summary);
    } else {
      open_file(source, summary, count_tasks);
    }
    summary.records = source.size();
    summary.samples = samples_of(summary.records);
    mixture.shares.push_back(
        {.records = summary.records, .samples = summary.samples, .key = source.key});
    mixture.sources.push_back(std::move(source));
    mixture.entries.push_back(std::move(summary));
  }

 private:
  void open_file(ExampleSource& source, MixtureSummary& summary, bool count_tasks) const {
    std::error_code ignored;
    if (!fs::exists(entry_.file, ignored)) {
      throw EntryProblem{"file", format("there is no file {}", entry_.file)};
    }
    source.records = open_records(entry_.file);
    if (count_tasks || !entry_.tasks.empty()) select_records(source, summary);
    if (summary.tasks.contains(Task::kRecovery) && config_.data.backgrounds.empty()) {
      throw EntryProblem{"", format("{} recovery records need data.backgrounds, which is not set",
                                    summary.tasks.at(Task::kRecovery))};
    }
  }

  /// Of the toy world, whose records are as many of each task.
  void draw_records(ExampleSource& source, MixtureSummary& summary) const {
    const auto toy = open_toy(config_, entry_);
    summary.file = fs::path("toy") / entry_.toy;
    const int64_t records = config_.toy.records;
    for (size_t i = 0; i < toy->tasks().size(); ++i) {
      const Record first = toy->record(static_cast<int64_t>(i) * records);
      summary.tasks[first.task(source.sample.stage)] += records;
    }
    source.records = toy;
  }

  /// Applies the filter and counts the tasks of what is left.
  void select_records(ExampleSource& source, MixtureSummary& summary) const {
    const auto lines =
        tasks_of(*source.records, source.sample.stage, entry_.file, config_.runtime.cpu_threads());
    std::map<Task, int64_t> found, in_stage;
    for (uint32_t i = 0; i < lines.size(); ++i) {
      const std::optional<RecordTasks>& tasks = lines[i].tasks;
      if (!tasks) {
        if (++summary.bad == 1) summary.first_bad = lines[i].problem;
        continue;
      }
      ++found[tasks->kind];
      ++in_stage[tasks->in_stage];
      if (entry_.tasks.empty()) continue;
      const std::string name(task_name(tasks->kind));
      if (std::ranges::find(entry_.tasks, name) == entry_.tasks.end()) continue;
      ++summary.tasks[tasks->in_stage];
      source.selection.push_back(i);
    }
    if (entry_.tasks.empty()) {
      summary.tasks = std::move(in_stage);
    } else if (source.selection.empty()) {
      throw EntryProblem{
          "tasks", format("no record of {} is of one of these tasks; it holds {}", entry_.file,
                          found.empty() ? "none that can be read" : list_tasks(found))};
    }
  }

  [[nodiscard]] int64_t samples_of(int64_t records) const {
    if (entry_.samples >= 0) return entry_.samples;
    const auto samples = std::llround(entry_.weight * static_cast<double>(records));
    if (samples == 0) {
      throw EntryProblem{"weight", format("{} x {} records is no sample; 0 switches the entry off",
                                          entry_.weight, records)};
    }
    return samples;
  }

  const RunConfig& config_;
  const MixtureEntry& entry_;
  std::string name_;
};

std::shared_ptr<const RecordSource> records_of(const RunConfig& config, const MixtureEntry& entry) {
  if (entry.is_toy()) return open_toy(config, entry);
  return open_records(entry.file);
}

bool is_off(const MixtureEntry& entry) {
  return entry.samples == 0 || (entry.samples < 0 && entry.weight == 0);
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

}  // namespace

Mixture open_mixture(const LoadedRunConfig& run, bool count_tasks) {
  Mixture mixture;
  std::string problems;
  const auto add = [&](const std::string& path, const std::string& why) {
    problems +=
        format("{}{}{}: {}", problems.empty() ? "" : "\n", run.origins.where(path), path, why);
  };
  for (const auto& [name, entry] : run.config.data.mixture) {
    if (is_off(entry)) continue;
    try {
      EntryOpener(run.config, name, entry).open(mixture, count_tasks);
    } catch (const EntryProblem& problem) {
      const std::string path = "data.mixture." + name;
      add(problem.key.empty() ? path : join_path(path, problem.key), problem.why);
    } catch (const DataError& error) {
      add("data.mixture." + name + ".file", error.what());
    }
  }
  if (problems.empty() && mixture.sources.empty()) {
    add("data.mixture", run.config.data.mixture.empty()
                            ? "names no file: add an entry, as in 'data: {mixture: {photos: {file: "
                              "photos.jsonl}}}'"
                            : "every entry is switched off (samples or weight 0)");
  }
  if (!problems.empty()) throw ConfigError(problems);
  return mixture;
}

std::optional<Mixture> open_validation(const LoadedRunConfig& run) {
  const DataConfig& data = run.config.data;
  if (data.validation.empty() && !data.validation_toy) return std::nullopt;
  Mixture mixture;
  const MixtureEntry entry{.file = data.validation,
                           .toy = data.validation_toy ? "held_out" : "none",
                           .tasks = data.validation_tasks,
                           .image_only_rate = 0,
                           .replace_subject_rate = 0};
  const std::string key = data.validation_toy ? "data.validation_toy" : "data.validation";
  const std::string place = run.origins.where(key) + key + ": ";
  try {
    EntryOpener(run.config, "validation", entry).open(mixture, /*count_tasks=*/true);
  } catch (const EntryProblem& problem) {
    throw ConfigError(place + problem.why);
  } catch (const DataError& error) {
    throw ConfigError(place + error.what());
  }
  ExampleSource& source = mixture.sources.front();
  const int64_t records = source.size(), samples = std::min(data.validation_samples, records);
  std::vector<uint32_t> chosen;
  for (int64_t i = 0; i < samples; ++i) {
    chosen.push_back(static_cast<uint32_t>(source.record(i * records / samples)));
  }
  source.selection = std::move(chosen);
  mixture.shares.front() = {.records = samples, .samples = samples, .key = source.key};
  mixture.entries.front().samples = samples;
  return mixture;
}

ExampleSource open_source(const RunConfig& config, const fs::path& file, const std::string& entry) {
  for (const auto& [name, of_name] : config.data.mixture) {
    if (entry.empty() ? !is_same_file(of_name.file, file) : name != entry) continue;
    return {.records = records_of(config, of_name),
            .sample = sample_options(config, &of_name),
            .key = fnv1a(name)};
  }
  if (!entry.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, of_name] : config.data.mixture) names.push_back(name);
    const std::string nearest = nearest_word(entry, names);
    throw ConfigError(format("data.mixture has no entry '{}'{}", entry,
                             nearest.empty() ? "" : format(" (did you mean '{}'?)", nearest)));
  }
  return {.records = open_records(file), .sample = sample_options(config)};
}

std::vector<std::string> Mixture::task_names() const {
  std::set<std::string> names;
  for (const MixtureSummary& entry : entries) {
    for (const auto& [task, count] : entry.tasks) names.insert(std::string(task_name(task)));
  }
  return {names.begin(), names.end()};
}

std::string Mixture::table() const {
  const std::string total = "in all";
  size_t width = total.size();
  for (const MixtureSummary& entry : entries) width = std::max(width, entry.name.size());
  const auto line = [width](const std::string& name, const auto& records, const auto& samples,
                            const std::string& rest) {
    return format("{}{}  {:>10}  {:>13}{}{}\n", name, std::string(width - name.size(), ' '),
                  records, samples, rest.empty() ? "" : "  ", rest);
  };
  std::string text = line("entry", "records", "samples/epoch", "tasks");
  int64_t samples = 0;
  for (const MixtureSummary& entry : entries) {
    samples += entry.samples;
    const std::string bad = entry.bad > 0 ? format(" ({} bad lines)", entry.bad) : std::string();
    text += line(entry.name, entry.records, entry.samples, list_tasks(entry.tasks) + bad);
  }
  return text + line(total, "", samples, "");
}

}  // namespace mentor
