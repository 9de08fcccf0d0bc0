#include "mentor/app/evaluate_reconstruct.h"

#include "generation_origin.h"
#include "mentor/app/build.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/core/progress.h"
#include "mentor/core/random.h"
#include "mentor/core/sha256.h"
#include "mentor/dist/connect.h"
#include "mentor/eval/published.h"
#include "mentor/eval/sample_folder.h"
#include "mentor/generate/generator.h"
#include "mentor/image/image_io.h"
#include "mentor/image/quality.h"
#include "mentor/image/transforms.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <ostream>

namespace mentor {
namespace {

constexpr const char* kModel = "model";  // the two folders of results
constexpr const char* kCodec = "codec";

/// A picture that is to be drawn again.
struct Original {
  fs::path file;
  GenerateRequest request;
  SampleRecord by_model, by_codec;
};

bool is_picture(const fs::path& file) {
  constexpr std::array kSuffixes = {".png", ".jpg", ".jpeg", ".webp", ".bmp"};
  std::string suffix = file.extension().string();
  for (char& c : suffix) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::ranges::find(kSuffixes, suffix) != kSuffixes.end();
}

/// "000/cat" of "pictures/000/cat.jpg": pictures in folders of the folder have the same names.
std::string name_of(const fs::path& file, const fs::path& folder) {
  return fs::path(file.lexically_relative(folder)).replace_extension().generic_string();
}

/// Of the folder and of those in it, without `out`, where what is drawn goes.
std::vector<fs::path> picture_files(const fs::path& folder, const fs::path& out) {
  std::vector<fs::path> files;
  std::error_code error, none;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_directory(none)) {
      if (fs::equivalent(entry->path(), out, none)) entry.disable_recursion_pending();
    } else if (is_picture(entry->path())) {
      files.push_back(entry->path());
    }
  }
  if (error) throw UserError(format("{}: cannot read the folder: {}", folder, error.message()));
  if (files.empty()) throw UserError(format("{}: holds no picture", folder));
  const auto name = [&folder](const fs::path& file) { return name_of(file, folder); };
  std::ranges::sort(files);
  std::ranges::stable_sort(files, {}, name);
  const auto same = std::ranges::adjacent_find(files, {}, name);
  if (same != files.end()) {
    throw UserError(format("{}: has the name of {}: rename one of them", *same, *std::next(same)));
  }
  return files;
}

/// Without blanks and line breaks around it.
std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

Original original_of(const fs::path& file, const std::string& name, const GenerateConfig& config) {
  const fs::path caption = fs::path(file).replace_extension(".txt");
  Original original{.file = file,
                    .request = {.id = name,
                                .images = {file},
                                .task = "reconstruction",
                                .seed = stream_seed(static_cast<uint64_t>(config.seed),
                                                    "reconstruct", {fnv1a(name)})},
                    .by_model = {},
                    .by_codec = {}};
  std::error_code none;
  if (fs::exists(caption, none)) original.request.text = trimmed(read_text(caption));
  const std::string sha256 = sha256_hex(read_text(file));
  original.by_model = {.subject = kModel,
                       .stem = name,
                       .prompt = original.request.prompt(),
                       .seed = original.request.picture_seed(0),
                       .reference_sha256 = sha256,
                       .sha256 = {}};
  original.by_codec = {.subject = kCodec,
                       .stem = name,
                       .prompt = {},
                       .seed = 0,
                       .reference_sha256 = sha256,
                       .sha256 = {}};
  return original;
}

/// How far pictures are from others, in the mean.
struct Distance {
  std::vector<double> squared;  // of each picture

  [[nodiscard]] double mse() const {
    return mean([](double error) { return error; });
  }
  [[nodiscard]] double rmse() const {
    return mean([](double error) { return std::sqrt(error); });
  }

 private:
  template <class Function>
  [[nodiscard]] double mean(const Function& of) const {
    double sum = 0;
    for (const double error : squared) sum += of(error);
    return sum / static_cast<double>(squared.size());
  }
};

class Reconstruction {
 public:
  Reconstruction(const ReconstructOptions& options, const ProcessEnvironment& environment)
      : options_(options), config_(options.run.config), runtime_(start_runtime(config_.runtime)) {
    if (runtime_.device.is_cuda()) runtime_.device = rank_gpu(environment);
    tokenizer_.emplace(load_tokenizer(config_));
    for (const fs::path& file : picture_files(options.pictures, options.out)) {
      originals_.push_back(original_of(file, name_of(file, options.pictures), config_.generate));
    }
  }

  void work(Communicator& communicator);
  /// Of all pictures, which are there: reconstruction.json and what is printed.
  [[nodiscard]] std::string measure() const;

 private:
  [[nodiscard]] PreparedRequest prepared(const Original& original) const {
    return prepare_request(original.request, *tokenizer_, config_.model, prepare_options(config_));
  }
  [[nodiscard]] Image target_of(const Original& original) const {
    return center_crop(read_image(original.file, prepare_options(config_).decode),
                       config_.model.image_size);
  }
  [[nodiscard]] SampleOrigin origin() const;
  [[nodiscard]] Image through_codec(Vqgan& codec, const Image& target) const;
  void draw(const std::vector<const Original*>& originals);
  [[nodiscard]] Distance distance(const char* folder) const;

  const ReconstructOptions& options_;
  const RunConfig& config_;
  Runtime runtime_;
  std::optional<Tokenizer> tokenizer_;
  std::vector<Original> originals_;
  std::unique_ptr<SampleFolder> folder_;
};

SampleOrigin Reconstruction::origin() const {
  SampleOrigin origin = generation_origin(config_, runtime_);
  origin.settings["precision.codec"] = config_.precision.codec;
  return origin;
}

Image Reconstruction::through_codec(Vqgan& codec, const Image& target) const {
  std::vector<float> pixels = target_pixels(target);
  const at::Tensor pixels_13SS =
      at::from_blob(pixels.data(), {1, 3, target.height, target.width}, at::kFloat)
          .to(runtime_.device);
  const int64_t grid = config_.model.decoder.grid;
  return tokens_to_image(codec, codec->encode_to_codes(pixels_13SS)[0], grid, grid,
                         config_.generate.pixel_rule);
}

void Reconstruction::draw(const std::vector<const Original*>& originals) {
  if (originals.empty()) return;
  const c10::InferenceMode inference;
  for (const Original* original : originals) {  // what is wrong is found before any is drawn
    throw_if_interrupted();
    (void)prepared(*original);
  }
  Vqgan codec = load_target_codec(config_, runtime_);
  Generator generator(load_models(config_, runtime_), config_.generate);
  const int64_t tokens = config_.model.decoder.image_len();
  Progress progress({.what = "draw", .unit = "tok", .total = std::ssize(originals) * tokens});
  const auto batch = static_cast<size_t>(config_.generate.max_batch);
  for (size_t begin = 0; begin < originals.size(); begin += batch) {
    const auto some =
        std::span(originals).subspan(begin, std::min(batch, originals.size() - begin));
    std::vector<PreparedRequest> requests;
    for (const Original* original : some) requests.push_back(prepared(*original));
    generator.run(
        requests, [&](int64_t drawn) { progress.advance(drawn); },
        [&](const GeneratedPicture& picture) {
          const Original& original = *some[picture.request];
          const Image target = target_of(original);
          const std::string reference = encode_png(target);
          folder_->add(original.by_codec, encode_png(through_codec(codec, target)), reference, "");
          folder_->add(original.by_model, encode_png(picture.image), reference,
                       original.request.text);
        });
  }
}

void Reconstruction::work(Communicator& communicator) {
  folder_ = open_on_ranks(
      {.root = options_.out, .origin = {}, .suffix = ".png", .named = "--out", .redraw_key = {}},
      [this] { return origin(); }, options_.run, communicator);
  std::vector<const Original*> own;
  int64_t open = 0;
  for (const Original& original : originals_) {
    if (folder_->has(original.by_model) && folder_->has(original.by_codec)) continue;
    if (open++ % communicator.world_size() == communicator.rank()) own.push_back(&original);
  }
  communicator.barrier();  // nobody draws while another one still looks at what is there
  draw(own);
  communicator.barrier();
  if (communicator.rank() == 0) folder_->finish();
}

Distance Reconstruction::distance(const char* folder) const {
  Distance distance;
  distance.squared.resize(originals_.size());
  for_each_index(std::ssize(originals_), config_.runtime.cpu_threads(), [&](int64_t i) {
    const auto index = static_cast<size_t>(i);
    const fs::path name = fs::path(folder) / (originals_[index].request.id + ".png");
    distance.squared[index] = mean_squared_error(read_image(options_.out / "src_image" / name),
                                                 read_image(options_.out / "tgt_image" / name));
  });
  return distance;
}

/// "MENTOR 0.1008 and 0.0867, ..."
std::string published_text() {
  std::string text;
  for (const auto& [method, coco, journeydb] : published_reconstructions()) {
    text += format("{}{} {:.4f} and {:.4f}", text.empty() ? "" : ", ", method, coco, journeydb);
  }
  return text;
}

nlohmann::ordered_json published_json() {
  nlohmann::ordered_json methods;
  for (const auto& [method, coco, journeydb] : published_reconstructions()) {
    methods[std::string(method)] = {{"coco", coco}, {"journeydb", journeydb}};
  }
  return {{"what", "l2 in arXiv 2507.09574, normalisation unknown: not comparable"},
          {"methods", methods}};
}

std::string Reconstruction::measure() const {
  const Distance model = distance(kModel), codec = distance(kCodec);
  nlohmann::ordered_json pictures = nlohmann::ordered_json::array();
  for (size_t i = 0; i < originals_.size(); ++i) {
    pictures.push_back(
        {{"picture", originals_[i].file.lexically_relative(options_.pictures).string()},
         {"mse", model.squared[i]},
         {"rmse", std::sqrt(model.squared[i])},
         {"codec_mse", codec.squared[i]},
         {"codec_rmse", std::sqrt(codec.squared[i])}});
  }
  const nlohmann::ordered_json figures = {
      {"what", "means over pictures of the error of RGB in [0, 1]; codec: encoded and decoded"},
      {"side", config_.model.image_size},
      {"count", originals_.size()},
      {"mean_rmse", model.rmse()},
      {"mean_mse", model.mse()},
      {"codec_mean_rmse", codec.rmse()},
      {"codec_mean_mse", codec.mse()},
      {"published", published_json()},
      {"pictures", pictures}};
  write_text(options_.out / "reconstruction.json", figures.dump(2) + "\n");
  return format(
      "model: RMSE {:.4f}, MSE {:.4f}\ncodec: RMSE {:.4f}, MSE {:.4f}   encoded and decoded, "
      "without the model\nmeans over {} pictures of {} px, RGB in [0, 1]: {}\n"
      "published l2 on COCO and JourneyDB, normalisation unknown, so not comparable: {}\n",
      model.rmse(), model.mse(), codec.rmse(), codec.mse(), originals_.size(),
      config_.model.image_size, options_.out / "reconstruction.json", published_text());
}

}  // namespace

void reconstruct_pictures(const ReconstructOptions& options, std::ostream& out) {
  const ProcessEnvironment environment = read_process_environment();
  show_rank_in_log(environment);
  Reconstruction reconstruction(options, environment);
  const std::unique_ptr<Communicator> communicator =
      connect(environment, c10::kCPU, options.run.config.distributed.timeout());
  announce_failures_of(*communicator, [&] { reconstruction.work(*communicator); });
  if (communicator->rank() == 0) out << reconstruction.measure();
}

}  // namespace mentor
