#include "ablation_parts.h"

#include "mentor/core/content_hash.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/train/checkpoint_folder.h"

#include <map>
#include <sstream>

namespace mentor {
namespace {

struct Part {
  const char* key;
  fs::path path;  // as configured; empty where a training starts from another one of the table
};

std::vector<Part> parts_of(const PlannedTraining& training) {
  const RunConfig& config = training.run.config;
  return {{"train.init_from", training.after ? fs::path() : config.train.init_from},
          {"weights.codec", config.weights.codec},
          {"weights.tokenizer", config.weights.tokenizer}};
}

/// Of the file that a run's folder stands for.
std::string hash_of(const fs::path& part) {
  const auto checkpoint = find_checkpoint(part);
  return hash_file(checkpoint ? *checkpoint / "model.safetensors" : part).string();
}

}  // namespace

void require_parts(const AblationPlan& plan) {
  for (const PlannedTraining& training : plan.trainings) {
    for (const auto& [key, path] : parts_of(training)) {
      if (path.empty() || fs::exists(path)) continue;
      throw UserError(
          format("{}{}: there is no {}: all rows start from what scripts/quickstart.sh trains",
                 training.run.origins.where(key), key, path));
    }
  }
}

void keep_parts(const AblationPlan& plan) {
  const fs::path file = plan.out / "parts.txt";
  std::map<std::string, std::string> before, now;  // hashes by path
  if (fs::exists(file)) {
    std::istringstream lines(read_text(file));
    for (std::string hash, path; lines >> hash && std::getline(lines >> std::ws, path);) {
      before[path] = hash;
    }
  }
  for (const PlannedTraining& training : plan.trainings) {
    for (const auto& [key, path] : parts_of(training)) {
      if (!path.empty() && !now.contains(path.string())) now[path.string()] = hash_of(path);
    }
  }
  std::string text;
  for (const auto& [path, hash] : now) {
    if (before.contains(path) && before.at(path) != hash) {
      throw UserError(
          format("{}: was trained anew since {} began: choose another --out, or delete {} to begin "
                 "anew",
                 path, plan.out, plan.out));
    }
    text += format("{}  {}\n", hash, path);
  }
  write_text(file, text);
}

}  // namespace mentor
