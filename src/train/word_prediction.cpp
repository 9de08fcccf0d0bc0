#include "mentor/train/word_prediction.h"

#include "mentor/nn/parameters.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mentor {

WordHeadImpl::WordHeadImpl(int64_t width, int64_t words) {
  query = register_parameter("query", shape_only({words, width}));
  weight = register_parameter("weight", shape_only({words, width}));
  bias = register_parameter("bias", shape_only({words}));
}

at::Tensor WordHeadImpl::forward(const at::Tensor& features_BPH) const {
  const at::Tensor attention_BPV =
      at::softmax(mentor::linear(features_BPH, query).to(at::kFloat), /*dim=*/1);
  const at::Tensor scores_BPV = mentor::linear(features_BPH, weight).to(at::kFloat);
  return (attention_BPV * scores_BPV).sum(1) + bias.to(at::kFloat);
}

CaptionedBatch caption_batch(const std::vector<const Example*>& examples, int64_t clip_size,
                             int64_t words, int64_t last_special_id) {
  const auto count = static_cast<int64_t>(examples.size());
  CaptionedBatch batch{.pixels_BCHW = at::empty({count, 3, clip_size, clip_size}),
                       .words_BV = at::zeros({count, words})};
  const int64_t size = batch.pixels_BCHW.stride(0);
  for (int64_t b = 0; b < count; ++b) {
    const Example& example = *examples[static_cast<size_t>(b)];
    TORCH_CHECK(static_cast<int64_t>(example.pixels_NCHW.size()) == size, "one picture, not ",
                example.pixels_NCHW.size(), " values");
    std::ranges::copy(example.pixels_NCHW, batch.pixels_BCHW.mutable_data_ptr<float>() + b * size);
    for (const int64_t id : example.ids) {
      if (id > last_special_id) batch.words_BV.mutable_data_ptr<float>()[b * words + id] = 1;
    }
  }
  return batch;
}

WordPrediction::WordPrediction(ClipVision tower, WordHead head, Options options)
    : tower_(std::move(tower)),
      head_(std::move(head)),
      options_(std::move(options)),
      copies_(options_.device),
      losses_(loss_names(), options_.device) {}

std::vector<std::string> WordPrediction::loss_names() { return {"words", "missed", "invented"}; }

LossMeans WordPrediction::means_of(const LossSums& losses, Communicator& communicator) {
  LossMeans means = losses.means(communicator);
  means.loss = means.parts.at("words");
  return means;
}

LossMeans WordPrediction::means(Communicator& communicator) const {
  return means_of(losses_, communicator);
}

Objective::Work WordPrediction::begin_step(const std::vector<Example>& examples) {
  Work work;
  batches_.clear();
  for (size_t begin = 0; begin < examples.size(); begin += options_.micro_batch) {
    std::vector<const Example*> members;
    const size_t end = std::min(begin + static_cast<size_t>(options_.micro_batch), examples.size());
    for (size_t i = begin; i < end; ++i) members.push_back(&examples[i]);
    CaptionedBatch batch =
        caption_batch(members, options_.clip_size, head_->weight.size(0), options_.last_special_id);
    copies_.start({&batch.pixels_BCHW, &batch.words_BV});
    batches_.push_back(std::move(batch));
    const auto count = static_cast<int64_t>(members.size());
    work.targets.push_back(count);
    work.samples += count;
    for (const Example* example : members) {
      work.tokens += static_cast<int64_t>(example->ids.size());
    }
  }
  return work;
}

at::Tensor WordPrediction::logits(const at::Tensor& pixels_BCHW) const {
  return head_->forward(tower_->hidden_state(pixels_BCHW, tower_->num_layers_run()).slice(1, 1));
}

at::Tensor WordPrediction::add_losses(const CaptionedBatch& batch, LossSums& losses) const {
  const at::Tensor logits_BV = logits(batch.pixels_BCHW);
  const at::Tensor losses_B =
      at::binary_cross_entropy_with_logits(logits_BV, batch.words_BV, {}, {}, at::Reduction::None)
          .sum(1);
  const at::NoGradGuard no_grad;
  const at::Tensor seen_BV = (logits_BV > 0).to(at::kFloat);
  const at::Tensor right = (seen_BV * batch.words_BV).sum();
  const at::Tensor words = batch.words_BV.sum(), seen = seen_BV.sum();
  losses.add({0, 1, 2}, at::stack({losses_B.sum(), words - right, seen - right}),
             at::stack({at::full_like(words, losses_B.size(0)), words, seen}));
  return losses_B;
}

void WordPrediction::run_backward(size_t micro_batch, double scale, int64_t /*step*/) {
  const CaptionedBatch batch = std::exchange(batches_[micro_batch], {});
  (add_losses(batch, losses_).sum() * scale).backward();
}

void WordPrediction::measure(const std::vector<Example>& examples, LossSums& losses) const {
  const at::NoGradGuard no_grad;
  std::vector<const Example*> members;
  for (const Example& example : examples) members.push_back(&example);
  CaptionedBatch batch =
      caption_batch(members, options_.clip_size, head_->weight.size(0), options_.last_special_id);
  copies_.start({&batch.pixels_BCHW, &batch.words_BV});
  (void)add_losses(batch, losses);
}

std::vector<SavedTensor> WordPrediction::saved_tensors() const {
  std::vector<SavedTensor> saved = options_.saved();
  for (const auto& item : head_->named_parameters()) {
    saved.push_back({std::string(kWordHeadPrefix) + item.key(), item.value()});
  }
  return saved;
}

}  // namespace mentor
