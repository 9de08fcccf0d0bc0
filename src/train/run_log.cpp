#include "mentor/train/run_log.h"

#include "append_file.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"

#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <limits>
#include <type_traits>
#include <utility>

namespace mentor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<EventKind, std::string_view>, 5> kEventNames = {{
    {EventKind::kResumed, "resumed"},
    {EventKind::kCheckpoint, "checkpoint"},
    {EventKind::kSkippedStep, "skipped_step"},
    {EventKind::kWarning, "warning"},
    {EventKind::kEnd, "end"},
}};

EventKind parse_event(const std::string& name) {
  for (const auto& [kind, word] : kEventNames) {
    if (word == name) return kind;
  }
  throw std::invalid_argument(format("unknown event '{}'", name));
}

/// Seconds since 1970, to the millisecond.
double now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count()) /
         1e3;
}

// One list of fields for each kind of line, for both directions: `visit(name, field)` for what a
// resumed run repeats exactly, `speed(name, field)` for what depends on the clock or the machine.

template <class Metrics, class Visit, class Speed>
void train_fields(Metrics& m, const Visit& visit, const Speed& speed) {
  visit("step", m.step), visit("total_steps", m.total_steps), visit("epoch", m.epoch);
  visit("samples", m.samples), visit("tokens", m.tokens);
  visit("loss", m.loss), visit("task_loss", m.task_loss);
  visit("grad_norm", m.grad_norm), visit("lr", m.lr);
  visit("skipped_steps", m.skipped_steps), visit("bad_records", m.bad_records);
  speed("samples_per_s", m.samples_per_s), speed("tokens_per_s", m.tokens_per_s);
  speed("mfu", m.mfu), speed("data_wait", m.data_wait), speed("memory_gib", m.memory_gib);
  speed("seconds", m.seconds), speed("eta_s", m.eta_s);
}

template <class Metrics, class Visit, class Speed>
void validation_fields(Metrics& m, const Visit& visit, const Speed& speed) {
  visit("step", m.step), visit("loss", m.loss), visit("task_loss", m.task_loss);
  visit("samples", m.samples);
  speed("seconds", m.seconds);
}

/// Puts fields into a JSON object. NaN becomes null.
struct Put {
  Json& object;
  void operator()(const char* name, const auto& field) const { object[name] = field; }
  void operator()(const char* name, const std::optional<double>& field) const {
    object[name] = field ? Json(*field) : Json();
  }
};

double number(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

/// Gets them back.
struct Get {
  const Json& object;
  void operator()(const char* name, auto& field) const { object.at(name).get_to(field); }
  void operator()(const char* name, double& field) const { field = number(object.at(name)); }
  void operator()(const char* name, std::optional<double>& field) const {
    if (!object.at(name).is_null()) field = object.at(name).get<double>();
  }
  void operator()(const char* name, std::map<std::string, double>& field) const {
    for (const auto& [task, loss] : object.at(name).items()) field[task] = number(loss);
  }
};

/// One line of the file. Text that is no UTF-8 (a file name, say) must not end a run.
template <class Fill>
std::string line(const char* kind, const Fill& fill) {
  Json object = {{"kind", kind}};
  Json speed = {{"time", now()}};
  fill(object, speed);
  object["speed"] = std::move(speed);
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string line_of(const IntervalMetrics& m) {
  return line("train",
              [&](Json& object, Json& speed) { train_fields(m, Put{object}, Put{speed}); });
}

std::string line_of(const ValidationMetrics& m) {
  return line("validation",
              [&](Json& object, Json& speed) { validation_fields(m, Put{object}, Put{speed}); });
}

std::string line_of(const RunEvent& event) {
  return line("event", [&](Json& object, Json&) {
    object["step"] = event.step;
    object["event"] = event_name(event.kind);
    object["text"] = event.text;
  });
}

std::string line_of(const RunPictures& pictures) {
  return line("pictures", [&](Json& object, Json&) {
    object["step"] = pictures.step;
    object["file"] = pictures.file;
    object["captions"] = pictures.captions;
  });
}

/// Adds the record of one line; throws std::exception for whatever is wrong with it. False: it
/// belongs to a step after `last_step`.
bool add_line(RunRecords& records, std::string_view text, int64_t last_step) {
  const Json object = Json::parse(text);
  if (object.at("step").get<int64_t>() > last_step) return false;
  const std::string kind = object.at("kind");
  const Json& speed = object.at("speed");
  if (kind == "train") {
    IntervalMetrics m;
    train_fields(m, Get{object}, Get{speed});
    records.train.push_back(std::move(m));
  } else if (kind == "validation") {
    ValidationMetrics m;
    validation_fields(m, Get{object}, Get{speed});
    records.validation.push_back(std::move(m));
  } else if (kind == "event") {
    records.events.push_back({.step = object.at("step"),
                              .kind = parse_event(object.at("event")),
                              .text = object.at("text")});
  } else if (kind == "pictures") {
    records.pictures.push_back(
        {.step = object.at("step"), .file = object.at("file"), .captions = object.at("captions")});
  } else {
    throw std::invalid_argument(format("unknown kind '{}'", kind));
  }
  return true;
}

/// Calls use(line, number) for every line that ends with a line break.
template <class Use>
void for_each_line(std::string_view text, const Use& use) {
  int64_t number = 0;
  for (size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    use(text.substr(0, end), ++number);
  }
}

/// The lines of `file` up to `last_step`; they are added to `records` too. What cannot be read is
/// left out with a warning: a damaged log is no reason not to train.
std::string lines_to_keep(const fs::path& file, int64_t last_step, RunRecords& records) {
  std::string kept;
  if (last_step == 0 || !fs::exists(file)) return kept;
  for_each_line(read_text(file), [&](std::string_view text, int64_t number) {
    try {
      if (!add_line(records, text, last_step)) return;
      kept.append(text).push_back('\n');
    } catch (const std::exception& error) {
      log::warn("{}:{}: dropped, not a record: {}", file, number, error.what());
    }
  });
  return kept;
}

}  // namespace

std::string_view event_name(EventKind kind) {
  for (const auto& [known, word] : kEventNames) {
    if (known == kind) return word;
  }
  throw std::logic_error("event_name: an event without a name");
}

RunRecords read_metrics(const fs::path& file) {
  RunRecords records;
  for_each_line(read_text(file), [&](std::string_view text, int64_t number) {
    try {
      add_line(records, text, std::numeric_limits<int64_t>::max());
    } catch (const std::exception& error) {
      throw DataError(
          format("{}:{}: not a record of a training run: {}", file, number, error.what()));
    }
  });
  return records;
}

struct RunLog::State {
  AppendFile file;
  RunRecords records;
};

RunLog::RunLog(const fs::path& folder, int64_t resume_step)
    : state_(new State{.file = AppendFile(folder / "metrics.jsonl"), .records = {}}) {
  const fs::path file = folder / "metrics.jsonl";
  write_text(file, lines_to_keep(file, resume_step, state_->records));
}

RunLog::~RunLog() = default;

void RunLog::add(const IntervalMetrics& metrics) {
  state_->file.append(line_of(metrics));
  state_->records.train.push_back(metrics);
}

void RunLog::add(const ValidationMetrics& metrics) {
  state_->file.append(line_of(metrics));
  state_->records.validation.push_back(metrics);
}

void RunLog::add(const RunEvent& event) {
  state_->file.append(line_of(event));
  state_->records.events.push_back(event);
}

void RunLog::add(const RunPictures& pictures) {
  state_->file.append(line_of(pictures));
  state_->records.pictures.push_back(pictures);
}

const RunRecords& RunLog::records() const { return state_->records; }

}  // namespace mentor
