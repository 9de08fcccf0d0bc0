#pragma once

#include "mentor/app/run_config.h"
#include "mentor/data/codes_file.h"
#include "mentor/generate/generator.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mentor {

struct WeightFile {
  std::string key;  // "model", "clip/model-00001-of-00002.safetensors"
  std::filesystem::path file;
};
/// Every file of weights that the configuration names; of a folder those that hold tensors.
[[nodiscard]] std::vector<WeightFile> weight_files(const WeightsConfig& config);

/// Writes generated pictures, each with a JSON sidecar that tells how to make it again: request,
/// seed, full configuration, hashes of the weights, timings.
class PictureWriter {
 public:
  /// `out`: a .png or .jpg file, or a folder. Fails early, with a UserError, when it cannot be
  /// written.
  PictureWriter(std::filesystem::path out, const LoadedRunConfig& run, std::string runtime);

  /// UserError when `out` is one file and several pictures are to come.
  void require_room(int64_t num_pictures) const;

  /// Returns the picture's file.
  std::filesystem::path write(const GenerateRequest& request, const GeneratedPicture& picture,
                              const StageTimes& times);

 private:
  [[nodiscard]] std::filesystem::path file_of(const GenerateRequest& request,
                                              const GeneratedPicture& picture) const;

  std::filesystem::path out_;
  bool one_file_;
  WeightsConfig weights_;
  std::string config_text_;  // `config dump`
  std::string runtime_;
  std::map<std::string, std::string> weight_hashes_;  // by file, computed at the first picture
};

}  // namespace mentor
