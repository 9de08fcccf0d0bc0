#include "codec_evaluation.h"

#include "held_out.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/image/contact_sheet.h"
#include "mentor/image/quality.h"
#include "mentor/image/transforms.h"
#include "mentor/train/codebook_care.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace mentor {
namespace {

constexpr int64_t kSsimWindow = 11;

/// Each picture [3, S, S] of a batch in 8 bits.
std::vector<Image> images_of(const at::Tensor& pixels_B3SS) {
  const at::Tensor host = pixels_B3SS.to(at::kCPU, at::kFloat).contiguous();
  const auto numel = static_cast<size_t>(host.stride(0));
  std::vector<Image> images;
  for (int64_t b = 0; b < host.size(0); ++b) {
    const float* values = host.const_data_ptr<float>() + b * host.stride(0);
    images.push_back(to_image({values, numel}, {.width = host.size(3), .height = host.size(2)},
                              ByteRule::kSampling));
  }
  return images;
}

/// Mean squared error as a share of the largest.
double squared_error(const Image& a, const Image& b) { return std::pow(10, -psnr(a, b) / 10); }

double decibel(double error) {
  constexpr double kNothing = 1e-10;  // no figure can be infinite
  return -10 * std::log10(std::max(error, kNothing));
}

}  // namespace

Example codec_example(const ExampleSource& source, SampleIndex index) {
  const Record record = source.records->record(source.record(index.record));
  SampleOptions options = source.sample;
  options.on_bad_record = OnBadRecord::kSkip;  // a white picture teaches a codec nothing
  const Sample sample = make_sample(record, options, {}, nullptr, {.pictures = false});
  return {.index = index, .task = sample.task, .target_CHW = target_pixels(sample.target)};
}

/// Of some pictures; on the host.
struct CodecEvaluation::Sums {
  enum Figure { kLoss, kSquaredError, kSsim, kL1, kPictures, kFigures };

  explicit Sums(int64_t num_codes)
      : figures(at::zeros({kFigures}, at::kDouble)), codes_N(at::zeros({num_codes}, at::kLong)) {}

  void add(Figure figure, double value) { figures.mutable_data_ptr<double>()[figure] += value; }
  [[nodiscard]] double mean(Figure figure) const {
    const auto* sums = figures.const_data_ptr<double>();
    return sums[figure] / std::max(sums[kPictures], 1.0);
  }

  at::Tensor figures, codes_N;
};

CodecEvaluation::CodecEvaluation(const RunConfig& config, CodecModels models,
                                 Communicator& communicator, at::Device device)
    : config_(config), models_(std::move(models)), communicator_(communicator), device_(device) {}

at::Tensor CodecEvaluation::pixels_of(const std::vector<Example>& examples) const {
  const int64_t size = config_.model.image_size;
  std::vector<at::Tensor> pictures;
  for (const Example& example : examples) {
    pictures.push_back(at::tensor(example.target_CHW).view({3, size, size}));
  }
  return at::stack(pictures).to(device_);
}

at::Tensor CodecEvaluation::decode(const at::Tensor& codes_BT) const {
  const int64_t grid = config_.model.image_size / config_.model.codec.downsampling();
  return models_.codec->decode_codes(codes_BT, grid, grid).to(at::kFloat);
}

at::Tensor CodecEvaluation::reconstruction_loss(const at::Tensor& pixels_B3SS,
                                                const at::Tensor& reconstruction_B3SS) const {
  const CodecTrainConfig& training = config_.codec_training;
  const at::Tensor difference = reconstruction_B3SS - pixels_B3SS;
  at::Tensor loss = training.l1_weight * difference.abs().mean() +
                    training.l2_weight * difference.square().mean();
  if (training.perceptual()) {
    Lpips lpips = models_.lpips;  // its forward() is not const
    loss =
        loss + training.perceptual_weight * lpips->forward(pixels_B3SS, reconstruction_B3SS).mean();
  }
  return loss;
}

void CodecEvaluation::add(const std::vector<Example>& examples, Sums& sums) const {
  const at::Tensor pixels_B3SS = pixels_of(examples);
  const at::Tensor codes_BT = models_.codec->encode_to_codes(pixels_B3SS);
  const at::Tensor reconstruction_B3SS = decode(codes_BT);
  sums.codes_N += count_codes(codes_BT, sums.codes_N.numel()).cpu();
  const auto count = static_cast<double>(examples.size());
  const at::Tensor loss = reconstruction_loss(pixels_B3SS, reconstruction_B3SS);
  const at::Tensor l1 = (reconstruction_B3SS - pixels_B3SS).abs().mean();
  sums.add(Sums::kLoss, loss.item<double>() * count);
  sums.add(Sums::kL1, l1.item<double>() * count);
  sums.add(Sums::kPictures, count);
  const std::vector<Image> originals = images_of(pixels_B3SS);
  const std::vector<Image> reconstructions = images_of(reconstruction_B3SS);
  for (size_t b = 0; b < originals.size(); ++b) {
    sums.add(Sums::kSquaredError, squared_error(originals[b], reconstructions[b]));
    if (config_.model.image_size < kSsimWindow) continue;
    sums.add(Sums::kSsim, ssim(originals[b], reconstructions[b]));
  }
}

ValidationMetrics CodecEvaluation::validate(const Mixture& held_out, int64_t step) const {
  const at::NoGradGuard no_grad;
  const auto begin = std::chrono::steady_clock::now();
  Sums sums(config_.model.codec.codebook_size);
  for_each_held_out({.shares = held_out.shares,
                     .make =
                         [&](int64_t /*epoch*/, SampleIndex index) {
                           const auto file = static_cast<size_t>(index.file);
                           return codec_example(held_out.sources.at(file), index);
                         },
                     .threads = config_.runtime.cpu_threads(),
                     .batch = config_.train.micro_batch},
                    communicator_,
                    [&](const std::vector<Example>& examples) { add(examples, sums); });
  communicator_.all_reduce_sum(sums.figures).wait();
  communicator_.all_reduce_sum(sums.codes_N).wait();
  ValidationMetrics metrics{
      .step = step,
      .loss = sums.mean(Sums::kLoss),
      .task_loss = {{"psnr", decibel(sums.mean(Sums::kSquaredError))},
                    {"l1", sums.mean(Sums::kL1)},
                    {"usage", sums.codes_N.gt(0).to(at::kDouble).mean().item<double>()}},
      .samples = std::llround(sums.figures[Sums::kPictures].item<double>())};
  if (config_.model.image_size >= kSsimWindow) metrics.task_loss["ssim"] = sums.mean(Sums::kSsim);
  metrics.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return metrics;
}

SampleSheet CodecEvaluation::draw(const Mixture& mixture) const {
  const at::NoGradGuard no_grad;
  constexpr int64_t kLeastCell = 128, kLargestCell = 256, kMostColumns = 8;
  int64_t total = 0;
  for (const MixtureShare& share : mixture.shares) total += share.records;
  const int64_t count = config_.train.sample_count;
  std::vector<Image> pictures;
  SampleSheet sheet;
  for (int64_t i = 0; i < count; ++i) {
    SampleIndex index{0, i * total / count};
    while (index.record >= mixture.shares[static_cast<size_t>(index.file)].records) {
      index.record -= mixture.shares[static_cast<size_t>(index.file++)].records;
    }
    const ExampleSource& source = mixture.sources[static_cast<size_t>(index.file)];
    try {
      const at::Tensor pixels_13SS = pixels_of({codec_example(source, index)});
      pictures.push_back(images_of(pixels_13SS).front());
      pictures.push_back(images_of(decode(models_.codec->encode_to_codes(pixels_13SS))).front());
    } catch (const RecordError& error) {  // does not end the training
      log::warn("sample {}: {}", i, error.what());
      continue;
    }
    const double error = squared_error(pictures.end()[-2], pictures.back());
    sheet.captions.push_back(format(
        "{}: {:.1f} dB", source.records->where(source.record(index.record)), decibel(error)));
  }
  if (pictures.empty()) return sheet;
  sheet.image =
      contact_sheet(pictures, {},
                    {.columns = std::min(kMostColumns, static_cast<int64_t>(pictures.size())),
                     .cell_size = std::clamp(config_.model.image_size, kLeastCell, kLargestCell)});
  return sheet;
}

}  // namespace mentor
