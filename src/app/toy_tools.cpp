#include "mentor/app/toy_tools.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/core/progress.h"
#include "mentor/image/contact_sheet.h"
#include "mentor/image/image_io.h"
#include "mentor/image/resample.h"
#include "mentor/text/tokenizer_training.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"
#include "unfinished_folder.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <ostream>

namespace mentor {
namespace {

/// Each task once, in the order of the first times; all of them where none is named.
std::vector<Task> wanted_tasks(const std::vector<Task>& named) {
  if (named.empty()) return {kToyTasks.begin(), kToyTasks.end()};
  std::vector<Task> wanted;
  for (const Task task : named) {
    if (std::ranges::find(wanted, task) == wanted.end()) wanted.push_back(task);
  }
  return wanted;
}

/// All pictures that the pair's records name.
std::map<fs::path, Image> paint_pair(const ToyMakeOptions& options, const ToyPair& pair) {
  Record all;
  for (const Task task : options.tasks) {
    const Record record = toy_record(options.config.toy, pair, task);
    all.images.insert(all.images.end(), record.images.begin(), record.images.end());
    all.sources.insert(all.sources.end(), record.sources.begin(), record.sources.end());
  }
  return paint_record(all, pair, options.config.toy.size);
}

int64_t write_pictures(const ToyMakeOptions& options, const UnfinishedFolder& folder) {
  const ToyConfig& toy = options.config.toy;
  Progress progress({.what = "draw", .unit = "pairs", .total = toy.records});
  std::atomic<int64_t> written = 0;
  for_each_index(toy.records, options.config.runtime.cpu_threads(), [&](int64_t number) {
    throw_if_interrupted();
    for (const auto& [path, picture] : paint_pair(options, draw_pair(toy, options.split, number))) {
      folder.write(path, encode_png(picture));
      ++written;
    }
    progress.advance();
  });
  return written;
}

void write_records(const ToyMakeOptions& options, const UnfinishedFolder& folder) {
  constexpr size_t kPiece = 1 << 20;  // FileWriter likes large ones
  const ToyConfig& toy = options.config.toy;
  for (const Task task : options.tasks) {
    FileWriter file = folder.writer(format("{}.jsonl", task_name(task)));
    std::string lines;
    for (int64_t number = 0; number < toy.records; ++number) {
      throw_if_interrupted();
      lines += toy_record_line(toy, draw_pair(toy, options.split, number), task) + "\n";
      if (lines.size() < kPiece && number + 1 < toy.records) continue;
      file.write(lines);
      lines.clear();
    }
    file.close();
  }
}

/// Whether the prompt and the files say all: recovery shows an object that is pasted anew each
/// time, reconstruction and segmentation draw what is there.
bool is_drawn_on_request(Task task) { return task == Task::kTextToImage || task == Task::kSubject; }

fs::path requests_file(Task task) { return format("{}.requests.jsonl", task_name(task)); }

/// What `mentor generate --requests` draws of the records; the ids are those of the pairs.
void write_requests(const ToyMakeOptions& options, Task task, const UnfinishedFolder& folder) {
  const ToyConfig& toy = options.config.toy;
  std::string lines;
  for (int64_t number = 0; number < toy.records; ++number) {
    const Record record = toy_record(toy, draw_pair(toy, options.split, number), task);
    nlohmann::ordered_json line = {
        {"id", format("{:06}", number)},
        {"prompt", build_prompt({.task = task, .text = record.text, .objects = record.objects})}};
    if (task == Task::kSubject) line["image"] = record.images.front();
    lines += line.dump() + "\n";
  }
  folder.write(requests_file(task), lines);
}

void write_backgrounds(const ToyConfig& toy, const UnfinishedFolder& folder) {
  std::string lines;
  const std::vector<Image> pictures = toy_backgrounds(toy.size);
  for (size_t i = 0; i < pictures.size(); ++i) {
    const std::string path = format("backgrounds/{}.png", kToyBackgrounds.at(i));
    folder.write(path, encode_png(pictures[i]));
    lines += nlohmann::json{{"input_image", path}}.dump() + "\n";
  }
  folder.write("backgrounds.jsonl", lines);
}

/// Enlarged without smoothing, as its pixels are.
Image enlarged(const Scene& scene, int64_t size, int64_t side) {
  return resize(paint_scene(scene, size).image, {side, side}, Filter::kNearest);
}

}  // namespace

void make_toy(const ToyMakeOptions& all, std::ostream& out) {
  ToyMakeOptions options = all;
  options.tasks = wanted_tasks(all.tasks);
  const UnfinishedFolder folder(options.out);
  for (const char* name : {"pictures", "masks", "backgrounds"}) folder.make_folder(name);
  write_backgrounds(options.config.toy, folder);
  const int64_t pictures = write_pictures(options, folder);
  write_records(options, folder);
  for (const Task task : options.tasks) {
    if (is_drawn_on_request(task)) write_requests(options, task, folder);
  }
  folder.publish();
  const int64_t records = options.config.toy.records;
  for (const Task task : options.tasks) {
    out << format("{}: {} records\n", options.out / format("{}.jsonl", task_name(task)), records);
    if (!is_drawn_on_request(task)) continue;
    out << format("{}: the same for 'mentor generate --requests'\n",
                  options.out / requests_file(task));
  }
  out << format("{}: {} pictures and masks of {} x {} pixels\n", options.out, pictures,
                options.config.toy.size, options.config.toy.size);
}

void show_toy(const ToyShowOptions& options) {
  constexpr int64_t kSide = 256;
  const ToyConfig& toy = options.config.toy;
  std::vector<Image> pictures;
  std::vector<std::string> captions = options.captions;
  for (const std::string& words : options.captions) {
    pictures.push_back(enlarged(parse_caption(words), toy.size, kSide));
  }
  for (int64_t number = 0; options.captions.empty() && number < options.count; ++number) {
    const ToyPair pair = draw_pair(toy, options.split, number);
    const Record record = toy_record(toy, pair, Task::kSubject);
    pictures.push_back(enlarged(pair.reference, toy.size, kSide));
    captions.push_back(caption(pair.reference, {.identity = true}));
    pictures.push_back(enlarged(pair.target, toy.size, kSide));
    captions.push_back(
        build_prompt({.task = Task::kSubject, .text = record.text, .objects = record.objects}));
  }
  write_image(options.out, contact_sheet(pictures, captions,
                                         {.columns = 6, .cell_size = kSide, .caption_lines = 4}));
}

void train_toy_tokenizer(const fs::path& file) {
  train_tokenizer(toy_sentences(), kToyPieces, file);
}

}  // namespace mentor
