#pragma once

#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/data/task_text.h"
#include "mentor/image/image.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// Why a record cannot be used. Bad records are counted by kind.
enum class RecordProblem {
  kNotJson,
  kInvalidUtf8,
  kNotAnObject,
  kMissingKey,
  kWrongType,
  kObjectsMismatch,      // objects and masks or pictures differ in number
  kPlaceholderMismatch,  // pictures and <image> differ in number
  kMissingFile,
  kUnreadableImage,
  kEmptyMask,
  kTooLong,  // the prompt
};
[[nodiscard]] std::string_view name_of(RecordProblem problem);  // "missing_file"

/// The message begins with "file:line: ".
class RecordError : public DataError {
 public:
  RecordError(RecordProblem problem, const std::string& message)
      : DataError(message), problem_(problem) {}
  [[nodiscard]] RecordProblem problem() const { return problem_; }

 private:
  RecordProblem problem_;
};

/// The two stages give some records different tasks (MENTOR paper, section 3.3).
enum class Stage { kAlignment, kInstruction };

/// One line of the official data (dataset/t2i.py of the reference). Which field means what depends
/// on the task: see sample.h.
struct Record {
  std::string where;              // "file:line"
  std::vector<fs::path> images;   // image_path
  std::vector<fs::path> sources;  // source_image
  std::string text;               // input_text
  std::vector<std::string> objects;
  bool objects_listed = false;  // a list, even if of one
  bool generation_only = false, do_mask = false, do_replace = false;
  bool image_list = false;  // input_img_list
  /// RGB pictures that are in memory, under the paths above; null: all are files.
  std::shared_ptr<const std::map<fs::path, Image>> drawn;

  [[nodiscard]] Task task(Stage stage) const;
  /// The picture of that path if it is in memory.
  [[nodiscard]] const Image* find_drawn(const fs::path& path) const;
};

/// Reads one line; relative paths are taken from `folder`. Fields that nobody reads are ignored, as
/// upstream does. Throws RecordError for everything that can be wrong without opening a picture.
[[nodiscard]] Record parse_record(std::string_view line, const std::string& where,
                                  const fs::path& folder);

/// Records in an order that does not change. Any thread may read.
class RecordSource {
 public:
  virtual ~RecordSource() = default;

  [[nodiscard]] virtual int64_t size() const = 0;
  /// Where a message sends people: "file:line".
  [[nodiscard]] virtual std::string where(int64_t index) const = 0;
  /// RecordError for a record that cannot be used.
  [[nodiscard]] virtual Record record(int64_t index) const = 0;
};

/// A JSONL file of any size, of which only the places of the lines are in memory. A byte order
/// mark, CRLF and blank lines are accepted.
class RecordFile : public RecordSource {
 public:
  /// DataError naming the file when it cannot be read or holds no record.
  explicit RecordFile(const fs::path& file);

  [[nodiscard]] int64_t size() const override { return static_cast<int64_t>(lines_.size()); }
  [[nodiscard]] std::string line(int64_t index) const;
  [[nodiscard]] std::string where(int64_t index) const override;
  [[nodiscard]] Record record(int64_t index) const override;

 private:
  struct Line {
    uint64_t offset;
    uint32_t length, number;
  };

  fs::path file_;
  std::shared_ptr<const int> descriptor_;  // closes the file
  std::vector<Line> lines_;
};

/// The pictures of a folder and the folders in it, by path: text-to-image records without a text,
/// for what is trained on pictures alone.
class RecordFolder : public RecordSource {
 public:
  /// DataError naming the folder when it cannot be read or holds no picture.
  explicit RecordFolder(const fs::path& folder);

  [[nodiscard]] int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  [[nodiscard]] std::string where(int64_t index) const override;
  [[nodiscard]] Record record(int64_t index) const override;

 private:
  std::vector<fs::path> files_;
};

/// A JSONL file, or a folder of pictures.
[[nodiscard]] std::shared_ptr<const RecordSource> open_records(const fs::path& path);

}  // namespace mentor
