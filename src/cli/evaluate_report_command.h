#pragma once

#include <CLI/CLI.hpp>

namespace mentor {

/// Adds what reads ratings to `mentor evaluate`: report, compare, import, export, rate.
void add_evaluate_report_verbs(CLI::App& group);

}  // namespace mentor
