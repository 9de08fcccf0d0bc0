#include "mentor/app/picture_writer.h"

#include "mentor/app/build.h"
#include "mentor/core/content_hash.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/image/image_io.h"

#include <nlohmann/json.hpp>

#include <sstream>

namespace mentor {
namespace {

bool names_a_picture(const fs::path& path) {
  const std::string suffix = lower_suffix(path);
  return suffix == ".png" || suffix == ".jpg" || suffix == ".jpeg";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::vector<WeightFile> weight_files(const WeightsConfig& config) {
  const WeightsConfig weights = find_weight_files(config);
  const std::pair<const char*, const fs::path*> named[] = {
      {"model", &weights.model}, {"decoder", &weights.decoder},     {"clip", &weights.clip},
      {"t5", &weights.t5},       {"projector", &weights.projector}, {"codec", &weights.codec}};
  std::vector<WeightFile> files;
  for (const auto& [key, path] : named) {
    if (fs::is_regular_file(*path)) files.push_back({key, *path});
    if (!fs::is_directory(*path)) continue;
    for (const auto& entry : fs::directory_iterator(*path)) {
      const fs::path& file = entry.path();
      if (file.extension() != ".safetensors" && file.extension() != ".bin") continue;
      files.push_back({format("{}/{}", key, file.filename()), file});
    }
  }
  return files;
}

PictureWriter::PictureWriter(fs::path out, const LoadedRunConfig& run, std::string runtime)
    : out_(std::move(out)),
      one_file_(names_a_picture(out_)),
      weights_(run.config.weights),
      config_text_(dump_config(run.config, run.origins)),
      runtime_(std::move(runtime)) {
  for (const char* other : {".bmp", ".webp", ".gif", ".tif", ".tiff"}) {
    if (lower_suffix(out_) == other) {
      throw UserError(format("{}: pictures are written as .png, .jpg or .jpeg", out_));
    }
  }
  require_writable_directory(one_file_ ? fs::absolute(out_).parent_path() : out_);
}

void PictureWriter::require_room(int64_t num_pictures) const {
  if (one_file_ && num_pictures != 1) {
    throw UserError(format("{}: is one file, but {} pictures are asked for: name a folder", out_,
                           num_pictures));
  }
}

fs::path PictureWriter::file_of(const GenerateRequest& request,
                                const GeneratedPicture& picture) const {
  return one_file_ ? out_ : out_ / (request.picture_name(picture.number) + ".png");
}

fs::path PictureWriter::write(const GenerateRequest& request, const GeneratedPicture& picture,
                              const StageTimes& times) {
  if (weight_hashes_.empty()) {
    for (const WeightFile& weights : weight_files(weights_)) {
      weight_hashes_[weights.file.string()] = hash_file(weights.file).string();
    }
  }
  std::vector<std::string> images;
  for (const fs::path& image : request.images) images.push_back(image.string());
  const nlohmann::ordered_json sidecar = {
      {"id", request.id},
      {"prompt", request.prompt()},
      {"text", request.text},
      {"task", request.task},
      {"images", images},
      {"objects", request.objects},
      {"seed", request.seed},
      {"number", picture.number},
      {"picture_seed", picture.seed},
      {"runtime", runtime_},
      {"weights", weight_hashes_},
      {"seconds_so_far",
       {{"encode", times.encode},
        {"prefill", times.prefill},
        {"decode", times.decode},
        {"codec", times.codec}}},
      {"tokens_per_second", times.tokens_per_second()},
      {"config", lines_of(config_text_)},
  };
  const fs::path file = file_of(request, picture);
  write_image(file, picture.image);
  // Paths need not be UTF-8.
  write_text(fs::path(file).replace_extension(".json"),
             sidecar.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return file;
}

}  // namespace mentor
