#include "mentor/app/evaluate_generate.h"

#include "generation_origin.h"
#include "mentor/app/build.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/core/progress.h"
#include "mentor/core/sha256.h"
#include "mentor/dist/connect.h"
#include "mentor/eval/evaluation.h"
#include "mentor/eval/sample_folder.h"
#include "mentor/eval/sample_prompt.h"
#include "mentor/generate/generator.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>

namespace mentor {
namespace {

/// A prompt of a subject: what is drawn at a time, for its samples share a prefix.
struct PromptJob {
  const Subject* subject;
  int64_t prompt;
  GenerateRequest request;
  std::vector<SampleRecord> wanted;  // a picture each
};

/// A subject's picture as the model sees it, and as samples hold it.
struct Reference {
  const Subject* subject = nullptr;
  Image image;
  std::string file;  // encoded again
};

/// The samples of one method, on one rank.
class SampleDrawing {
 public:
  SampleDrawing(const LoadedRunConfig& run, const ProcessEnvironment& environment)
      : run_(run),
        config_(run.config),
        settings_(run.config.evaluate.generate),
        environment_(environment),
        dataset_(load_dataset(config_.evaluate)) {}

  /// Returns rank 0's line about it.
  std::string work(Communicator& communicator);
  /// What can be wrong without other ranks and models.
  void prepare();

 private:
  [[nodiscard]] bool draws() const { return settings_.method == "model"; }
  [[nodiscard]] std::string suffix() const { return "." + settings_.format; }
  [[nodiscard]] std::vector<PromptJob> all_jobs() const;
  [[nodiscard]] SampleOrigin origin() const;
  [[nodiscard]] std::string encoded(const Image& image) const;
  const Reference& reference_of(const Subject& subject);
  [[nodiscard]] PreparedRequest prepared(const PromptJob& job);
  void draw(const std::vector<PromptJob>& jobs);
  void draw_batch(std::span<const PromptJob> jobs, Progress& progress);
  void copy_references(const std::vector<PromptJob>& jobs);

  const LoadedRunConfig& run_;
  const RunConfig& config_;
  const SampleConfig& settings_;
  const ProcessEnvironment& environment_;
  Dataset dataset_;
  Runtime runtime_;
  std::optional<Tokenizer> tokenizer_;
  std::unique_ptr<SampleFolder> folder_;
  std::optional<Generator> generator_;
  Reference reference_;  // the last one that was asked for
};

std::vector<PromptJob> SampleDrawing::all_jobs() const {
  const auto base = static_cast<uint64_t>(config_.generate.seed);
  std::vector<PromptJob> jobs;
  for (const Subject& subject : dataset_.subjects) {
    const std::string reference = sha256_hex(read_text(subject.image));
    for (int64_t p = 0; p < kPromptsPerSubject; ++p) {
      PromptJob job{.subject = &subject,
                    .prompt = p,
                    .request = {.id = format("{}/{}", subject.collection_id(), p),
                                .images = {subject.image},
                                .count = config_.evaluate.samples_per_prompt},
                    .wanted = {}};
      if (draws()) {
        job.request.text = sample_prompt(settings_.prompt_template, subject, p);
        job.request.seed = prompt_seed(base, subject.key, p);
      }
      for (int64_t j = 0; j < job.request.count; ++j) {
        job.wanted.push_back({.subject = subject.collection_id(),
                              .stem = format("{}_{}", p, j),
                              .prompt = job.request.text,
                              .seed = draws() ? job.request.picture_seed(j) : 0,
                              .reference_sha256 = reference,
                              .sha256 = {}});
      }
      jobs.push_back(std::move(job));
    }
  }
  return jobs;
}

SampleOrigin SampleDrawing::origin() const {
  SampleOrigin origin = draws() ? generation_origin(config_, runtime_) : SampleOrigin();
  origin.settings["method"] = settings_.method;
  origin.settings["format"] = settings_.format;
  if (settings_.format == "jpg") {
    origin.settings["jpeg_quality"] = format("{}", settings_.jpeg_quality);
  }
  if (draws()) origin.settings["template"] = settings_.prompt_template;
  return origin;
}

std::string SampleDrawing::encoded(const Image& image) const {
  return settings_.format == "png" ? encode_png(image)
                                   : encode_jpeg(image, static_cast<int>(settings_.jpeg_quality));
}

const Reference& SampleDrawing::reference_of(const Subject& subject) {
  if (reference_.subject != &subject) {
    Image image = read_image(subject.image, prepare_options(config_).decode);
    std::string file = encoded(image);
    reference_ = {.subject = &subject, .image = std::move(image), .file = std::move(file)};
  }
  return reference_;
}

PreparedRequest SampleDrawing::prepared(const PromptJob& job) {
  const Image& image = reference_of(*job.subject).image;
  try {
    return {job.request, prepare_prompt(*tokenizer_, config_.model, job.request.prompt(),
                                        {&image, 1}, config_.generate.condition_squash)};
  } catch (const DataError& e) {
    throw DataError(
        format("{}: prompt {}: {}", job.subject->collection_id(), job.prompt, e.what()));
  }
}

void SampleDrawing::prepare() {
  if (config_.evaluate.samples.empty()) {
    throw ConfigError("evaluate.samples: is not set: name the folder for the pictures");
  }
  if (!draws()) return;
  runtime_ = start_runtime(config_.runtime);
  if (runtime_.device.is_cuda()) runtime_.device = rank_gpu(environment_);
  tokenizer_ = load_tokenizer(config_);
}

void SampleDrawing::draw_batch(std::span<const PromptJob> jobs, Progress& progress) {
  std::vector<PreparedRequest> requests;
  for (const PromptJob& job : jobs) requests.push_back(prepared(job));
  generator_->run(
      requests, [&](int64_t tokens) { progress.advance(tokens); },
      [&](const GeneratedPicture& picture) {
        const PromptJob& job = jobs[picture.request];
        folder_->add(job.wanted.at(static_cast<size_t>(picture.number)), encoded(picture.image),
                     reference_of(*job.subject).file,
                     job.subject->prompts.at(static_cast<size_t>(job.prompt)));
      });
}

void SampleDrawing::draw(const std::vector<PromptJob>& jobs) {
  if (jobs.empty()) return;
  const c10::InferenceMode inference;
  for (const PromptJob& job : jobs) {  // all that can be wrong with a prompt, before any is drawn
    throw_if_interrupted();
    (void)prepared(job);
  }
  generator_.emplace(load_models(config_, runtime_), config_.generate);
  const auto pictures = std::ssize(jobs) * config_.evaluate.samples_per_prompt;
  Progress progress({.what = "draw",
                     .unit = "tok",
                     .total = pictures * config_.model.decoder.grid * config_.model.decoder.grid});
  const auto batch = static_cast<size_t>(
      std::max<int64_t>(1, config_.generate.max_batch / config_.evaluate.samples_per_prompt));
  for (size_t begin = 0; begin < jobs.size(); begin += batch) {
    draw_batch(std::span(jobs).subspan(begin, std::min(batch, jobs.size() - begin)), progress);
  }
  progress.finish();
  const StageTimes& times = generator_->times();
  log::info("encode {:.2f} s, prefill {:.2f} s, decode {:.2f} s ({:.1f} tok/s), codec {:.2f} s",
            times.encode, times.prefill, times.decode, times.tokens_per_second(), times.codec);
}

void SampleDrawing::copy_references(const std::vector<PromptJob>& jobs) {
  Progress progress({.what = "copy", .unit = "prompts", .total = std::ssize(jobs)});
  const bool own = settings_.method == "reference";
  const Subject* subject = nullptr;
  std::string picture;
  for (const PromptJob& job : jobs) {
    throw_if_interrupted();
    if (std::exchange(subject, job.subject) != job.subject) {
      picture = reference_of(own ? *subject : other_subject(dataset_, *subject)).file;
    }
    for (const SampleRecord& wanted : job.wanted) {
      folder_->add(wanted, picture, reference_of(*subject).file,
                   subject->prompts.at(static_cast<size_t>(job.prompt)));
    }
    progress.advance();
  }
}

std::string SampleDrawing::work(Communicator& communicator) {
  folder_ = open_on_ranks(
      {.root = config_.evaluate.samples,
       .origin = {},
       .suffix = suffix(),
       .redraw = settings_.redraw},
      [this] { return origin(); }, run_, communicator);
  std::vector<PromptJob> own;
  int64_t open = 0, before = 0;
  for (PromptJob& job : all_jobs()) {
    const auto there = std::ranges::count_if(
        job.wanted, [&](const SampleRecord& wanted) { return folder_->has(wanted); });
    before += there;
    if (there == std::ssize(job.wanted)) continue;
    if (open++ % communicator.world_size() == communicator.rank()) own.push_back(std::move(job));
  }
  communicator.barrier();  // nobody draws while another one still looks at what is there
  if (draws()) {
    draw(own);
  } else {
    copy_references(own);
  }
  communicator.barrier();
  if (communicator.rank() == 0) folder_->finish();
  const int64_t all =
      std::ssize(dataset_.subjects) * kPromptsPerSubject * config_.evaluate.samples_per_prompt;
  return format("{}: {} pictures, {} of them were there before\n", config_.evaluate.samples, all,
                before);
}

}  // namespace

void generate_samples(const LoadedRunConfig& run, std::ostream& out) {
  const ProcessEnvironment environment = read_process_environment();
  show_rank_in_log(environment);
  SampleDrawing drawing(run, environment);
  drawing.prepare();
  const std::unique_ptr<Communicator> communicator =
      connect(environment, c10::kCPU, run.config.distributed.timeout());
  std::string line;
  announce_failures_of(*communicator, [&] { line = drawing.work(*communicator); });
  if (communicator->rank() == 0) out << line;
}

}  // namespace mentor
