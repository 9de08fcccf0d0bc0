#include "mentor/train/checkpoint_folder.h"

#include "mentor/config/yaml.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace mentor {
namespace {

bool is_checkpoint(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "state.yaml", ignored);
}

}  // namespace

std::vector<fs::path> list_checkpoints(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const bool named = name.size() == 13 && name.starts_with("step_") &&
                       std::all_of(name.begin() + 5, name.end(),
                                   [](unsigned char c) { return std::isdigit(c) != 0; });
    if (named && is_checkpoint(entry.path())) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

int64_t checkpoint_step(const fs::path& folder) {
  return std::stoll(folder.filename().string().substr(std::string_view("step_").size()));
}

std::optional<fs::path> find_checkpoint(const fs::path& path) {
  if (path.empty()) return std::nullopt;  // not the working directory
  if (is_checkpoint(path)) return path;
  for (const fs::path& folder : {path / "checkpoints", path}) {
    const std::vector<fs::path> found = list_checkpoints(folder);
    if (!found.empty()) return found.back();
  }
  return std::nullopt;
}

TrainState read_train_state(const fs::path& checkpoint) {
  const fs::path file = checkpoint / "state.yaml";
  TrainState state;
  Origins origins;
  try {
    origins = read_config({.name = file.string(), .text = read_text(file), .overrides = {}}, state);
  } catch (const UserError& error) {
    throw WeightsError(
        format("{} (of another version of this program, or damaged: take an "
               "earlier checkpoint with --resume DIR)",
               error.what()));
  }
  if (state.format > TrainState().format) {
    throw WeightsError(format("{}: format {}, this program knows up to {}: update it", file,
                              state.format, TrainState().format));
  }
  const FieldTable table = fields_of(state);
  for (const Field& field : table.fields()) {
    if (origins.of(field.path) != "default") continue;
    throw WeightsError(
        format("{}: {} is missing: the file is damaged (take an earlier checkpoint "
               "with --resume DIR)",
               file, field.path));
  }
  return state;
}

}  // namespace mentor
