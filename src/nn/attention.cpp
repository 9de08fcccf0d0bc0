#include "mentor/nn/attention.h"

#include "causal_attention.h"
#include "mentor/kernels/cpu_kernels.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/SDPBackend.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace mentor {
namespace {

/// [L, H, K] -> [1, H, L, K], the layout of scaled_dot_product_attention.
at::Tensor heads_first(const at::Tensor& x_LHK) { return x_LHK.transpose(0, 1).unsqueeze(0); }

template <class T>
using DecodeAttention = void (*)(const DecodeAttentionArgs<T>&);

/// One task per (row, head): 40 for an XL picture with guidance.
template <class T>
void decode_on_cpu(DecodeAttention<T> kernel, const at::Tensor& q_BHK, const at::Tensor& keys,
                   const at::Tensor& values, const std::vector<int64_t>& lengths,
                   at::Tensor& out_BHK) {
  const int64_t heads = q_BHK.size(1), head_dim = q_BHK.size(2), capacity = keys.size(2);
  const auto* k = static_cast<const T*>(keys.const_data_ptr());
  const auto* v = static_cast<const T*>(values.const_data_ptr());
  const float* q = q_BHK.const_data_ptr<float>();
  float* out = out_BHK.mutable_data_ptr<float>();
  at::parallel_for(0, q_BHK.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> scores(static_cast<size_t>(capacity));
    for (int64_t i = begin; i < end; ++i) {
      kernel({.q = q + i * head_dim,
              .k = k + i * capacity * head_dim,
              .v = v + i * capacity * head_dim,
              .out = out + i * head_dim,
              .scores = scores.data(),
              .length = lengths[static_cast<size_t>(i / heads)] + 1,
              .head_dim = head_dim,
              .scale = 1.0f / std::sqrt(static_cast<float>(head_dim))});
    }
  });
}

/// Whether this GPU, dtype and width have a flash kernel: scaled_dot_product_attention would choose
/// it, or cuDNN's, which asks for more. Other widths than multiples of 8 it pads first, which
/// flash_attention() does not.
bool has_flash_kernel(const at::Tensor& q_SHK) {
  if (!q_SHK.is_cuda() || q_SHK.size(2) % 8 != 0) return false;
  const at::Tensor q = heads_first(q_SHK);
  const auto chosen = static_cast<at::SDPBackend>(
      at::_fused_sdp_choice(q, q, q, /*attn_mask=*/{}, /*dropout_p=*/0.0, /*is_causal=*/true));
  return chosen == at::SDPBackend::flash_attention || chosen == at::SDPBackend::cudnn_attention;
}

/// One kernel for all sequences.
at::Tensor flash_attention(const at::Tensor& q_SHK, const at::Tensor& k_SHK,
                           const at::Tensor& v_SHK, const std::vector<int64_t>& offsets) {
  int64_t longest = 0;
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    longest = std::max(longest, offsets[b + 1] - offsets[b]);
  }
  const at::Tensor ends = at::tensor(offsets, at::kInt).to(q_SHK.device(), /*non_blocking=*/true);
  return std::get<0>(at::_flash_attention_forward(q_SHK, k_SHK, v_SHK, ends, ends, longest, longest,
                                                  /*dropout_p=*/0.0, /*is_causal=*/true,
                                                  /*return_debug_mask=*/false));
}

}  // namespace

at::Tensor packed_causal_attention(const at::Tensor& q_SHK, const at::Tensor& k_SHK,
                                   const at::Tensor& v_SHK, const std::vector<int64_t>& offsets) {
  const bool records = at::GradMode::is_enabled() &&
                       (q_SHK.requires_grad() || k_SHK.requires_grad() || v_SHK.requires_grad());
  if (records && fits_recorded_attention(q_SHK)) {
    return recorded_causal_attention(q_SHK, k_SHK, v_SHK, offsets);
  }
  if (has_flash_kernel(q_SHK)) return flash_attention(q_SHK, k_SHK, v_SHK, offsets);
  std::vector<at::Tensor> outputs;
  outputs.reserve(offsets.size());
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    const int64_t begin = offsets[b], end = offsets[b + 1];
    const at::Tensor out = at::scaled_dot_product_attention(
        heads_first(q_SHK.slice(0, begin, end)), heads_first(k_SHK.slice(0, begin, end)),
        heads_first(v_SHK.slice(0, begin, end)), /*attn_mask=*/{}, /*dropout_p=*/0.0,
        /*is_causal=*/true);
    outputs.push_back(out.squeeze(0).transpose(0, 1));
  }
  return outputs.size() == 1 ? outputs.front() : at::cat(outputs);
}

KvCache::KvCache(const Options& options, int64_t rows)
    : options_(options), lengths_(static_cast<size_t>(rows), 0) {
  const auto tensor_options = at::TensorOptions().dtype(options.dtype).device(options.device);
  for (int64_t layer = 0; layer < options.num_layers; ++layer) {
    for (auto* side : {&keys_, &values_}) {
      side->push_back(
          at::empty({rows, options.num_heads, options.capacity, options.head_dim}, tensor_options));
    }
  }
}

void KvCache::fill(int64_t layer, int64_t row, const at::Tensor& k_LHK, const at::Tensor& v_LHK) {
  const int64_t length = k_LHK.size(0);
  TORCH_CHECK(length <= options_.capacity, "KvCache: ", length, " positions, capacity ",
              options_.capacity);
  keys_[layer][row].narrow(1, 0, length).copy_(k_LHK.transpose(0, 1));
  values_[layer][row].narrow(1, 0, length).copy_(v_LHK.transpose(0, 1));
}

void KvCache::copy_row(int64_t row, const KvCache& source, int64_t source_row) {
  const int64_t length = source.lengths_[source_row];
  TORCH_CHECK(length <= options_.capacity, "KvCache: ", length, " positions, capacity ",
              options_.capacity);
  for (size_t layer = 0; layer < keys_.size(); ++layer) {
    keys_[layer][row]
        .narrow(1, 0, length)
        .copy_(source.keys_[layer][source_row].narrow(1, 0, length));
    values_[layer][row]
        .narrow(1, 0, length)
        .copy_(source.values_[layer][source_row].narrow(1, 0, length));
  }
  lengths_[row] = length;
}

void KvCache::append(int64_t layer, const at::Tensor& k_BHK, const at::Tensor& v_BHK) {
  for (int64_t row = 0; row < rows(); ++row) {
    const int64_t position = lengths_[row];
    TORCH_CHECK(position < options_.capacity, "KvCache: row ", row, " is full (", options_.capacity,
                " positions)");
    keys_[layer][row].select(1, position).copy_(k_BHK[row]);
    values_[layer][row].select(1, position).copy_(v_BHK[row]);
  }
}

at::Tensor KvCache::append_and_attend(int64_t layer, const at::Tensor& q_BHK,
                                      const at::Tensor& k_BHK, const at::Tensor& v_BHK) {
  append(layer, k_BHK, v_BHK);
  if (options_.device.is_cpu() && options_.dtype != at::kHalf) {
    const CpuKernels& kernels = cpu_kernels();
    const at::Tensor q = q_BHK.to(at::kFloat).contiguous();
    at::Tensor out_BHK = at::empty_like(q);
    if (options_.dtype == at::kBFloat16) {
      decode_on_cpu<Bf16>(kernels.decode_attention_bf16, q, keys_[layer], values_[layer], lengths_,
                          out_BHK);
    } else {
      decode_on_cpu<float>(kernels.decode_attention_f32, q, keys_[layer], values_[layer], lengths_,
                           out_BHK);
    }
    return out_BHK.to(q_BHK.scalar_type());
  }
  std::vector<at::Tensor> outputs;
  for (int64_t row = 0; row < rows(); ++row) {
    const int64_t length = lengths_[row] + 1;
    outputs.push_back(
        at::scaled_dot_product_attention(q_BHK[row].unsqueeze(1).unsqueeze(0),
                                         keys_[layer].narrow(0, row, 1).narrow(2, 0, length),
                                         values_[layer].narrow(0, row, 1).narrow(2, 0, length))
            .squeeze(2));
  }
  return at::cat(outputs);
}

void KvCache::advance() {
  for (int64_t& length : lengths_) ++length;
}

}  // namespace mentor
