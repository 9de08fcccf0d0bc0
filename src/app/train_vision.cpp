#include "held_out.h"
#include "mentor/app/build.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/image/contact_sheet.h"
#include "mentor/image/transforms.h"
#include "mentor/models/pretrained.h"
#include "mentor/nn/parameters.h"
#include "mentor/tensor/safetensors.h"
#include "mentor/train/word_prediction.h"
#include "train_models.h"
#include "train_target.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace mentor {
namespace {

/// T5's padding, end of text and unknown piece.
constexpr int64_t kLastSpecialId = 2;

/// A picture and the caption that says what is on it.
Example captioned_example(const ExampleSource& source, SampleIndex index, int64_t clip_size,
                          const Tokenizer& tokenizer) {
  const Record record = source.records->record(source.record(index.record));
  const Sample sample =
      make_sample(record, source.sample, {}, nullptr, {.pictures = false, .target = true});
  return {.index = index,
          .task = sample.task,
          .ids = tokenizer.encode(record.text),
          .num_pictures = 1,
          .pixels_NCHW = clip_pixels(sample.target, clip_size)};
}

/// The vision tower, by the words of captions. Its checkpoints hold the whole model, so that the
/// next run starts from one.
class VisionTarget : public TrainTarget {
 public:
  explicit VisionTarget(const TrainContext& context)
      : context_(context), config_(context.config()) {}

  void build() override;
  [[nodiscard]] std::vector<ModuleRow> modules() const override;
  void load(Communicator& communicator) override;
  [[nodiscard]] Loader::Make make_examples(const Mixture& mixture) override;
  [[nodiscard]] std::unique_ptr<Objective> make_objective(const Mixture& mixture,
                                                          int64_t total_steps) override;
  void prepare_evaluation(const Mixture& mixture, const Mixture* held_out,
                          Communicator& communicator, Communicator& control) override;
  [[nodiscard]] std::optional<ValidationMetrics> validate(int64_t step) override;
  [[nodiscard]] std::optional<SampleSheet> draw(int64_t step) override;

 private:
  [[nodiscard]] std::vector<SavedTensor> saved_model() const;
  [[nodiscard]] std::string words_seen(const at::Tensor& logits_V) const;

  const TrainContext& context_;
  const RunConfig& config_;
  WeightsConfig weights_;
  ModelSet models_;
  WordHead head_{nullptr};
  std::vector<TrainedParameter> trained_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<WordPrediction> evaluation_;
  std::optional<Mixture> shown_, held_out_;
  Communicator* communicator_ = nullptr;
};

void VisionTarget::build() {
  if (!config_.model.vision)
    throw ConfigError("model.vision: is false: there is no tower to train");
  weights_ = training_weights(config_, context_.checkpoint);
  require_weight_files(weights_);
  models_ = build_models(config_.model, {.codec = false});
  const ClipConfig& clip = config_.model.clip;
  tokenizer_ = std::make_shared<const Tokenizer>(open_tokenizer(config_));
  head_ = WordHead(clip.hidden_size, tokenizer_->vocab_size());
  const auto add = [&](const torch::nn::Module& module, std::string_view prefix) {
    for (const auto& item : module.named_parameters()) {
      trained_.push_back(
          {.name = std::string(prefix) + item.key(),
           .tensor = item.value(),
           .decays = decays(config_.optimizer.decay_rule, item.key(), item.value())});
    }
  };
  add(*models_.encoder->vision_tower(), kVisionPrefix);
  add(*head_, kWordHeadPrefix);
  // What no feature comes from has no gradient.
  std::erase_if(trained_, [&](const TrainedParameter& parameter) {
    const std::string_view name = parameter.name;
    for (int64_t i = clip.num_layers_run(); i < clip.num_layers; ++i) {
      if (name.find(format(".layers.{}.", i)) != name.npos) return true;
    }
    return name.find("post_layernorm") != name.npos;
  });
  memory_ = estimate_memory(context_, models_, trained_);
}

std::vector<ModuleRow> VisionTarget::modules() const {
  std::vector<ModuleRow> rows = module_rows(models_, trained_);
  const int64_t head = count_parameters(*head_);
  rows.push_back({.name = "word head", .parameters = head, .trained = head, .dtype = "as trained"});
  return rows;
}

void VisionTarget::load(Communicator& communicator) {
  (void)load_pretrained(models_, weights_, {.dtype = at::kFloat, .device = at::kCPU});
  materialize(*head_, at::kFloat);
  const at::NoGradGuard no_grad;
  for (const auto& item : head_->named_parameters()) item.value().detach().zero_();
  if (context_.checkpoint) {
    const StateDict saved = read_safetensors(*context_.checkpoint / "model.safetensors");
    for (const auto& item : head_->named_parameters()) {
      item.value().detach().copy_(saved.at(std::string(kWordHeadPrefix) + item.key()));
    }
  }
  buckets_ = train_with(models_, trained_, config_, context_.runtime, communicator);
  optimizer_ =
      std::make_unique<AdamW>(*buckets_, config_.optimizer, config_.train.ema_decay, communicator);
}

Loader::Make VisionTarget::make_examples(const Mixture& mixture) {
  for (const MixtureSummary& entry : mixture.entries) {
    for (const auto& [task, count] : entry.tasks) {
      if (task == Task::kTextToImage || task == Task::kReconstruction) continue;
      throw ConfigError(
          format("data.mixture.{}: holds {} records: their texts are no captions of one picture; "
                 "a vision tower is trained on tasks: [text_to_image]",
                 entry.name, task_name(task)));
    }
  }
  return [sources = mixture.sources, tokenizer = tokenizer_, size = config_.model.clip.image_size](
             int64_t /*epoch*/, SampleIndex index) {
    return captioned_example(sources[static_cast<size_t>(index.file)], index, size, *tokenizer);
  };
}

std::vector<SavedTensor> VisionTarget::saved_model() const {
  std::set<std::string> trained;
  for (const TrainedParameter& parameter : trained_) trained.insert(parameter.name);
  std::vector<SavedTensor> saved;
  for (const auto& [name, tensor] : named_tensors(models_)) {
    saved.push_back({name, tensor, trained.contains(name)});
  }
  return saved;
}

std::unique_ptr<Objective> VisionTarget::make_objective(const Mixture& /*mixture*/,
                                                        int64_t /*total_steps*/) {
  return std::make_unique<WordPrediction>(
      models_.encoder->vision_tower(), head_,
      WordPrediction::Options{.clip_size = config_.model.clip.image_size,
                              .micro_batch = config_.train.micro_batch,
                              .last_special_id = kLastSpecialId,
                              .device = context_.runtime.device,
                              .saved = [this] { return saved_model(); }});
}

void VisionTarget::prepare_evaluation(const Mixture& mixture, const Mixture* held_out,
                                      Communicator& communicator, Communicator& /*control*/) {
  communicator_ = &communicator;
  if (held_out) held_out_ = *held_out;
  shown_ = held_out ? *held_out : mixture;
  evaluation_ = std::make_unique<WordPrediction>(
      models_.encoder->vision_tower(), head_,
      WordPrediction::Options{.clip_size = config_.model.clip.image_size,
                              .last_special_id = kLastSpecialId,
                              .device = context_.runtime.device});
}

std::optional<ValidationMetrics> VisionTarget::validate(int64_t step) {
  if (!held_out_ || config_.train.validate_every == 0) return std::nullopt;
  const auto begin = std::chrono::steady_clock::now();
  LossSums losses(WordPrediction::loss_names(), context_.runtime.device);
  int64_t samples = 0;
  for_each_held_out({.shares = held_out_->shares,
                     .make =
                         [this](int64_t /*epoch*/, SampleIndex index) {
                           const auto file = static_cast<size_t>(index.file);
                           return captioned_example(held_out_->sources.at(file), index,
                                                    config_.model.clip.image_size, *tokenizer_);
                         },
                     .threads = config_.runtime.cpu_threads(),
                     .batch = config_.train.micro_batch},
                    *communicator_, [&](const std::vector<Example>& examples) {
                      evaluation_->measure(examples, losses);
                      samples += std::ssize(examples);
                    });
  at::Tensor all = at::tensor({samples}, at::kLong).to(context_.runtime.device);
  communicator_->all_reduce_sum(all).wait();
  LossMeans means = WordPrediction::means_of(losses, *communicator_);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return ValidationMetrics{.step = step,
                           .loss = means.loss,
                           .task_loss = std::move(means.parts),
                           .samples = all.item<int64_t>(),
                           .seconds = seconds};
}

std::string VisionTarget::words_seen(const at::Tensor& logits_V) const {
  std::string words;
  const auto* logits = logits_V.const_data_ptr<float>();
  for (int64_t id = kLastSpecialId + 1; id < logits_V.size(0); ++id) {
    if (logits[id] <= 0) continue;
    words += (words.empty() ? "" : " ") + tokenizer_->decode(std::vector{id});
  }
  return words;
}

std::optional<SampleSheet> VisionTarget::draw(int64_t /*step*/) {
  if (communicator_->rank() != 0) return std::nullopt;
  const at::NoGradGuard no_grad;
  const ExampleSource& source = shown_->sources.front();
  const int64_t count = std::min(config_.train.sample_count, source.size());
  std::vector<Image> pictures;
  SampleSheet sheet;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = i * source.size() / count;
    const int64_t size = config_.model.clip.image_size;
    try {
      const Example example = captioned_example(source, {0, place}, size, *tokenizer_);
      const at::Tensor pixels =
          caption_batch({&example}, size, head_->weight.size(0), kLastSpecialId).pixels_BCHW;
      const at::Tensor logits_BV = evaluation_->logits(pixels.to(context_.runtime.device)).cpu();
      const Record record = source.records->record(source.record(place));
      pictures.push_back(
          make_sample(record, source.sample, {}, nullptr, {.pictures = false}).target);
      sheet.captions.push_back(format("{}: sees {}", record.text, words_seen(logits_BV[0])));
    } catch (const RecordError& error) {  // does not end the training
      log::warn("sample {}: {}", i, error.what());
    }
  }
  if (pictures.empty()) return std::nullopt;
  sheet.image = contact_sheet(pictures);
  return sheet;
}

}  // namespace

std::unique_ptr<TrainTarget> vision_target(const TrainContext& context) {
  return std::make_unique<VisionTarget>(context);
}

}  // namespace mentor
