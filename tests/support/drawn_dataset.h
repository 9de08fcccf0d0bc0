#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/eval/dataset.h"
#include "mentor/image/image_io.h"

#include <cstdint>
#include <fstream>
#include <map>
#include <random>
#include <string>

namespace mentor {

/// Thousands of small files: without the fsync of write_text().
inline void put_file(const fs::path& file, const std::string& bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
}

/// A data set in the layout of DreamBench++, drawn by the test: plain pictures, counted prompts.
inline void draw_dataset(const fs::path& root, const std::map<std::string, int64_t>& subjects,
                         int64_t side = 16) {
  for (const auto& [folder, count] : subjects) {
    for (int64_t index = 0; index < count; ++index) {
      Image image(side, side);
      for (size_t i = 0; i < image.pixels.size(); ++i) {
        image.pixels[i] = static_cast<uint8_t>(37 * index + 11 * static_cast<int64_t>(i % 3) +
                                               static_cast<int64_t>(folder.size()));
      }
      const std::string number = format("{:02}", index);
      put_file(root / "images" / folder / (number + ".jpg"), encode_jpeg(image));
      std::string captions = format("Toy {}\n", number);
      for (int64_t p = 0; p < kPromptsPerSubject; ++p) {
        captions += format("A toy {} in place {}\n", number, p);
      }
      put_file(root / "captions" / folder / (number + ".txt"), captions);
    }
  }
}

/// Samples of it in the layout of the published ones: every picture is told apart by its pixels.
/// With `grain` they differ from their neighbours by up to that, and files are as large as photos'.
inline void draw_samples(const fs::path& root, const Dataset& dataset, int64_t samples = 1,
                         int64_t side = 16, int64_t grain = 0) {
  std::minstd_rand random(1);
  uint8_t shade = 0;
  for (const Subject& subject : dataset.subjects) {
    const std::string id = subject.collection_id(), reference = read_text(subject.image);
    for (int64_t p = 0; p < kPromptsPerSubject; ++p) {
      for (int64_t j = 0; j < samples; ++j) {
        const std::string name = format("{}_{}", p, j);
        Image image(side, side);
        for (uint8_t& value : image.pixels) {
          value = static_cast<uint8_t>(shade + static_cast<int64_t>(random()) % (grain + 1));
        }
        image.pixels[0] = static_cast<uint8_t>(p * 20);
        ++shade;
        put_file(root / "tgt_image" / id / (name + ".jpg"), encode_jpeg(image));
        put_file(root / "src_image" / id / (name + ".jpg"), reference);
        put_file(root / "text" / id / (name + ".txt"), subject.prompts.at(static_cast<size_t>(p)));
      }
    }
  }
}

}  // namespace mentor
