#include "mentor/models/pretrained.h"

#include "activation_check.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/models/model_fit.h"
#include "mentor/tensor/statistics.h"
#include "mentor/tensor/weights_file.h"
#include "pretrained_text.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace mentor {
namespace {

/// A file of the `weights` section and the parts it is asked for.
struct Source {
  std::string key;
  fs::path path;
  std::vector<Part> offers;
  PublishedFile file = {};

  [[nodiscard]] bool gives(Part part) const {
    return std::ranges::find(offers, part) != offers.end() && file.holds(part);
  }
};

/// In the order in which a part is looked for: the decoder's own file comes before the complete
/// one, which comes before every other.
std::vector<Source> sources_of(const WeightsConfig& weights) {
  return {
      {"weights.decoder", weights.decoder, {Part::kDecoder}},
      {"weights.model", weights.model, {Part::kDecoder, Part::kT5, Part::kClip, Part::kProjector}},
      {"weights.t5", weights.t5, {Part::kT5}},
      {"weights.clip", weights.clip, {Part::kClip}},
      {"weights.projector", weights.projector, {Part::kProjector}},
      {"weights.codec", weights.codec, {Part::kCodec}},
  };
}

std::string where_to_get(Part part) {
  switch (part) {
    case Part::kDecoder:
      return "set weights.model to a MENTOR file, or weights.decoder to a LlamaGen t2i file";
    case Part::kT5:
      return "set weights.model to a MENTOR file, or weights.t5 to the folder of blip2-flan-t5-xl "
             "(for LlamaGen: flan-t5-xl)";
    case Part::kClip:
      return "set weights.model to a MENTOR file, or weights.clip to the folder of "
             "clip-vit-large-patch14";
    case Part::kProjector:
      return "set weights.model to a MENTOR file, or weights.projector to mm_projector.bin";
    case Part::kCodec:
      return "set weights.codec to vq_ds16_t2i.pt";
  }
  return "";
}

class PretrainedLoader {
 public:
  PretrainedLoader(ModelSet& models, const WeightsConfig& weights, const LoadTarget& target)
      : models_(models), wanted_(models.parts()), target_(target) {
    for (Source& source : sources_of(weights)) {
      const bool needed = std::ranges::any_of(source.offers, [&](Part p) { return wants(p); });
      if (needed && !source.path.empty()) sources_.push_back(std::move(source));
    }
    for (Source& source : sources_) open(source, weights.codec_ema);
  }

  PretrainedReport run() {
    choose_files();
    for (const Part part : wanted_) take(part);
    compare_towers();
    report_unused();
    fill();
    return std::move(report_);
  }

 private:
  [[nodiscard]] bool wants(Part part) const {
    return std::ranges::find(wanted_, part) != wanted_.end();
  }
  [[nodiscard]] const Source* source_of(Part part) const {
    const auto found =
        std::ranges::find_if(sources_, [&](const Source& s) { return s.gives(part); });
    return found == sources_.end() ? nullptr : &*found;
  }
  void open(Source& source, bool codec_ema);
  void choose_files() const;
  void take(Part part);
  void compare_towers();
  void report_unused();
  void fill();
  void fill(torch::nn::Module& module, std::string_view prefix, const StateDict& weights);

  ModelSet& models_;
  std::vector<Part> wanted_;
  LoadTarget target_;
  std::vector<Source> sources_;
  StateDict chosen_;
  PretrainedReport report_;
};

void PretrainedLoader::open(Source& source, bool codec_ema) {
  WeightsReport read;
  const bool prefer_ema = codec_ema && source.key == "weights.codec";
  source.file = recognise_file(read_weights(source.path, {.prefer_ema = prefer_ema}, &read));
  if (read.wrapper == "ema") {
    report_.notes.push_back(format("{}: the averaged weights ('ema') are taken", source.path));
  }
  if (std::ranges::any_of(source.offers, [&](Part part) { return source.gives(part); })) return;
  std::string message =
      format("{}: {} holds no {}", source.key, source.path, describe(source.offers.front()));
  if (source.file.kind != FileKind::kUnknown) {
    message += format(": by its keys it is a file of kind '{}'", describe(source.file.kind));
  } else if (!source.file.unexpected.empty()) {
    message += format(": none of its keys is known, such as {}", source.file.unexpected.front());
  } else {
    const KeyGroup& group = source.file.ignored.front();
    message +=
        format(": none of its keys is of use, such as {} ({})", group.keys.front(), group.reason);
  }
  throw WeightsError(message + "; 'mentor weights inspect' shows what is in it");
}

void PretrainedLoader::choose_files() const {
  std::string problems;
  for (const Part part : wanted_) {
    if (source_of(part) != nullptr) continue;
    problems += format("{}weights.{}: the {} has no weights: {}", problems.empty() ? "" : "\n",
                       name_of(part), describe(part), where_to_get(part));
  }
  if (problems.empty()) return;
  if (sources_.empty()) {
    problems += " ('mentor weights init' makes random weights of every part)";
  }
  throw ConfigError(problems);
}

void PretrainedLoader::take(Part part) {
  const Source& source = *source_of(part);
  if (part == Part::kT5 && source.key == "weights.t5") {
    check_activation(source.path, models_.config.t5.activation, report_.notes);
  }
  int64_t count = 0;
  for (const auto& [name, tensor] : source.file.tensors) {
    if (part_of(name) != part) continue;
    chosen_.set(name, tensor);
    ++count;
  }
  report_.parts.push_back({part, source.path.string(), count});
}

void PretrainedLoader::compare_towers() {
  const Source* used = source_of(Part::kClip);
  if (!wants(Part::kClip) || used->key != "weights.model") return;
  for (const Source& other : sources_) {
    if (&other == used || !other.gives(Part::kClip)) continue;
    double largest = 0;
    for (const auto& [name, tensor] : other.file.tensors) {
      const at::Tensor* mine = chosen_.find(name);
      if (part_of(name) != Part::kClip || mine == nullptr || mine->sizes() != tensor.sizes())
        continue;
      largest = std::max(largest, difference(*mine, tensor).max_absolute);
    }
    report_.notes.push_back(format(
        "vision tower: taken from {}, the one it was trained with; {} differs by up to {:.4g} "
        "and is not used",
        used->path, other.path, largest));
  }
}

void PretrainedLoader::report_unused() {
  for (const Source& source : sources_) {
    const std::string file = source.path.string();
    for (const KeyGroup& group : source.file.ignored) report_.ignored.push_back({file, group});
    for (const std::string& key : source.file.unexpected) report_.names.unexpected.push_back(key);
    for (const Part part : kAllParts) {
      if (!source.file.holds(part) || (wants(part) && source_of(part) == &source)) continue;
      KeyGroup unused{.reason = format("{}, not asked of this file", describe(part))};
      for (const auto& [name, tensor] : source.file.tensors) {
        if (part_of(name) == part) unused.keys.push_back(name);
      }
      report_.ignored.push_back({file, std::move(unused)});
    }
  }
}

void PretrainedLoader::fill(torch::nn::Module& module, std::string_view prefix,
                            const StateDict& weights) {
  const LoadReport filled = load_state_dict(module, weights, target_.dtype, target_.device);
  const std::string p(prefix);
  for (const auto& key : filled.loaded) report_.names.loaded.push_back(p + key);
  for (const auto& key : filled.missing) report_.names.missing.push_back(p + key);
  for (const auto& key : filled.unexpected) report_.names.unexpected.push_back(p + key);
  for (const auto& [key, expected, found] : filled.mismatched) {
    report_.names.mismatched.push_back({p + key, expected, found});
  }
}

void PretrainedLoader::fill() {
  const StateDict weights = complete_weights(models_, std::move(chosen_), report_.notes);
  if (models_.decoder) {
    StateDict decoder;
    for (const auto& [name, tensor] : weights) {
      if (part_of(name) == Part::kDecoder) decoder.set(name, tensor);
    }
    fill(*models_.decoder, "", decoder);
  }
  if (models_.encoder) fill(*models_.encoder, kEncoderPrefix, weights.below(kEncoderPrefix));
  if (models_.codec) fill(*models_.codec, kCodecPrefix, weights.below(kCodecPrefix));
}

}  // namespace

PretrainedReport fill_models(ModelSet& models, const WeightsConfig& weights,
                             const LoadTarget& target) {
  return PretrainedLoader(models, weights, target).run();
}

PretrainedReport load_pretrained(ModelSet& models, const WeightsConfig& weights,
                                 const LoadTarget& target) {
  PretrainedReport report = fill_models(models, weights, target);
  if (!report.names.complete()) throw WeightsError(misfit_message(models.config, weights, report));
  for (const std::string& line : report.lines()) log::info("{}", line);
  return report;
}

}  // namespace mentor
