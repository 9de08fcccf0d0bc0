#include "mentor/app/toy_score.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/core/progress.h"
#include "mentor/image/contact_sheet.h"
#include "mentor/image/image_io.h"
#include "mentor/image/resample.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"
#include "mentor/toy/case.h"
#include "mentor/train/run_log.h"
#include "toy_report.h"
#include "toy_score_table.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <ostream>
#include <set>
#include <string_view>

namespace mentor {
namespace {

std::map<int64_t, ToyCase> read_cases(const ToyScoreOptions& options) {
  const RecordFile file(options.cases);
  std::map<int64_t, ToyCase> cases;
  const int64_t count = std::min(options.count.value_or(file.size()), file.size());
  for (int64_t i = 0; i < count; ++i) {
    ToyCase one = parse_toy_case(file.line(i), file.where(i));
    const int64_t number = one.number;
    if (!cases.emplace(number, std::move(one)).second) {
      throw DataError(format("{}: a second record of number {}: name the file of one task",
                             file.where(i), number));
    }
  }
  return cases;
}

/// Whether `rest` is empty or a sample's number, "_003".
bool is_sample_suffix(std::string_view rest) {
  return rest.empty() || (rest.size() > 1 && rest.front() == '_' &&
                          rest.find_first_not_of("0123456789", 1) == std::string_view::npos);
}

/// The case that a picture's file name belongs to, or null.
const ToyCase* find_case(const std::map<int64_t, ToyCase>& cases, const std::string& stem) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  const auto found = error == std::errc() ? cases.find(number) : cases.end();
  if (found == cases.end()) return nullptr;
  const std::string& whole = found->second.picture;
  if (stem.starts_with(whole) && is_sample_suffix(stem.substr(whole.size()))) return &found->second;
  return is_sample_suffix(std::string_view(end, stem.data() + stem.size())) ? &found->second
                                                                            : nullptr;
}

/// Pictures of the folder, by name, that belong to a case.
std::vector<ScoredPicture> find_pictures(const std::map<int64_t, ToyCase>& cases,
                                         const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string suffix = entry->path().extension().string();
    constexpr std::array kSuffixes = {".png", ".jpg", ".jpeg", ".webp", ".bmp"};
    if (std::ranges::find(kSuffixes, suffix) != kSuffixes.end()) files.push_back(entry->path());
  }
  if (error) throw UserError(format("{}: cannot read the folder: {}", folder, error.message()));
  if (files.empty()) throw UserError(format("{}: holds no picture", folder));
  std::ranges::sort(files);
  std::vector<ScoredPicture> pictures;
  std::set<int64_t> found;
  for (const fs::path& file : files) {
    const ToyCase* one = find_case(cases, file.stem().string());
    if (one == nullptr) continue;
    found.insert(one->number);
    pictures.push_back({.file = file, .of = one});
  }
  const auto missing =
      std::ranges::find_if(cases, [&](const auto& one) { return !found.contains(one.first); });
  if (missing != cases.end()) {
    throw UserError(
        format("{}: has no picture of {} of {} records, such as number {}: {}.png or "
               "{:06d}.png",
               folder, cases.size() - found.size(), cases.size(), missing->first,
               missing->second.picture, missing->first));
  }
  return pictures;
}

void require_toy_size(const fs::path& file, const Image& picture, const ScoredPicture& first) {
  if (picture.width != picture.height || picture.width < 32) {
    throw DataError(
        format("{}: is {} x {} pixels: pictures of the toy world are square, of at least 32", file,
               picture.width, picture.height));
  }
  if (picture.width != first.size) {
    throw DataError(format("{}: is {} x {} pixels, but {} is {} x {}", file, picture.width,
                           picture.height, first.file, first.size, first.size));
  }
}

/// What the oracle reads in a perfect picture as fine as these.
ToyReading read_truth(const Oracle& oracle, const Scene& asked, int64_t size) {
  if (!asked.distractor) return ideal_reading(asked);
  const bool is_painted = ToyConfig{.size = size}.has_known_size();
  return oracle.read(paint_scene(asked, is_painted ? size : kShownSize).image);
}

void score_all(std::vector<ScoredPicture>& pictures, int threads) {
  const Oracle oracle;
  Progress progress(
      {.what = "score", .unit = "pictures", .total = static_cast<int64_t>(pictures.size())});
  const int64_t size = read_image(pictures.front().file).width;
  for (ScoredPicture& picture : pictures) picture.size = size;
  for_each_index(std::ssize(pictures), threads, [&](int64_t i) {
    throw_if_interrupted();
    ScoredPicture& scored = pictures[i];
    const Image picture = read_image(scored.file);
    require_toy_size(scored.file, picture, pictures.front());
    scored.reading = oracle.read(picture);
    scored.score =
        score(scored.reading, *scored.of, read_truth(oracle, scored.of->asked, scored.size));
    progress.advance();
  });
}

std::string say_reading(const ToyReading& reading) {
  return format("seen: {} {}", seen_objects(reading),
                reading.background ? background_words(*reading.background) : "nowhere known");
}

/// Of each case: its reference (black where there is none), the picture, what the oracle saw in it,
/// what was asked for.
Image draw_sheet(const std::vector<ScoredPicture>& pictures) {
  constexpr size_t kMost = 24;
  constexpr int64_t kSide = 192;
  const auto enlarged = [](const Image& picture) {
    return resize(picture, {kSide, kSide}, Filter::kNearest);
  };
  std::vector<Image> cells;
  std::vector<std::string> captions;
  for (size_t i = 0; i < std::min(kMost, pictures.size()); ++i) {
    const ScoredPicture& one = pictures[i];
    std::string prompt = one.of->prompt;
    std::ranges::replace(prompt, '\n', ' ');
    const auto& reference = one.of->reference;
    cells.push_back(reference ? enlarged(paint_scene(*reference, kShownSize).image)
                              : Image(kSide, kSide));
    captions.push_back(prompt);
    cells.push_back(enlarged(read_image(one.file)));
    captions.push_back(
        format("{}: CP {:.2f}, PF {:.2f}", one.file.stem(), one.score.cp, one.score.pf));
    cells.push_back(enlarged(redraw(one.reading, kShownSize)));
    captions.push_back(say_reading(one.reading));
    cells.push_back(enlarged(paint_scene(one.of->asked, kShownSize).image));
    captions.push_back("asked: " + caption(one.of->asked, {.identity = true}));
  }
  return contact_sheet(cells, captions, {.columns = 8, .cell_size = kSide, .caption_lines = 4});
}

/// What would fail after the scores are there.
void check_paths(const ToyScoreOptions& options) {
  for (const auto& file : {options.json, options.sheet, options.report}) {
    if (!file) continue;
    require_writable_directory(fs::absolute(*file).parent_path());
    std::error_code ignored;
    if (fs::is_directory(*file, ignored)) {
      throw UserError(format("{}: is a folder, where a file is to be written", *file));
    }
  }
  for (const fs::path& run : options.runs) (void)read_metrics(run / "metrics.jsonl");
}

/// UserError for a figure below its floor; a floor of 0 asks for nothing.
void require_floor(const ToyScoreTable& table, const std::string& name, double floor) {
  if (floor <= 0) return;
  const auto row = std::ranges::find(table.rows(), name, &ToyScoreRow::name);
  if (row == table.rows().end()) {
    throw UserError(format(
        "{}: the prompts name all of their subjects, so there is no such figure to have a floor",
        name));
  }
  if (row->mean >= floor) return;
  throw UserError(format("{} is {:.3f}, below the floor of {}", name, row->mean, floor));
}

}  // namespace

void score_toy(const ToyScoreOptions& options, std::ostream& out) {
  const std::map<int64_t, ToyCase> cases = read_cases(options);
  std::vector<ScoredPicture> pictures = find_pictures(cases, options.pictures);
  check_paths(options);
  score_all(pictures, options.config.runtime.cpu_threads());
  const ToyScoreTable table(pictures);
  out << table.text();
  if (options.json) write_text(*options.json, table.json());
  if (options.sheet) write_image(*options.sheet, draw_sheet(pictures));
  if (options.report) write_toy_report(*options.report, pictures, table, options.runs);
  require_floor(table, "CP*PF", options.floor);
  require_floor(table, "untold CP", options.floor_untold);
}

}  // namespace mentor
