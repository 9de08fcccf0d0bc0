#include "mentor/train/codec_reconstruction.h"

#include "mentor/nn/state.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

// N codes, E their width, M latents, R rows of the codebook

namespace mentor {
namespace {

std::vector<std::string> names_of(const auto& terms) {
  std::vector<std::string> names;
  for (const auto& term : terms) names.push_back(term.name);
  return names;
}

/// The pictures of some samples: [b, 3, S, S] on the host.
at::Tensor collate_targets(std::span<const Example> examples, int64_t size) {
  at::Tensor pixels_B3SS = at::empty({static_cast<int64_t>(examples.size()), 3, size, size});
  const int64_t numel = 3 * size * size;
  auto* out = pixels_B3SS.mutable_data_ptr<float>();
  for (const Example& example : examples) {
    TORCH_CHECK(static_cast<int64_t>(example.target_CHW.size()) == numel, "a target of ",
                example.target_CHW.size(), " values, not ", numel);
    out = std::ranges::copy(example.target_CHW, out).out;
  }
  return pixels_B3SS;
}

}  // namespace

std::vector<CodecReconstruction::Term> CodecReconstruction::shown_terms(
    const CodecTrainConfig& training, const VqganConfig& codec) {
  using Losses = const CodecLosses&;
  using Value = const at::Tensor&;
  std::vector<Term> terms = {{"generator", [](Losses l) -> Value { return l.generator; }}};
  const auto add = [&](bool on, Term term) {
    if (on) terms.push_back(std::move(term));
  };
  add(training.l1_weight > 0, {"l1", [](Losses l) -> Value { return l.l1; }});
  add(training.l2_weight > 0, {"l2", [](Losses l) -> Value { return l.l2; }});
  add(training.perceptual(), {"perceptual", [](Losses l) -> Value { return l.perceptual; }});
  add(training.adversarial(), {"adversarial", [](Losses l) -> Value { return l.adversarial; }});
  add(training.adversarial(), {"discriminator", [](Losses l) -> Value { return l.discriminator; }});
  add(true, {"codebook", [](Losses l) -> Value { return l.output.quantizer.codebook_loss; }});
  add(true, {"commit", [](Losses l) -> Value { return l.output.quantizer.commit_loss; }});
  add(codec.entropy_ratio > 0,
      {"entropy", [](Losses l) -> Value { return l.output.quantizer.entropy_loss; }});
  return terms;
}

CodecReconstruction::CodecReconstruction(CodecModels models, AdamW& optimizer,
                                         Communicator& communicator, Options options)
    : models_(std::move(models)),
      optimizer_(optimizer),
      communicator_(communicator),
      options_(std::move(options)),
      copies_(options_.device),
      terms_(shown_terms(options_.training, models_.codec->config())),
      sums_(names_of(terms_), options_.device) {
  const auto counts = at::TensorOptions().dtype(at::kLong).device(options_.device);
  step_counts_N_ = at::zeros({models_.codec->config().codebook_size}, counts);
  counts_N_ = options_.code_counts.defined() ? options_.code_counts.to(counts, false, /*copy=*/true)
                                             : at::zeros_like(step_counts_N_);
}

Objective::Work CodecReconstruction::begin_step(const std::vector<Example>& examples) {
  Work work;
  batches_.clear();
  const auto all = std::span(examples);
  const int64_t grid = options_.image_size / models_.codec->config().downsampling();
  for (size_t begin = 0; begin < all.size(); begin += static_cast<size_t>(options_.micro_batch)) {
    const auto members =
        all.subspan(begin, std::min(static_cast<size_t>(options_.micro_batch), all.size() - begin));
    at::Tensor pixels_B3SS = collate_targets(members, options_.image_size);
    copies_.start({&pixels_B3SS});
    batches_.push_back(std::move(pixels_B3SS));
    const auto count = static_cast<int64_t>(members.size());
    work.targets.push_back(count);
    work.samples += count;
    work.tokens += count * grid * grid;
  }
  return work;
}

void CodecReconstruction::add(const CodecLosses& losses, int64_t pictures) {
  const at::NoGradGuard no_grad;
  std::vector<int64_t> columns;
  std::vector<at::Tensor> values;
  for (const Term& term : terms_) {
    columns.push_back(static_cast<int64_t>(columns.size()));
    values.push_back(term.of(losses).detach());
  }
  const at::Tensor means = at::stack(values);
  const auto count = static_cast<double>(pictures);
  sums_.add(columns, means * count, at::full_like(means, count));
}

void CodecReconstruction::run_backward(size_t micro_batch, double scale, int64_t step) {
  const at::Tensor pixels_B3SS = std::exchange(batches_[micro_batch], {});
  const int64_t pictures = pixels_B3SS.size(0);
  const CodecLosses losses = codec_losses(models_, pixels_B3SS, step, options_.training);
  add(losses, pictures);
  const QuantizerOutput& quantizer = losses.output.quantizer;
  latent_ME_ = quantizer.latent_ME;
  if (counts_codes() && quantizer.codes_BT.defined()) {
    step_counts_N_ += count_codes(quantizer.codes_BT, step_counts_N_.numel());
  }
  ((losses.generator + losses.discriminator) * (static_cast<double>(pictures) * scale)).backward();
}

void CodecReconstruction::end_step(int64_t step) {
  const CodecTrainConfig& training = options_.training;
  const int64_t done = step + 1;
  if (done == training.unquantised_steps) {
    replace_codes(/*all=*/true, step);
  } else if (counts_codes()) {
    // Every step, so that a checkpoint holds the same for any number of ranks.
    communicator_.all_reduce_sum(step_counts_N_).wait();
    counts_N_ += step_counts_N_;
    step_counts_N_.zero_();
    if (done % training.revive_every == 0) {
      const double end = training.revive_until * static_cast<double>(options_.total_steps);
      const bool quantises = done > training.unquantised_steps;
      if (quantises && static_cast<double>(done) <= end) replace_codes(/*all=*/false, step);
      counts_N_.zero_();
    }
  }
  latent_ME_.reset();
}

/// -1 when there are none: no rank had a sample that it could use.
int64_t CodecReconstruction::first_rank_with_latents() const {
  at::Tensor having = at::zeros({communicator_.world_size()}, counts_N_.options());
  const bool own = latent_ME_.defined() && latent_ME_.isfinite().all().item<bool>();
  having[communicator_.rank()].fill_(own ? 1 : 0);
  communicator_.all_reduce_sum(having).wait();
  const at::Tensor ranks = having.nonzero().cpu();
  return ranks.numel() == 0 ? -1 : ranks[0][0].item<int64_t>();
}

void CodecReconstruction::replace_codes(bool all, int64_t step) {
  const int64_t root = first_rank_with_latents();
  if (root < 0) return;
  const int64_t num_codes = counts_N_.numel();
  // What other ranks draw from is overwritten.
  const at::Tensor latent_ME =
      latent_ME_.defined()
          ? latent_ME_
          : at::ones({1, models_.codec->config().codebook_dim}, at::device(options_.device));
  const CodebookDraw draw{
      .seed = options_.seed, .step = step, .noise = options_.training.codebook_noise};
  CodebookRows rows =
      all ? initial_rows(num_codes, latent_ME, draw) : revived_rows(counts_N_, latent_ME, draw);
  if (rows.rows_R.numel() == 0) return;
  communicator_.broadcast(rows.values_RE, root);
  optimizer_.replace_rows(std::string(kCodebook), rows.rows_R, rows.values_RE);
}

LossMeans CodecReconstruction::means(Communicator& communicator) const {
  LossMeans means = sums_.means(communicator);
  means.loss = means.parts.at("generator");
  means.parts.erase("generator");
  return means;
}

std::vector<SavedTensor> CodecReconstruction::saved_tensors() const {
  std::vector<SavedTensor> saved;
  for (const auto& [key, tensor] : state_dict(*models_.codec)) saved.push_back({key, tensor});
  if (models_.discriminator) {
    for (const auto& [key, tensor] : state_dict(*models_.discriminator)) {
      saved.push_back({std::string(kDiscriminatorPrefix) + key, tensor});
    }
  }
  if (counts_codes()) saved.push_back({std::string(kCodeCounts), counts_N_});
  return saved;
}

}  // namespace mentor
