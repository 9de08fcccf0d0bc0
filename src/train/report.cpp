#include "mentor/train/report.h"

#include "figures.h"
#include "mentor/core/format.h"
#include "mentor/report/chart.h"
#include "mentor/report/html.h"
#include "mentor/report/page.h"
#include "report_pictures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <functional>

namespace mentor {
namespace {

constexpr size_t kMostEvents = 300;          // in the table: the newest
constexpr size_t kLongestSection = 150'000;  // bytes of text

struct StateWords {
  std::string_view style, word;
};

StateWords words_of(RunState state) {
  switch (state) {
    case RunState::kRunning:
      return {"running", "running"};
    case RunState::kFinished:
      return {"finished", "finished"};
    case RunState::kInterrupted:
      return {"interrupted", "interrupted"};
    case RunState::kFailed:
      break;
  }
  return {"failed", "failed"};
}

std::string words_of(EventKind kind) {
  std::string words(event_name(kind));
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string trimmed(std::string text) {
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

// --- Head ----------------------------------------------------------------------------------------

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
  return text.data();
}

std::string head_html(const std::string& name, const RunRecords& records,
                      const ReportInput& input) {
  const StateWords state = words_of(input.state);
  std::string html =
      format("<h1>{}</h1>\n<div class=\"state\"><b>{}</b>", escape_html(name), state.word);
  if (!records.train.empty()) {
    const IntervalMetrics& last = records.train.back();
    const double done =
        last.total_steps > 0
            ? std::min(1.0, static_cast<double>(last.step) / static_cast<double>(last.total_steps))
            : 0;
    html += format("<span>step {} of {} ({})</span><span>epoch {:.2f}</span>",
                   grouped_digits(last.step), grouped_digits(last.total_steps),
                   trimmed(fit_percent(done)), last.epoch);
    if (input.state == RunState::kRunning) {
      html += format("<span>{} to go</span>", short_duration(last.eta_s));
    }
    html += format("<span>written {}</span></div>\n", utc_now());
    html +=
        format("<div class=\"progress\"><div style=\"width:{:.1f}%\"></div></div>\n", 100 * done);
  } else {
    html += format("<span>no interval logged yet</span><span>written {}</span></div>\n", utc_now());
  }
  if (!input.message.empty()) {
    html += format("<div class=\"message\">{}</div>\n", escape_html(input.message));
  }
  return html;
}

// --- Headline figures ----------------------------------------------------------------------------

/// Whole below a thousand.
std::string count_text(int64_t count) {
  return count < 1000 ? format("{}", count) : trimmed(fit_thousands(static_cast<double>(count)));
}

std::vector<KeyFigure> figures_of(const RunRecords& records) {
  if (records.train.empty()) return {};
  const IntervalMetrics& last = records.train.back();
  double seconds = 0;
  for (const IntervalMetrics& m : records.train) seconds += m.seconds;
  for (const ValidationMetrics& m : records.validation) seconds += m.seconds;
  std::vector<KeyFigure> figures = {
      {"Loss", format("{:#.4g}", last.loss), are_tasks(last.task_loss) ? "per image token" : ""}};
  const auto best = std::min_element(
      records.validation.begin(), records.validation.end(),
      [](const auto& a, const auto& b) { return !(a.loss >= b.loss) && !std::isnan(a.loss); });
  if (best != records.validation.end()) {
    figures.push_back({"Best validation", format("{:#.4g}", best->loss),
                       "at step " + grouped_digits(best->step)});
  }
  figures.push_back({"Samples", count_text(last.samples),
                     trimmed(fit_number(last.samples_per_s, 5, 2)) + " per second"});
  figures.push_back({"Tokens", count_text(last.tokens),
                     trimmed(fit_thousands(last.tokens_per_s)) + " per second"});
  if (last.mfu) {
    figures.push_back({"Utilisation", trimmed(fit_percent(*last.mfu)), "of the peak (MFU)"});
  }
  figures.push_back({"Time", short_duration(seconds), "spent training"});
  if (last.skipped_steps > 0 || last.bad_records > 0) {
    figures.push_back({"Steps skipped", format("{}", last.skipped_steps),
                       format("{} bad records", last.bad_records)});
  }
  return figures;
}

// --- Charts --------------------------------------------------------------------------------------

using Figure = std::function<double(const IntervalMetrics&)>;

Curve curve_of(const RunRecords& records, const Figure& figure) {
  Curve curve;
  for (const IntervalMetrics& m : records.train) {
    curve.push_back({static_cast<double>(m.step), figure(m)});
  }
  return curve;
}

double value_or_nan(const std::map<std::string, double>& values, const std::string& name) {
  const auto it = values.find(name);
  return it == values.end() ? std::nan("") : it->second;
}

std::string latest_of(const Curve& curve, std::string_view pattern) {
  for (auto it = curve.rbegin(); it != curve.rend(); ++it) {
    if (std::isfinite(it->y)) return format(pattern, it->y);
  }
  return "";
}

/// The measured curve, and a smoothed one on top of it where there are enough points.
std::vector<Series> measured(const Curve& curve) {
  constexpr size_t kEnough = 60;
  if (curve.size() < kEnough) return {{"train", "train", curve}};
  return {{"train", "faint", curve}, {"smoothed", "train", smooth(curve)}};
}

Chart loss_chart(const RunRecords& records) {
  const bool of_tokens = records.train.empty() || are_tasks(records.train.front().task_loss);
  Chart chart{.title = "Loss", .unit = of_tokens ? "nats per image token" : "", .tall = true};
  chart.series = measured(curve_of(records, [](const auto& m) { return m.loss; }));
  Curve validation;
  for (const auto& m : records.validation) {
    validation.push_back({static_cast<double>(m.step), m.loss});
  }
  if (!validation.empty()) chart.series.push_back({"validation", "valid", validation});
  return chart;
}

std::vector<Chart> task_charts(const RunRecords& records) {
  std::map<std::string, double> names;
  for (const auto& m : records.train) names.insert(m.task_loss.begin(), m.task_loss.end());
  for (const auto& m : records.validation) names.insert(m.task_loss.begin(), m.task_loss.end());
  std::vector<Chart> charts;
  std::vector<Curve> all;
  for (const std::string& task : ordered_tasks(names)) {
    Curve curve = curve_of(records, [&](const auto& m) { return value_or_nan(m.task_loss, task); });
    // An interval without samples of a rare task is no gap worth seeing.
    std::erase_if(curve, [](const Point& point) { return std::isnan(point.y); });
    Chart chart{.title = task, .latest = latest_of(smooth(curve), "{:#.4g}")};
    std::replace(chart.title.begin(), chart.title.end(), '_', ' ');
    chart.series = measured(curve);
    Curve validation;
    for (const auto& m : records.validation) {
      validation.push_back({static_cast<double>(m.step), value_or_nan(m.task_loss, task)});
    }
    all.push_back(curve);
    all.push_back(validation);
    const std::string latest = latest_of(validation, "{:#.4g}");
    if (!latest.empty()) chart.series.push_back({"validation", "valid", validation});
    if (curve.empty()) chart.latest = latest;
    charts.push_back(std::move(chart));
  }
  // One scale, so that the tasks can be compared; terms of a loss have scales of their own.
  for (Chart& chart : charts) {
    if (are_tasks(names)) chart.range = value_range(all, false);
  }
  return charts;
}

Chart plain_chart(std::string title, std::string unit, const Curve& curve,
                  std::string_view pattern) {
  return {.title = title,
          .unit = std::move(unit),
          .latest = latest_of(curve, pattern),
          .series = {{std::move(title), "train", curve}},
          .from_zero = true};
}

std::vector<Chart> machine_charts(const RunRecords& records) {
  const auto curve = [&](const Figure& figure) { return curve_of(records, figure); };
  std::vector<Chart> charts = {
      plain_chart("Learning rate", "", curve([](const auto& m) { return m.lr; }), "{:.2e}"),
      plain_chart("Gradient norm", "before clipping",
                  curve([](const auto& m) { return m.grad_norm; }), "{:.3g}"),
      plain_chart("Throughput", "samples/s", curve([](const auto& m) { return m.samples_per_s; }),
                  "{:.4g}"),
      plain_chart("Waiting for data", "% of the time",
                  curve([](const auto& m) { return 100 * m.data_wait; }), "{:.2g} %"),
      plain_chart("Memory", "GiB", curve([](const auto& m) { return m.memory_gib; }), "{:.1f}"),
  };
  const Curve mfu = curve([](const auto& m) { return m.mfu ? 100 * *m.mfu : std::nan(""); });
  if (!latest_of(mfu, "{}").empty()) {
    charts.push_back(plain_chart("Utilisation (MFU)", "% of the peak", mfu, "{:.1f} %"));
  }
  return charts;
}

ChartFrame frame_of(const RunRecords& records) {
  ChartFrame frame{.steps = {0, 1}, .marks = {}};
  for (const auto& m : records.train) {
    frame.steps.high = std::max(frame.steps.high, static_cast<double>(m.step));
  }
  for (const RunEvent& event : records.events) {
    frame.steps.high = std::max(frame.steps.high, static_cast<double>(event.step));
    frame.marks.push_back({static_cast<double>(event.step), std::string(event_name(event.kind)),
                           words_of(event.kind) + ": " + event.text});
  }
  return frame;
}

/// What the marks in the charts mean: those there are.
std::string marks_key(const RunRecords& records) {
  std::string html;
  for (const auto& [kind, path] : {std::pair(EventKind::kResumed, "M500 0V1000"),
                                   {EventKind::kCheckpoint, "M500 1000V300"},
                                   {EventKind::kSkippedStep, "M500 0V700"},
                                   {EventKind::kWarning, "M500 0V700"}}) {
    const bool any = std::any_of(records.events.begin(), records.events.end(),
                                 [&](const RunEvent& event) { return event.kind == kind; });
    if (!any) continue;
    html += format(
        "<span><svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" "
        "aria-hidden=\"true\"><path class=\"mark {}\" d=\"{}\"/></svg>{}</span>",
        event_name(kind), path, words_of(kind));
  }
  return html.empty() ? "" : format("<p class=\"marks\">{}</p>\n", html);
}

Charts charts_of(const RunRecords& records) {
  Charts charts;
  if (records.train.empty()) return charts;
  const ChartFrame frame = frame_of(records);
  charts.html = "<h2>Progress</h2>\n";
  charts.add(loss_chart(records), frame);
  charts.html += marks_key(records);
  const bool by_task = are_tasks(records.train.front().task_loss);
  charts.add_grid(by_task ? "Loss by task" : "Terms of the loss", task_charts(records), frame);
  charts.add_grid("Optimizer and machine", machine_charts(records), frame);
  return charts;
}

// --- Text ----------------------------------------------------------------------------------------

std::string text_html(const RunRecords& records, const ReportInput& input) {
  std::string html;
  if (!records.events.empty()) {
    const size_t count = std::min(kMostEvents, records.events.size());
    std::string rows;
    for (size_t i = 1; i <= count; ++i) {
      const RunEvent& event = records.events[records.events.size() - i];
      rows += format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", grouped_digits(event.step),
                     words_of(event.kind), escape_html(event.text));
    }
    std::string note = format("{}", records.events.size());
    if (records.events.size() > kMostEvents)
      note += format(", the last {} are listed", kMostEvents);
    html +=
        details_html("Events", note, "<table class=\"events\"><tbody>" + rows + "</tbody></table>");
  }
  for (const ReportSection& section : input.sections) {
    const bool cut = section.text.size() > kLongestSection;
    html += details_html(section.title, cut ? "(the beginning)" : "",
                         "<pre>" + escape_html(section.text.substr(0, kLongestSection)) + "</pre>");
  }
  return html.empty() ? "" : "<h2>Details</h2>\n" + html;
}

}  // namespace

void write_report(const fs::path& folder, const RunRecords& records, const ReportInput& input) {
  const std::string name =
      !input.run_name.empty() ? input.run_name : fs::weakly_canonical(folder).filename().string();
  const Charts charts = charts_of(records);
  const StateWords state = words_of(input.state);
  write_text(folder / "report.html",
             page_html({.title = format("{} ({})", name, state.word),
                        .tone = std::string(state.style),
                        .body = head_html(name, records, input) +
                                figures_html(figures_of(records)) + charts.html +
                                pictures_html(folder, records.pictures) + text_html(records, input),
                        .charts = charts.json,
                        .footer = "Written by mentor train from metrics.jsonl."}));
}

void add_run_summary(Charts& charts, const fs::path& folder, const fs::path& link) {
  const RunRecords records = read_metrics(folder / "metrics.jsonl");
  const std::string name = fs::weakly_canonical(folder).filename().string();
  charts.html += format("<h2><a href=\"{}\">{}</a></h2>\n",
                        escape_url((link / "report.html").string()), escape_html(name));
  charts.html += figures_html(figures_of(records)) + "<div class=\"charts\">\n";
  const ChartFrame frame = frame_of(records);
  Chart loss = loss_chart(records);
  loss.tall = false;
  charts.add(loss, frame);
  const std::vector<Chart> by_task = task_charts(records);
  for (const Chart& chart : by_task) {
    if (by_task.size() > 1) charts.add(chart, frame);  // one says what the loss says
  }
  charts.html += "</div>\n" + newest_picture_html(folder, link, records.pictures);
}

}  // namespace mentor
