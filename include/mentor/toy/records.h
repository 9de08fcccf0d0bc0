#pragma once

#include "mentor/data/record.h"
#include "mentor/toy/world.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mentor {

// The toy world as records of the official form (data/record.h), as files or drawn when needed.

/// One subject in two scenes: the records of a number, one of each task, are all made of it.
struct ToyPair {
  Split split = Split::kTrain;
  int64_t number = 0;
  Scene reference, target;
  friend bool operator==(const ToyPair&, const ToyPair&) = default;
};

/// A pure function of the configuration, in which it reads everything but size and records.
[[nodiscard]] ToyPair draw_pair(const ToyConfig& config, Split split, int64_t number);

inline constexpr std::array kToyTasks = {Task::kTextToImage, Task::kReconstruction,
                                         Task::kSegmentation, Task::kRecovery, Task::kSubject};

/// The task's record without pictures in memory. Its pictures are named
/// "pictures/000017_reference.png" and "..._target.png", their masks the same in "masks/".
[[nodiscard]] Record toy_record(const ToyConfig& config, const ToyPair& pair, Task task);

/// That record as a line of a file, with the pair under the key "toy", in words and numbers.
[[nodiscard]] std::string toy_record_line(const ToyConfig& config, const ToyPair& pair, Task task);

/// The pair of such a line. DataError beginning with `where` for a line that has none, or one with
/// colours, places, ... that the world does not have.
[[nodiscard]] ToyPair parse_toy_pair(const std::string& line, const std::string& where);

/// The pictures and masks that a record names, by path, as RGB. A mask is white where the subject
/// covers at least half of the pixel.
[[nodiscard]] std::map<fs::path, Image> paint_record(const Record& record, const ToyPair& pair,
                                                     int64_t size);

/// Records that are drawn whenever they are asked for: with the pictures, prompts and order of the
/// files that `mentor toy make` writes, one after another for each of `tasks`.
class ToySource : public RecordSource {
 public:
  ToySource(const ToyConfig& config, Split split, std::vector<Task> tasks);

  [[nodiscard]] int64_t size() const override;
  [[nodiscard]] std::string where(int64_t index) const override;  // "toy/train/subject:17"
  [[nodiscard]] Record record(int64_t index) const override;
  [[nodiscard]] const std::vector<Task>& tasks() const { return tasks_; }

 private:
  ToyConfig config_;
  Split split_;
  std::vector<Task> tasks_;
};

/// The ten bare backgrounds, for recovery.
[[nodiscard]] std::vector<Image> toy_backgrounds(int64_t size);

}  // namespace mentor
