#include "mentor/generate/generator.h"

#include "mentor/generate/finite.h"
#include "mentor/image/transforms.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace mentor {
namespace {

/// Adds the time until its end to a stage.
class StageTimer {
 public:
  explicit StageTimer(double& seconds) : seconds_(seconds) {}
  ~StageTimer() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// One picture to draw: which request, and which of its pictures.
struct Job {
  size_t request;
  int64_t number;
};

}  // namespace

SamplingOptions sampling_options(const GenerateConfig& config) {
  return {.guidance_scale = config.guidance_scale,
          .guidance_interval = config.guidance_interval,
          .temperature = config.temperature,
          .top_k = config.top_k,
          .top_p = config.top_p,
          .greedy = config.greedy};
}

Image tokens_to_image(Vqgan& codec, const at::Tensor& tokens_T, int64_t grid_height,
                      int64_t grid_width, const std::string& pixel_rule) {
  const at::Tensor pixels = codec->decode_codes(tokens_T.unsqueeze(0), grid_height, grid_width)[0]
                                .to(at::kCPU, at::kFloat)
                                .contiguous();
  require_finite(pixels, "pixels of the codec");
  return to_image({pixels.const_data_ptr<float>(), static_cast<size_t>(pixels.numel())},
                  {.width = pixels.size(2), .height = pixels.size(1)},
                  pixel_rule == "benchmark" ? ByteRule::kSampling : ByteRule::kDemo);
}

Generator::Generator(ModelSet models, const GenerateConfig& config)
    : models_(std::move(models)), config_(config) {}

Prefix Generator::make_prefix(const PreparedRequest& prepared) {
  Condition condition;
  {
    const StageTimer timer(times_.encode);
    condition = encode_prompt(models_.encoder, prepared.input);
  }
  const StageTimer timer(times_.prefill);
  return run_prefix(models_.decoder, condition, sampling_options(config_).guided(0));
}

Image Generator::decode_pixels(const at::Tensor& tokens_T) {
  const StageTimer timer(times_.codec);
  const int64_t grid = models_.config.decoder.grid;
  return tokens_to_image(models_.codec, tokens_T, grid, grid, config_.pixel_rule);
}

void Generator::run(std::span<const GenerateRequest> requests,
                    const std::function<PreparedRequest(size_t)>& prepare,
                    const std::function<void(int64_t)>& on_step,
                    const std::function<void(GeneratedPicture)>& on_picture) {
  const SamplingOptions options = sampling_options(config_);
  std::vector<Job> jobs;
  for (size_t r = 0; r < requests.size(); ++r) {
    for (int64_t k = 0; k < requests[r].count; ++k) jobs.push_back({r, k});
  }
  const auto batch_size = static_cast<size_t>(config_.max_batch);
  for (size_t begin = 0; begin < jobs.size(); begin += batch_size) {
    const auto batch = std::span(jobs).subspan(begin, std::min(batch_size, jobs.size() - begin));
    std::map<size_t, Prefix> prefixes;  // of the requests in this batch
    std::vector<Picture> pictures;
    for (const Job& job : batch) {
      if (!prefixes.contains(job.request)) {
        prefixes.emplace(job.request, make_prefix(prepare(job.request)));
      }
      pictures.push_back(
          {&prefixes.at(job.request), requests[job.request].picture_seed(job.number)});
    }
    at::Tensor tokens_PT;
    {
      const StageTimer timer(times_.decode);
      tokens_PT = decode_pictures(models_.decoder, pictures, options, on_step).to(at::kCPU);
    }
    times_.tokens += tokens_PT.numel();
    for (size_t p = 0; p < batch.size(); ++p) {
      const at::Tensor tokens_T = tokens_PT[static_cast<int64_t>(p)].contiguous();
      const auto* first = tokens_T.const_data_ptr<int64_t>();
      on_picture({.request = batch[p].request,
                  .number = batch[p].number,
                  .seed = pictures[p].seed,
                  .tokens = std::vector<int64_t>(first, first + tokens_T.numel()),
                  .image = decode_pixels(tokens_T)});
    }
  }
}

void Generator::run(std::span<const PreparedRequest> requests,
                    const std::function<void(int64_t)>& on_step,
                    const std::function<void(GeneratedPicture)>& on_picture) {
  std::vector<GenerateRequest> plain;
  for (const PreparedRequest& prepared : requests) plain.push_back(prepared.request);
  run(
      plain, [&](size_t r) { return requests[r]; }, on_step, on_picture);
}

}  // namespace mentor
