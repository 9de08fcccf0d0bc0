#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <string>

namespace mentor {

inline constexpr int64_t kMostPictures = 4096;  // of one request

/// How a picture is sampled. Defaults: MENTOR's evaluation settings.
struct GenerateConfig {
  double guidance_scale = 7.5;
  int64_t guidance_interval = -1;
  double temperature = 0.9;
  int64_t top_k = 16384;
  double top_p = 1.0;
  bool greedy = false;
  int64_t seed = 0;
  int64_t count = 1;
  int64_t max_batch = 8;
  std::string task = "none";
  bool condition_squash = false;
  std::string pixel_rule = "demo";

  template <class Visitor>
  void fields(Visitor& v) {
    v("guidance_scale", guidance_scale,
      "how far to push from the unconditional prediction towards the prompt; up to 1: no guidance",
      bound::non_negative());
    v("guidance_interval", guidance_interval,
      "decode step after which guidance stops; -1: it never does", bound::at_least(-1));
    v("temperature", temperature, "below 1: safer choices; above 1: more varied ones",
      bound::non_negative());
    v("top_k", top_k, "sample among the k likeliest codes; 0: among all", bound::non_negative());
    v("top_p", top_p, "sample among the likeliest codes that together have this probability",
      Bound{.min = 0, .max = 1, .min_excluded = true});
    v("greedy", greedy, "always take the likeliest code");
    v("seed", seed, "the same request with the same seed gives the same picture",
      bound::non_negative());
    v("count", count, "pictures per request", bound::between(1, kMostPictures));
    v("max_batch", max_batch, "pictures sampled at the same time, which memory limits",
      bound::between(1, 4096));
    v("task", task, "prompt template of a training task; none: the prompt as it is",
      bound::one_of({"none", "text", "subject", "segment", "recover", "reconstruct"}));
    v("condition_squash", condition_squash,
      "stretch condition pictures to a square first, as in training; else crop their centre");
    v("pixel_rule", pixel_rule,
      "rounding to 8 bits: demo = 255 (x + 1)/2 + 0.5, benchmark = 127.5 x + 128 (at most 1 apart)",
      bound::one_of({"demo", "benchmark"}));
  }
};

}  // namespace mentor
