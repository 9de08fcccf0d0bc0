#pragma once

#include <string>

namespace CLI {
class App;
}

namespace mentor {

/// Each adds one command with its options, its help and what it does. CLI11 itself stays in
/// src/cli/. A new command: its own file there, a line here and one in add_commands().
void add_bench_command(CLI::App& mentor);
void add_codec_command(CLI::App& mentor);
void add_config_command(CLI::App& mentor);
void add_data_command(CLI::App& mentor);
void add_evaluate_command(CLI::App& mentor);
void add_generate_command(CLI::App& mentor);
void add_launch_command(CLI::App& mentor);
void add_score_command(CLI::App& mentor);
void add_tokenize_command(CLI::App& mentor);
void add_toy_command(CLI::App& mentor);
void add_train_command(CLI::App& mentor);
void add_weights_command(CLI::App& mentor);

/// One of a group's own.
void add_toy_ablate_command(CLI::App& toy);

/// All commands, in the order of `mentor --help`.
void add_commands(CLI::App& mentor);

/// Parses the command line and runs the command. Returns its exit code; throws what the command
/// throws, and ConfigError for a command line that cannot be understood.
int run_program(int argc, const char* const* argv);

/// What `mentor --version` prints: this build, its libraries and what the processor offers.
[[nodiscard]] std::string version_text();

}  // namespace mentor
