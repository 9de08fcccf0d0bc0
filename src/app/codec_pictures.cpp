#include "mentor/app/build.h"
#include "mentor/app/inference_tools.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/progress.h"
#include "mentor/data/codes_file.h"
#include "mentor/generate/generator.h"
#include "mentor/image/image_io.h"
#include "mentor/image/transforms.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <iostream>
#include <set>

namespace mentor {
namespace {

/// The square that training sees, or with --full the whole picture cut to whole cells.
Image cut_for_codec(const Image& image, const ModelConfig& model, bool full,
                    const std::string& file) {
  if (!full) return center_crop(image, model.image_size);
  const int64_t cell = model.codec.downsampling();
  const int64_t width = image.width / cell * cell, height = image.height / cell * cell;
  if (width == 0 || height == 0) {
    throw DataError(format("{}: {} x {} px is smaller than one code of {} px", file, image.width,
                           image.height, cell));
  }
  return crop(image, {.left = 0, .top = 0, .right = width, .bottom = height});
}

at::Device device_of(const torch::nn::Module& module) {
  return module.parameters().front().device();
}

Image read_cut(const RunConfig& config, const std::string& file, bool full) {
  const Image image = read_image(file, prepare_options(config).decode);
  return cut_for_codec(image, config.model, full, file);
}

CodeGrid encode_picture(Vqgan& codec, const RunConfig& config, const std::string& file, bool full) {
  const Image image = read_cut(config, file, full);
  std::vector<float> pixels = target_pixels(image);
  const at::Tensor pixels_13HW =
      at::from_blob(pixels.data(), {1, 3, image.height, image.width}, at::kFloat).clone();
  const at::Tensor codes =
      codec->encode_to_codes(pixels_13HW.to(device_of(*codec))).to(at::kCPU).contiguous();
  const auto* first = codes.const_data_ptr<int64_t>();
  const int64_t cell = config.model.codec.downsampling();
  return {.name = fs::path(file).stem().string(),
          .height = image.height / cell,
          .width = image.width / cell,
          .codes = std::vector<int64_t>(first, first + codes.numel())};
}

fs::path picture_file(const CodecDecodeOptions& options, const CodeGrid& picture) {
  return options.folder / fs::path(picture.name + ".png").filename();
}

/// A file of codes may be anybody's: one picture must not take the place of another.
void require_own_names(const CodecDecodeOptions& options, const std::vector<CodeGrid>& pictures) {
  std::set<fs::path> files;
  for (const CodeGrid& picture : pictures) {
    if (files.insert(picture_file(options, picture)).second) continue;
    throw DataError(format("{}: two pictures would be written as {}: rename one in this file",
                           options.codes, picture_file(options, picture)));
  }
}

}  // namespace

void encode_pictures(const CodecEncodeOptions& options) {
  const RunConfig& config = options.config;
  require_writable_directory(fs::absolute(options.codes).parent_path());
  for (const std::string& file : options.images) (void)read_cut(config, file, options.full);
  const c10::InferenceMode inference;
  Vqgan codec = load_target_codec(config, start_runtime(config.runtime));
  Progress progress({.what = "codec encode",
                     .unit = "pictures",
                     .total = static_cast<int64_t>(options.images.size())});
  std::vector<CodeGrid> pictures;
  std::set<std::string> names;
  for (const std::string& file : options.images) {
    throw_if_interrupted();
    pictures.push_back(encode_picture(codec, config, file, options.full));
    std::string& name = pictures.back().name;
    const std::string stem = name;
    for (size_t number = pictures.size(); !names.insert(name).second; ++number) {
      name = format("{}_{:03}", stem, number);
    }
    progress.advance();
  }
  progress.finish();
  write_codes(options.codes, pictures);
}

void decode_code_file(const CodecDecodeOptions& options, std::ostream& out) {
  const RunConfig& config = options.config;
  const std::vector<CodeGrid> pictures =
      read_codes(options.codes, config.model.codec.codebook_size);
  require_own_names(options, pictures);
  require_writable_directory(options.folder);
  const c10::InferenceMode inference;
  Vqgan codec = load_models(config, start_runtime(config.runtime),
                            {.encoder = false, .decoder = false, .codec = true})
                    .codec;
  Progress progress(
      {.what = "codec decode", .unit = "pictures", .total = static_cast<int64_t>(pictures.size())});
  for (const CodeGrid& picture : pictures) {
    throw_if_interrupted();
    const fs::path file = picture_file(options, picture);
    const at::Tensor codes_T = at::tensor(picture.codes, at::kLong).to(device_of(*codec));
    write_image(file, tokens_to_image(codec, codes_T, picture.height, picture.width,
                                      config.generate.pixel_rule));
    out << file.string() << "\n";
    progress.advance();
  }
  progress.finish();
}

}  // namespace mentor
