#include "codec_evaluation.h"
#include "mentor/app/build.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/core/random.h"
#include "mentor/image/transforms.h"
#include "mentor/models/pretrained.h"
#include "mentor/nn/parameters.h"
#include "mentor/nn/state.h"
#include "mentor/tensor/dtype.h"
#include "mentor/tensor/weights_file.h"
#include "mentor/train/codec_reconstruction.h"
#include "train_models.h"
#include "train_target.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace mentor {
namespace {

/// Discriminator and codec are clipped apart, as by the reference's two optimizers.
constexpr int kCodecClip = 0, kDiscriminatorClip = 1;

/// The target of a record, or where that is wanted a random square of its picture.
Image training_target(const Record& record, const SampleOptions& sample,
                      const CodecTrainConfig& training, uint64_t seed) {
  if (training.crop_min >= 1) {
    return make_sample(record, sample, {}, nullptr, {.pictures = false}).target;
  }
  const auto uniform = [&](const char* purpose) {
    return unit_interval(stream_seed(seed, purpose));
  };
  // As the reference draws it: uniform in the size that the shorter side is scaled to.
  const double scale = 1 + uniform("codec share") * (1 / training.crop_min - 1);
  const fs::path file = target_recipe(record, sample.stage).files.front();
  return crop_square(
      read_picture(record, file, sample.max_image_pixels), sample.image_size,
      {.share = 1 / scale, .right = uniform("codec right"), .down = uniform("codec down")});
}

/// Values that one picture's forward pass keeps for the backward pass, by the channels and sizes of
/// the residual blocks; how many each block keeps was measured (official, 128 px, on a CPU).
double kept_values(const VqganConfig& codec, int64_t image_size) {
  constexpr double kPerBlock = 10;
  const auto pixels = static_cast<double>(image_size * image_size);
  const auto blocks = static_cast<double>(2 * codec.num_res_blocks + 1);  // encoder and decoder
  double values = 0;
  if (codec.local()) {
    // The decoder's second level has half the channels in four times the places.
    const double codes = pixels / static_cast<double>(codec.patch_size * codec.patch_size);
    const auto second_level = static_cast<double>(2 * codec.num_res_blocks);
    values = static_cast<double>(codec.ch) * codes * (blocks + second_level);
  } else {
    double size = pixels;
    for (const int64_t factor : codec.ch_mult) {
      values += static_cast<double>(codec.ch * factor) * size * blocks;
      size /= 4;
    }
  }
  return kPerBlock * values;
}

/// The same of what judges a reconstruction, per pixel: of the discriminator measured, of LPIPS
/// counted over the layers of VGG16.
double kept_by_judges(const CodecTrainConfig& training, int64_t image_size) {
  constexpr double kLpips = 1100, kDiscriminatorPerChannel = 4;
  double values = training.perceptual() ? kLpips : 0;
  if (training.adversarial()) {
    values += kDiscriminatorPerChannel * static_cast<double>(training.discriminator_ch);
  }
  return values * static_cast<double>(image_size * image_size);
}

/// The image codec, with a discriminator against it where that is wanted.
class CodecTarget : public TrainTarget {
 public:
  explicit CodecTarget(const TrainContext& context)
      : context_(context), config_(context.config()) {}

  void build() override;
  [[nodiscard]] std::vector<ModuleRow> modules() const override;
  void load(Communicator& communicator) override;
  void name_checkpoint(WeightsConfig& weights) const override;
  [[nodiscard]] Loader::Make make_examples(const Mixture& mixture) override;
  [[nodiscard]] std::unique_ptr<Objective> make_objective(const Mixture& mixture,
                                                          int64_t total_steps) override;
  void prepare_evaluation(const Mixture& mixture, const Mixture* held_out,
                          Communicator& communicator, Communicator& control) override;
  [[nodiscard]] std::optional<ValidationMetrics> validate(int64_t step) override;
  [[nodiscard]] std::optional<SampleSheet> draw(int64_t step) override;

 private:
  void require_room_for_judges() const;
  void load_codec();
  void load_discriminator(const StateDict& weights);
  [[nodiscard]] uint64_t seed() const { return static_cast<uint64_t>(config_.train.seed); }

  const TrainContext& context_;
  const RunConfig& config_;
  const CodecTrainConfig& training_ = config_.codec_training;
  fs::path weights_;  // file that training starts from; empty: drawn at random
  ModelSet models_;   // the codec alone
  CodecModels parts_;
  std::vector<TrainedParameter> trained_;
  at::Tensor code_counts_;
  std::unique_ptr<CodecEvaluation> evaluation_;
  std::optional<Mixture> shown_, held_out_;
  Communicator* communicator_ = nullptr;
};

void CodecTarget::require_room_for_judges() const {
  constexpr int64_t kLeastForLpips = 16;
  const int64_t size = config_.model.image_size;
  // `layers` halvings, then two convolutions 4x4 that each take a pixel away.
  const int64_t least = int64_t{3} << training_.discriminator_layers;
  if (training_.adversarial() && size < least) {
    throw ConfigError(
        format("codec_training.discriminator_layers: {} layers need pictures of {} pixels, but "
               "model.image_size is {}",
               training_.discriminator_layers, least, size));
  }
  if (training_.perceptual() && size < kLeastForLpips) {
    throw ConfigError(
        format("codec_training.perceptual_weight: LPIPS needs pictures of {} pixels, but "
               "model.image_size is {}: set the weight to 0",
               kLeastForLpips, size));
  }
}

void CodecTarget::build() {
  require_room_for_judges();
  weights_ = starting_weights(config_, context_.checkpoint);
  if (weights_.empty()) {
    require_weight_files({.codec = config_.weights.codec});
    weights_ = find_weight_files(config_.weights).codec;
  }
  models_ = build_models(config_.model, {.encoder = false, .decoder = false});
  parts_.codec = models_.codec;
  const auto add = [&](const torch::nn::Module& module, std::string_view prefix, int clip_group) {
    for (const auto& item : module.named_parameters()) {
      trained_.push_back({.name = std::string(prefix) + item.key(),
                          .tensor = item.value(),
                          .decays = decays(config_.optimizer.decay_rule, item.key(), item.value()),
                          .clip_group = clip_group});
    }
  };
  add(*parts_.codec, "", kCodecClip);
  if (training_.adversarial()) {
    parts_.discriminator = PatchDiscriminator(PatchDiscriminatorOptions{
        .ch = training_.discriminator_ch, .num_layers = training_.discriminator_layers});
    add(*parts_.discriminator, kDiscriminatorPrefix, kDiscriminatorClip);
  }
  MemoryNeed need{.sample_bytes = 2 * (kept_values(config_.model.codec, config_.model.image_size) +
                                       kept_by_judges(training_, config_.model.image_size))};
  for (const TrainedParameter& parameter : trained_) {
    need.trained += static_cast<double>(parameter.tensor.numel());
  }
  need.parameters = need.trained;
  memory_ = estimate_memory(context_, need);
}

std::vector<ModuleRow> CodecTarget::modules() const {
  std::vector<ModuleRow> rows;
  const std::string dtype(dtype_name(context_.runtime.dtype));
  const std::string trained = dtype + (context_.runtime.dtype == at::kFloat ? "" : ", master fp32");
  const auto add = [&](std::string name, const torch::nn::Module& module, bool is_trained) {
    const int64_t count = count_parameters(module);
    rows.push_back({.name = std::move(name),
                    .parameters = count,
                    .trained = is_trained ? count : 0,
                    .dtype = is_trained ? trained : dtype});
  };
  add(std::string(describe(Part::kCodec)), *parts_.codec, true);
  if (parts_.discriminator) add("discriminator", *parts_.discriminator, true);
  if (parts_.lpips) add("LPIPS", *parts_.lpips, false);
  return rows;
}

void CodecTarget::load_codec() {
  if (weights_.empty()) {
    log::info(
        "codec: drawn at random (seed {}); weights.codec or train.init_from would give it "
        "weights to start from",
        config_.train.seed);
    initialize(parts_.codec, seed());
    return;
  }
  (void)load_pretrained(
      models_, {.codec = weights_, .codec_ema = config_.weights.codec_ema && !context_.checkpoint},
      {.dtype = at::kFloat, .device = at::kCPU});
}

void CodecTarget::load_discriminator(const StateDict& weights) {
  const StateDict saved = weights.below(kDiscriminatorPrefix);
  if (saved.empty()) {
    log::info("discriminator: drawn at random (seed {})", config_.train.seed);
    initialize(parts_.discriminator, seed());
    return;
  }
  const LoadReport report = load_state_dict(*parts_.discriminator, saved, at::kFloat);
  if (report.complete()) return;
  throw WeightsError(
      format("{}: its discriminator has other layers than codec_training.discriminator_ch and "
             "discriminator_layers say: take the values of the run it is from",
             weights_));
}

void CodecTarget::load(Communicator& communicator) {
  communicator_ = &communicator;
  const at::Device device = context_.runtime.device;
  load_codec();
  const StateDict saved = weights_.empty() ? StateDict() : read_weights(weights_);
  if (parts_.discriminator) load_discriminator(saved);
  if (training_.perceptual()) {
    parts_.lpips = load_lpips({.vgg = training_.lpips_vgg,
                               .lin = training_.lpips_lin,
                               .vgg_key = "codec_training.lpips_vgg",
                               .lin_key = "codec_training.lpips_lin"},
                              context_.runtime.dtype, device);
  }
  if (context_.checkpoint) {
    if (const at::Tensor* counts = saved.find(kCodeCounts)) code_counts_ = *counts;
  }
  buckets_ = make_buckets(trained_, config_, context_.runtime, communicator);
  const auto place_buffers = [&](torch::nn::Module& module) {
    for (at::Tensor& buffer : module.buffers()) {
      // A copy: what is loaded is a view of its file, and training writes to it.
      assign(buffer, buffer.to(device, buffer.scalar_type(), false, /*copy=*/true));
    }
  };
  place_buffers(*parts_.codec);
  if (parts_.discriminator) place_buffers(*parts_.discriminator);
  optimizer_ =
      std::make_unique<AdamW>(*buckets_, config_.optimizer, config_.train.ema_decay, communicator);
}

void CodecTarget::name_checkpoint(WeightsConfig& weights) const {
  weights.codec = "model.safetensors";
  weights.codec_ema = false;
}

Loader::Make CodecTarget::make_examples(const Mixture& mixture) {
  for (const MixtureSummary& entry : mixture.entries) {
    for (const auto& [task, count] : entry.tasks) {
      if (training_.crop_min >= 1) break;
      if (task == Task::kTextToImage || task == Task::kReconstruction) continue;
      throw ConfigError(
          format("codec_training.crop_min: squares are cut out of whole pictures, but "
                 "data.mixture.{} holds {} {} records: take tasks: [text_to_image, "
                 "reconstruction], or set crop_min to 1",
                 entry.name, count, task_name(task)));
    }
  }
  return [sources = mixture.sources, training = training_, seed = seed()](int64_t epoch,
                                                                          SampleIndex index) {
    const ExampleSource& source = sources[static_cast<size_t>(index.file)];
    const int64_t number = source.record(index.record);
    const uint64_t choices = sample_seed(seed, epoch, source.key, number, index.copy);
    const Record record = source.records->record(number);
    SampleOptions sample = source.sample;
    sample.on_bad_record = OnBadRecord::kSkip;
    Image target = training_target(record, sample, training, choices);
    if (unit_interval(stream_seed(choices, "codec flip")) < training.flip_rate) {
      target = mirror(target);
    }
    return Example{
        .index = index, .task = record.task(sample.stage), .target_CHW = target_pixels(target)};
  };
}

std::unique_ptr<Objective> CodecTarget::make_objective(const Mixture& /*mixture*/,
                                                       int64_t total_steps) {
  if (training_.unquantised_steps > total_steps) {
    throw ConfigError(
        format("{}codec_training.unquantised_steps: the codebook would begin after step {}, but "
               "the run has {}: lower it, or train for longer",
               context_.run.origins.where("codec_training.unquantised_steps"),
               training_.unquantised_steps, total_steps));
  }
  return std::make_unique<CodecReconstruction>(
      parts_, *optimizer_, *communicator_,
      CodecReconstruction::Options{.training = training_,
                                   .image_size = config_.model.image_size,
                                   .micro_batch = config_.train.micro_batch,
                                   .total_steps = total_steps,
                                   .seed = seed(),
                                   .device = context_.runtime.device,
                                   .code_counts = code_counts_});
}

void CodecTarget::prepare_evaluation(const Mixture& mixture, const Mixture* held_out,
                                     Communicator& /*communicator*/, Communicator& control) {
  if (held_out) held_out_ = *held_out;
  shown_ = held_out ? *held_out : mixture;
  evaluation_ =
      std::make_unique<CodecEvaluation>(config_, parts_, control, context_.runtime.device);
}

std::optional<ValidationMetrics> CodecTarget::validate(int64_t step) {
  if (!held_out_ || config_.train.validate_every == 0) return std::nullopt;
  return evaluation_->validate(*held_out_, step);
}

std::optional<SampleSheet> CodecTarget::draw(int64_t /*step*/) {
  if (context_.environment.rank != 0) return std::nullopt;
  SampleSheet sheet = evaluation_->draw(*shown_);
  return sheet.captions.empty() ? std::nullopt : std::optional(std::move(sheet));
}

}  // namespace

std::unique_ptr<TrainTarget> codec_target(const TrainContext& context) {
  return std::make_unique<CodecTarget>(context);
}

}  // namespace mentor
