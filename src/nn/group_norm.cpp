#include "mentor/nn/group_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

// N samples, P positions (height x width), C channels. In channels_last memory a sample is a
// [P, C] matrix, so both passes stream rows and every inner loop runs over neighbouring channels.
// Both work on x minus a pivot, the channel's first value in the sample: sums of squares in fp32
// then survive a faint picture on a large mean.
// Bodies are inlined into one instance per instruction set (the build itself targets x86-64).

namespace mentor {
namespace {

constexpr int64_t kLanes = 32;       // channels kept in registers; C is a multiple of it
constexpr int64_t kBlockRows = 64;   // rows summed in fp32 before the sum moves to fp64
constexpr int64_t kChunkRows = 512;  // rows of one task; fixed, so threads do not change sums

[[gnu::always_inline]] inline float load(float x) { return x; }
[[gnu::always_inline]] inline float load(uint16_t bf16) {
  return std::bit_cast<float>(static_cast<uint32_t>(bf16) << 16);
}
[[gnu::always_inline]] inline void store(float& y, float value) { y = value; }
/// Rounds to the nearest bf16, ties to even; NaN stays NaN.
[[gnu::always_inline]] inline void store(uint16_t& y, float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  y = static_cast<uint16_t>((bits & 0x7fffffffU) > 0x7f800000U ? 0x7fc0U : rounded);
}

/// x * sigmoid(x) to about 2 ulp without a division or a library call, so that it vectorises.
[[gnu::always_inline]] inline float swish(float x) {
  // e^-x = 2^n * 2^f with |f| <= 1/2: adding 1.5 * 2^23 rounds to the integer n. Beyond +-40 the
  // sigmoid is 1 or below 1e-17.
  constexpr float kRound = 12582912.0F;
  const float t = -1.44269504F * std::clamp(x, -40.0F, 40.0F);
  const float n = (t + kRound) - kRound;
  const float f = (t - n) * 0.693147181F;
  float series = 1.0F / 720;
  series = series * f + 1.0F / 120;
  series = series * f + 1.0F / 24;
  series = series * f + 1.0F / 6;
  series = series * f + 0.5F;
  series = (series * f + 1.0F) * f + 1.0F;
  const float power = std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
  const float denominator = 1.0F + series * power;
  // Reciprocal: a guess from the exponent bits (12 % off), then three Newton steps.
  float reciprocal = std::bit_cast<float>(0x7ef311c7 - std::bit_cast<int32_t>(denominator));
  reciprocal *= 2.0F - denominator * reciprocal;
  reciprocal *= 2.0F - denominator * reciprocal;
  reciprocal *= 2.0F - denominator * reciprocal;
  return x * reciprocal;
}

/// A stretch of rows of one sample and what is done with it.
template <class T>
struct Rows {
  const T* x;
  T* y;  // normalised rows (second pass)
  int64_t rows, channels;
  const float* pivot;          // [C]
  const float *scale, *shift;  // [C]: y = (x - pivot) * scale + shift
  double* sums;                // [2, C]: sum and sum of squares of x - pivot (first pass)
};

template <class T>
[[gnu::always_inline]] inline void sum_rows(const Rows<T>& task) {
  for (int64_t c = 0; c < task.channels; c += kLanes) {
    for (int64_t first = 0; first < task.rows; first += kBlockRows) {
      float sum[kLanes] = {}, square[kLanes] = {};
      const int64_t last = std::min(first + kBlockRows, task.rows);
      for (int64_t row = first; row < last; ++row) {
        const T* x = task.x + row * task.channels + c;
        for (int64_t i = 0; i < kLanes; ++i) {
          const float value = load(x[i]) - task.pivot[c + i];
          sum[i] += value;
          square[i] += value * value;
        }
      }
      for (int64_t i = 0; i < kLanes; ++i) {
        task.sums[c + i] += static_cast<double>(sum[i]);
        task.sums[task.channels + c + i] += static_cast<double>(square[i]);
      }
    }
  }
}

template <bool kSwish, class T>
[[gnu::always_inline]] inline void write_rows(const Rows<T>& task) {
  for (int64_t row = 0; row < task.rows; ++row) {
    const T* x = task.x + row * task.channels;
    T* y = task.y + row * task.channels;
    for (int64_t i = 0; i < task.channels; ++i) {
      const float value = (load(x[i]) - task.pivot[i]) * task.scale[i] + task.shift[i];
      store(y[i], kSwish ? swish(value) : value);
    }
  }
}

enum class Pass { kSum, kNormalise, kNormaliseSwish };

template <Pass kPass, class T>
[[gnu::always_inline]] inline void run_pass(const Rows<T>& task) {
  if constexpr (kPass == Pass::kSum) {
    sum_rows(task);
  } else {
    write_rows<kPass == Pass::kNormaliseSwish>(task);
  }
}

template <Pass kPass, class T>
[[gnu::target("arch=x86-64-v4,prefer-vector-width=512")]] void run_v4(const Rows<T>& task) {
  run_pass<kPass>(task);
}
template <Pass kPass, class T>
[[gnu::target("arch=x86-64-v3")]] void run_v3(const Rows<T>& task) {
  run_pass<kPass>(task);
}
template <Pass kPass, class T>
void run(const Rows<T>& task) {
  if (__builtin_cpu_supports("x86-64-v4") != 0) return run_v4<kPass>(task);
  if (__builtin_cpu_supports("x86-64-v3") != 0) return run_v3<kPass>(task);
  run_pass<kPass>(task);
}

/// Per sample and channel, the numbers of the second pass.
struct Channels {
  std::vector<float> pivot, scale, shift;  // [N, C]

  explicit Channels(size_t size) : pivot(size), scale(size), shift(size) {}
};

/// Mean and variance of each group of one sample, folded with the affine weights into one scale
/// and one shift per channel. sums [chunks, 2, C]; `first` is the sample's first channel.
void fold_statistics(const double* sums, int64_t chunks, int64_t positions,
                     const GroupNormArgs& args, int64_t first, Channels& channels) {
  const int64_t num_channels = args.weight.numel(), width = num_channels / args.groups;
  const double count = static_cast<double>(positions);
  const auto* weight = args.weight.const_data_ptr<float>();
  const auto* bias = args.bias.const_data_ptr<float>();
  std::vector<double> mean(static_cast<size_t>(width));  // of x - pivot
  for (int64_t begin = 0; begin < num_channels; begin += width) {
    double group_mean = 0, deviation = 0;
    for (int64_t i = 0; i < width; ++i) {
      double sum = 0, square = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        const double* chunk_sums = sums + chunk * 2 * num_channels + begin + i;
        sum += chunk_sums[0];
        square += chunk_sums[num_channels];
      }
      mean[i] = sum / count;
      group_mean += (channels.pivot[first + begin + i] + mean[i]) / static_cast<double>(width);
      deviation += square - sum * mean[i];
    }
    for (int64_t i = 0; i < width; ++i) {
      const double distance = channels.pivot[first + begin + i] + mean[i] - group_mean;
      deviation += count * distance * distance;
    }
    const double variance = std::max(0.0, deviation) / (count * static_cast<double>(width));
    const double inverse_std = 1.0 / std::sqrt(variance + args.eps);
    for (int64_t c = begin; c < begin + width; ++c) {
      const double scale = weight[c] * inverse_std;
      channels.scale[first + c] = static_cast<float>(scale);
      channels.shift[first + c] =
          static_cast<float>(bias[c] + (channels.pivot[first + c] - group_mean) * scale);
    }
  }
}

template <class T>
void normalise(const T* x, T* y, at::IntArrayRef sizes_NCHW, const GroupNormArgs& args) {
  const int64_t samples = sizes_NCHW[0], num_channels = sizes_NCHW[1];
  const int64_t positions = sizes_NCHW[2] * sizes_NCHW[3];
  const int64_t chunks = (positions + kChunkRows - 1) / kChunkRows;
  std::vector<double> sums(static_cast<size_t>(samples * chunks * 2 * num_channels));
  Channels channels(static_cast<size_t>(samples * num_channels));
  for (int64_t i = 0; i < samples * num_channels; ++i) {
    channels.pivot[i] = load(x[i / num_channels * positions * num_channels + i % num_channels]);
  }
  const auto task = [&](int64_t index) {
    const int64_t sample = index / chunks, first_row = index % chunks * kChunkRows;
    const int64_t offset = (sample * positions + first_row) * num_channels;
    const int64_t first_channel = sample * num_channels;
    return Rows<T>{.x = x + offset,
                   .y = y + offset,
                   .rows = std::min(kChunkRows, positions - first_row),
                   .channels = num_channels,
                   .pivot = channels.pivot.data() + first_channel,
                   .scale = channels.scale.data() + first_channel,
                   .shift = channels.shift.data() + first_channel,
                   .sums = sums.data() + index * 2 * num_channels};
  };
  at::parallel_for(0, samples * chunks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) run<Pass::kSum>(task(i));
  });
  for (int64_t sample = 0; sample < samples; ++sample) {
    fold_statistics(sums.data() + sample * chunks * 2 * num_channels, chunks, positions, args,
                    sample * num_channels, channels);
  }
  at::parallel_for(0, samples * chunks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (args.activation == NormActivation::kSwish) {
        run<Pass::kNormaliseSwish>(task(i));
      } else {
        run<Pass::kNormalise>(task(i));
      }
    }
  });
}

bool fits_kernel(const at::Tensor& x_NCHW, const GroupNormArgs& args) {
  const bool needs_gradient =
      at::GradMode::is_enabled() && (x_NCHW.requires_grad() || args.weight.requires_grad());
  const auto dtype = x_NCHW.scalar_type();
  return !needs_gradient && x_NCHW.is_cpu() && x_NCHW.dim() == 4 && x_NCHW.size(1) % kLanes == 0 &&
         (dtype == at::kFloat || dtype == at::kBFloat16) &&
         x_NCHW.is_contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

at::Tensor group_norm(const at::Tensor& x_NCHW, const GroupNormArgs& args) {
  if (!fits_kernel(x_NCHW, args)) {
    const at::Tensor y = at::group_norm(x_NCHW, args.groups, args.weight, args.bias, args.eps);
    return args.activation == NormActivation::kSwish ? at::silu(y) : y;
  }
  TORCH_CHECK(args.weight.numel() == x_NCHW.size(1) && x_NCHW.size(1) % args.groups == 0,
              "group_norm: ", x_NCHW.size(1), " channels, ", args.weight.numel(), " weights, ",
              args.groups, " groups");
  GroupNormArgs fp32 = args;
  fp32.weight = args.weight.to(at::kFloat).contiguous();
  fp32.bias = args.bias.to(at::kFloat).contiguous();
  at::Tensor y = args.overwrite ? x_NCHW : at::empty_like(x_NCHW);
  if (x_NCHW.scalar_type() == at::kFloat) {
    normalise(x_NCHW.const_data_ptr<float>(), y.mutable_data_ptr<float>(), x_NCHW.sizes(), fp32);
  } else {
    normalise(static_cast<const uint16_t*>(x_NCHW.const_data_ptr()),
              static_cast<uint16_t*>(y.mutable_data_ptr()), x_NCHW.sizes(), fp32);
  }
  return y;
}

}  // namespace mentor
