#pragma once

#include "mentor/generate/decoding.h"
#include "mentor/generate/generate_config.h"
#include "mentor/generate/prompt.h"
#include "mentor/generate/request.h"
#include "mentor/models/model_set.h"

#include <functional>
#include <span>
#include <vector>

namespace mentor {

/// Seconds spent in each stage, and image tokens drawn.
struct StageTimes {
  double encode = 0, prefill = 0, decode = 0, codec = 0;
  int64_t tokens = 0;

  [[nodiscard]] double tokens_per_second() const {
    return decode > 0 ? static_cast<double>(tokens) / decode : 0;
  }
};

struct GeneratedPicture {
  size_t request = 0;  // index into the requests
  int64_t number = 0;  // 0 .. count - 1 within the request
  uint64_t seed = 0;
  std::vector<int64_t> tokens;
  Image image;
};

/// Requests to pictures: prompt and reference pictures -> prefix -> image tokens -> pixels. The
/// tokens of a picture depend on its request, number and seed alone. Call under InferenceMode.
class Generator {
 public:
  Generator(ModelSet models, const GenerateConfig& config);

  /// Draws the pictures of all requests, at most max_batch at a time, in order. `prepare` reads the
  /// request of a number when its batch is drawn: the pixels of thousands would fill the memory.
  /// `on_step` counts drawn tokens; `on_picture` receives each picture as soon as its pixels are
  /// there.
  void run(std::span<const GenerateRequest> requests,
           const std::function<PreparedRequest(size_t)>& prepare,
           const std::function<void(int64_t)>& on_step,
           const std::function<void(GeneratedPicture)>& on_picture);
  /// The same for requests that are read already.
  void run(std::span<const PreparedRequest> requests, const std::function<void(int64_t)>& on_step,
           const std::function<void(GeneratedPicture)>& on_picture);

  [[nodiscard]] const StageTimes& times() const { return times_; }

 private:
  Prefix make_prefix(const PreparedRequest& prepared);
  Image decode_pixels(const at::Tensor& tokens_T);

  ModelSet models_;
  GenerateConfig config_;
  StageTimes times_;
};

/// The sampling part of a configuration.
[[nodiscard]] SamplingOptions sampling_options(const GenerateConfig& config);

/// The picture that image tokens [T] stand for.
[[nodiscard]] Image tokens_to_image(Vqgan& codec, const at::Tensor& tokens_T, int64_t grid_height,
                                    int64_t grid_width, const std::string& pixel_rule);

}  // namespace mentor
