#include "mentor/app/build.h"
#include "mentor/app/data_encode.h"
#include "mentor/core/error.h"
#include "mentor/core/log.h"
#include "mentor/models/flops.h"
#include "mentor/models/pretrained.h"
#include "mentor/tensor/safetensors.h"
#include "mentor/train/code_prediction.h"
#include "previews.h"
#include "train_models.h"
#include "train_target.h"
#include "validation.h"

#include <algorithm>
#include <map>
#include <utility>

namespace mentor {
namespace {

/// MENTOR's two stages.
class MentorTarget : public TrainTarget {
 public:
  explicit MentorTarget(const TrainContext& context)
      : context_(context), config_(context.config()) {}

  void build() override;
  [[nodiscard]] std::vector<ModuleRow> modules() const override {
    return module_rows(models_, trained_);
  }
  void load(Communicator& communicator) override;
  [[nodiscard]] std::map<std::string, std::string> file_metadata() const override {
    return {{kCodecKey, codec_hash_}};
  }
  [[nodiscard]] Loader::Make make_examples(const Mixture& mixture) override;
  [[nodiscard]] std::unique_ptr<Objective> make_objective(const Mixture& mixture,
                                                          int64_t total_steps) override;
  void prepare_evaluation(const Mixture& mixture, const Mixture* held_out,
                          Communicator& communicator, Communicator& control) override;
  [[nodiscard]] std::optional<ValidationMetrics> validate(int64_t step) override {
    return validation_ ? std::optional(validation_->run(step)) : std::nullopt;
  }
  [[nodiscard]] std::optional<SampleSheet> draw(int64_t step) override {
    return previews_->draw(step);
  }

 private:
  static constexpr const char* kCodecKey = "codec";

  void compare_codecs() const;
  [[nodiscard]] std::function<double(const Batch&)> flops_counter() const;
  [[nodiscard]] ComputeOptions compute() const {
    return {.device = context_.runtime.device,
            .reference_flat_pictures = config_.data.on_bad_record == "reference"};
  }

  const TrainContext& context_;
  const RunConfig& config_;
  WeightsConfig weights_;
  ModelSet models_;
  std::string codec_hash_;  // of what makes the codes that are learnt
  std::vector<TrainedParameter> trained_;
  std::unique_ptr<Validation> validation_;
  std::unique_ptr<Previews> previews_;
};

void MentorTarget::build() {
  if (config_.model.decoder.class_conditional()) {
    throw ConfigError("model.decoder.condition: class: training takes sentences");
  }
  weights_ = training_weights(config_, context_.checkpoint);
  require_weight_files(weights_);
  models_ = build_models(config_.model);
  trained_ = choose_trained(models_, config_.train, config_.optimizer, config_.precision,
                            stage_of(config_.data));
  memory_ = estimate_memory(context_, models_, trained_);
  (void)open_tokenizer(config_);
}

/// The decoder's words are a codec's codes: of another one they mean nothing.
void MentorTarget::compare_codecs() const {
  if (weights_.model.extension() != ".safetensors") return;
  SafetensorsMetadata metadata;
  (void)read_safetensors(weights_.model, &metadata);
  const auto known = metadata.find(kCodecKey);
  if (known == metadata.end() || known->second == codec_hash_) return;
  log::warn(
      "{} was trained on the codes of another codec than weights.codec ({}): what it knows of "
      "pictures is lost; take the codec that it was trained with",
      weights_.model, weights_.codec);
}

void MentorTarget::load(Communicator& communicator) {
  // In fp32 on the host: the master weights keep what a file in fp32 holds.
  (void)load_pretrained(models_, weights_, {.dtype = at::kFloat, .device = at::kCPU});
  codec_hash_ = codec_hash(models_.codec);
  compare_codecs();
  buckets_ = train_with(models_, trained_, config_, context_.runtime, communicator);
  optimizer_ =
      std::make_unique<AdamW>(*buckets_, config_.optimizer, config_.train.ema_decay, communicator);
}

Loader::Make MentorTarget::make_examples(const Mixture& mixture) {
  const auto maker = std::make_shared<ExampleMaker>(
      mentor::make_examples(config_, mixture.sources,
                            {.seed = static_cast<uint64_t>(config_.train.seed),
                             .condition_dropout = config_.model.decoder.condition_dropout,
                             .code_cache = open_code_cache(context_.run, models_.codec)}));
  return [maker](int64_t epoch, SampleIndex index) { return (*maker)(epoch, index); };
}

std::unique_ptr<Objective> MentorTarget::make_objective(const Mixture& mixture,
                                                        int64_t /*total_steps*/) {
  CodePrediction::Options options{.shape = batch_shape(config_.model),
                                  .micro_batch = config_.train.micro_batch,
                                  .token_budget = config_.train.token_budget,
                                  .compute = compute(),
                                  .tasks = mixture.task_names(),
                                  .flops = flops_counter()};
  for (const TrainedParameter& parameter : trained_) options.trained.insert(parameter.name);
  return std::make_unique<CodePrediction>(models_, std::move(options));
}

void MentorTarget::prepare_evaluation(const Mixture& mixture, const Mixture* held_out,
                                      Communicator& communicator, Communicator& control) {
  if (config_.train.sample_every > 0) {
    previews_ =
        std::make_unique<Previews>(config_, held_out ? *held_out : mixture, models_, control);
  }
  if (held_out && config_.train.validate_every > 0) {
    validation_ = std::make_unique<Validation>(config_, *held_out, mixture.task_names(), compute(),
                                               models_, communicator);
  }
}

std::function<double(const Batch&)> MentorTarget::flops_counter() const {
  TrainedParts parts{false, false, false, false, false};
  for (const TrainedParameter& parameter : trained_) {
    const std::string& name = parameter.name;
    parts.t5 |= part_of(name) == Part::kT5;
    parts.projector |= part_of(name) == Part::kProjector;
    parts.condition |= name.starts_with("cls_embedding.");
    parts.blocks |= name.starts_with("layers.");
    parts.head |= name.starts_with("output.");
  }
  return [parts, model = config_.model](const Batch& batch) {
    double flops = 0;
    size_t next_kept = 0;
    for (int64_t b = 0; b < batch.size(); ++b) {
      const bool kept = next_kept < batch.kept.size() && batch.kept[next_kept] == b;
      const SampleShape shape{
          .prompt_tokens = batch.lengths[b],
          .pictures = kept ? std::count(batch.image_owner.begin(), batch.image_owner.end(),
                                        static_cast<int64_t>(next_kept))
                           : 0,
          .drops_condition = !kept,
          .has_cached_codes = std::find(batch.target_rows.begin(), batch.target_rows.end(), b) ==
                              batch.target_rows.end()};
      if (kept) ++next_kept;
      const ForwardFlops forward = forward_flops(model, shape);
      flops += forward.total() + backward_flops(forward, parts);
    }
    return flops;
  };
}

}  // namespace

std::unique_ptr<TrainTarget> mentor_target(const TrainContext& context) {
  return std::make_unique<MentorTarget>(context);
}

}  // namespace mentor
