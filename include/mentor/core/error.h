#pragma once

#include <stdexcept>
#include <string>

namespace mentor {

/// Process exit codes, the same for every subcommand.
enum ExitCode : int {
  kExitDone = 0,
  kExitInternalError = 1,  // a broken contract of ours: a bug
  kExitDifferent = 1,      // `weights diff`, like diff(1)
  kExitUserError = 2,      // the user can fix it: configuration, file, record, argument
  kExitInterrupted = 130,  // SIGINT, after saving what there was to save
  kExitTerminated = 143,   // SIGTERM, likewise
};

/// Something the user can put right. The message says where (file:line, key, tensor), what, and
/// the cure; main() prints it and exits with kExitUserError.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Configuration files, `--set` overrides and command-line arguments.
class ConfigError : public UserError {
 public:
  using UserError::UserError;
};

/// Records, images, text and other input data.
class DataError : public UserError {
 public:
  using UserError::UserError;
};

/// Checkpoints and other tensor files.
class WeightsError : public UserError {
 public:
  using UserError::UserError;
};

}  // namespace mentor
