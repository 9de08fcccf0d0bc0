#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/report/chart.h"
#include "mentor/train/run_log.h"

#include <string>
#include <vector>

namespace mentor {

enum class RunState { kRunning, kFinished, kInterrupted, kFailed };

/// Text to unfold at the end of the report, shown as it is in a fixed-width face: the dumped
/// configuration, the environment, the table of modules, the data by task, notes.
struct ReportSection {
  std::string title;
  std::string text;
};

/// What the report shows besides the records.
struct ReportInput {
  std::string run_name;  // default: the name of the folder
  RunState state = RunState::kRunning;
  std::string message;  // why the run ended; empty where there is nothing to say
  std::vector<ReportSection> sections;
};

/// Writes `folder`/report.html, whole: curves, headline figures, sample grids and settings in one
/// page that needs no other file and no network, below 2 MB however long the run is. Picture files
/// are those of the records, relative to the folder; the last six and the first are shown.
/// Takes up to a second. Throws UserError when the file cannot be written.
void write_report(const fs::path& folder, const RunRecords& records, const ReportInput& input);

/// A training as part of a page over several: its headline figures, curves and newest sample grid,
/// and a link to its own report in the folder `link`. Throws UserError for a folder without a
/// metrics.jsonl.
void add_run_summary(Charts& charts, const fs::path& folder, const fs::path& link);

}  // namespace mentor
