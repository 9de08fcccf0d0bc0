#include "mentor/train/metrics.h"

#include "figures.h"
#include "mentor/core/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace mentor {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTasks = {{
    {"text_to_image", "t2i"},
    {"reconstruction", "recon"},
    {"segmentation", "segm"},
    {"recovery", "recov"},
    {"subject", "subj"},
    {"multi_object", "m-obj"},
    {"multi_image", "m-img"},
}};

/// "t2i 6.9102 subj 6.7013"; a task without samples keeps its place.
std::string task_columns(const std::map<std::string, double>& task_loss) {
  std::string text;
  for (const std::string& task : ordered_tasks(task_loss)) {
    const double loss = task_loss.at(task);
    text += format("{}{} {}", text.empty() ? "" : " ", short_task_name(task),
                   std::isnan(loss) ? "     -" : fit_number(loss, 6, 4));
  }
  return text;
}

}  // namespace

std::vector<std::string> ordered_tasks(const std::map<std::string, double>& by_task) {
  std::vector<std::string> tasks;
  for (const auto& [task, short_name] : kTasks) {
    if (by_task.contains(std::string(task))) tasks.emplace_back(task);
  }
  const auto known = static_cast<int64_t>(tasks.size());
  for (const auto& [task, loss] : by_task) {
    if (std::find(tasks.begin(), tasks.begin() + known, task) == tasks.begin() + known)
      tasks.push_back(task);
  }
  return tasks;
}

std::string short_task_name(std::string_view task) {
  for (const auto& [name, short_name] : kTasks) {
    if (name == task) return std::string(short_name);
  }
  return std::string(task);
}

bool are_tasks(const std::map<std::string, double>& by_name) {
  return std::ranges::all_of(by_name, [](const auto& part) {
    return std::ranges::find(kTasks, part.first, &decltype(kTasks)::value_type::first) !=
           kTasks.end();
  });
}

std::string short_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const auto s = std::llround(seconds);
  if (s < 60) return format("{}s", s);
  if (s < 3600) return format("{}m{:02}s", s / 60, s % 60);
  if (s < 100 * 3600) return format("{}h{:02}m", s / 3600, s / 60 % 60);
  return format("{}d{:02}h", s / 86400, s / 3600 % 24);
}

std::string console_line(const IntervalMetrics& m) {
  const std::string total = format("{}", m.total_steps);
  std::string line = format("step {:>{}}/{} | loss {} | grad {} | lr {:.2e} | {} tok/s | {} smp/s",
                            m.step, std::max<size_t>(total.size(), 5), total,
                            fit_number(m.loss, 6, 4), fit_number(m.grad_norm, 5, 2), m.lr,
                            fit_thousands(m.tokens_per_s), fit_number(m.samples_per_s, 5, 2));
  if (m.mfu) line += format(" | mfu {}", fit_percent(*m.mfu));
  line += format(" | data {} | mem {} GiB | eta {:>6}", fit_percent(m.data_wait),
                 fit_number(m.memory_gib, 4, 1), short_duration(m.eta_s));
  if (!m.task_loss.empty()) line += " | " + task_columns(m.task_loss);
  if (m.skipped_steps > 0) line += format(" | {} steps skipped", m.skipped_steps);
  if (m.bad_records > 0) line += format(" | {} bad records", m.bad_records);
  return line;
}

std::string console_line(const ValidationMetrics& m) {
  std::string line = format("validation at step {} | loss {}", m.step, fit_number(m.loss, 6, 4));
  if (!m.task_loss.empty()) line += " | " + task_columns(m.task_loss);
  return line + format(" | {} samples in {}", m.samples, short_duration(m.seconds));
}

}  // namespace mentor
