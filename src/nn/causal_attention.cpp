#include "causal_attention.h"

#include "mentor/core/cpu_features.h"
#include "mentor/kernels/attention_kernels.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstring>

// S packed rows of all sequences, L rows of one, P the same padded to whole blocks, H heads, K
// head width. One task is one head of one sequence, so that the number of threads changes nothing.
// The products go to oneDNN's micro-kernels (AMX tiles for bf16), which want the right operand in
// pairs of rows (attention_kernels.h).

namespace mentor {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kBlock = kAttentionBlock;
constexpr int64_t kQueries = 4 * kBlock;  // against one block of keys

int64_t padded(int64_t rows) { return (rows + kBlock - 1) / kBlock * kBlock; }

/// c[m, n] (+)= a[m, k] b[k, n] with rows of `lda`, n and `ldc` elements.
struct Product {
  int64_t m, n, k, lda, ldc;
  bool add = false;
};
void multiply(const Product& p, const float* a, const float* b, float* c) {
  at::native::cpublas::brgemm(p.m, p.n, p.k, p.lda, p.n, p.ldc, p.add, a, b, c);
}
void multiply(const Product& p, const Bf16* a, const Bf16* b, float* c) {
  const auto bits = [](const Bf16* x) { return reinterpret_cast<const at::BFloat16*>(x); };
  at::native::cpublas::brgemm(p.m, p.n, p.k, p.lda, p.n, p.ldc, p.add, bits(a), bits(b), c);
}
/// After the last product of a task: the tiles are a state of the processor.
void release(const float* /*dtype*/) { at::native::cpublas::brgemm_release(/*is_vnni=*/false); }
void release(const Bf16* /*dtype*/) { at::native::cpublas::brgemm_release(); }

/// One head of a tensor [S, H, K].
template <class T>
struct Heads {
  explicit Heads(const at::Tensor& x)
      : first(static_cast<T*>(const_cast<void*>(x.const_data_ptr()))),
        row_stride(x.stride(0)),
        head_stride(x.stride(1)),
        dim(x.size(2)) {}
  [[nodiscard]] T* at(int64_t row, int64_t head) const {
    return first + row * row_stride + head * head_stride;
  }
  [[nodiscard]] HeadRows<T> rows(int64_t begin, int64_t count, int64_t head) const {
    return {.x = at(begin, head), .stride = row_stride, .rows = count, .dim = dim};
  }

  T* first;
  int64_t row_stride, head_stride, dim;
};

/// Rows as a left operand: one behind the other, zeros up to a whole block.
template <class T>
void left(const HeadRows<T>& x, std::vector<T>& out) {
  out.resize(static_cast<size_t>(padded(x.rows) * x.dim));
  for (int64_t row = 0; row < x.rows; ++row) {
    std::memcpy(out.data() + row * x.dim, x.x + row * x.stride,
                static_cast<size_t>(x.dim) * sizeof(T));
  }
  std::fill(out.begin() + x.rows * x.dim, out.end(), T{});
}

template <class T>
struct Task {
  Heads<T> q, k, v, out, dout, dq, dk, dv;
  const float* log_sum;  // [H, S]
  int64_t num_rows;      // S
};

template <class T>
struct Scratch {
  std::vector<T> q_left, dout_left, qt_left, doutt_left;              // all queries
  std::vector<float> log_sum, mean_gradient, dq;                      // all queries
  std::vector<T> kt_right, vt_right, k_right, p_right, ds, ds_right;  // one block
  std::vector<float> scores, gradients, dkt, dvt;                     // one block
};

/// What all blocks of keys need of the queries.
template <class T>
void prepare_queries(const Task<T>& task, int64_t begin, int64_t length, int64_t head,
                     Scratch<T>& s) {
  const AttentionKernels<T>& kernels = attention_kernels<T>();
  const int64_t dim = task.q.dim, rows = padded(length);
  left(task.q.rows(begin, length, head), s.q_left);
  left(task.dout.rows(begin, length, head), s.dout_left);
  s.qt_left.resize(s.q_left.size());
  s.doutt_left.resize(s.q_left.size());
  for (int64_t row = 0; row < rows; row += kQueries) {
    const int64_t count = std::min(kQueries, length - row);
    const int64_t width = std::min(kQueries, rows - row);
    kernels.left_transposed(task.q.rows(begin + row, count, head), width,
                            s.qt_left.data() + row * dim);
    kernels.left_transposed(task.dout.rows(begin + row, count, head), width,
                            s.doutt_left.data() + row * dim);
  }
  // A padded query has no probabilities: exp(0 - infinity).
  constexpr float kNothing = 1e30F;
  s.log_sum.assign(static_cast<size_t>(rows), kNothing);
  std::copy_n(task.log_sum + head * task.num_rows + begin, length, s.log_sum.begin());
  s.mean_gradient.assign(static_cast<size_t>(rows), 0.0F);
  kernels.row_dots(task.out.rows(begin, length, head), task.dout.rows(begin, length, head),
                   s.mean_gradient.data());
  s.dq.assign(static_cast<size_t>(rows * dim), 0.0F);
}

/// The queries [row, row + rows), which share one transposed piece that begins at `piece`, against
/// the block of keys at `key`: adds to their dq and to the block's dkt and dvt.
template <class T>
void backward_block(int64_t dim, int64_t key, int64_t piece, int64_t row, int64_t rows,
                    int64_t piece_width, Scratch<T>& s) {
  const Product scores{.m = rows, .n = kBlock, .k = dim, .lda = dim, .ldc = kBlock};
  multiply(scores, s.q_left.data() + row * dim, s.kt_right.data(), s.scores.data());
  multiply(scores, s.dout_left.data() + row * dim, s.vt_right.data(), s.gradients.data());
  attention_kernels<T>().softmax_backward({.scores = s.scores.data(),
                                           .gradients = s.gradients.data(),
                                           .log_sum = s.log_sum.data() + row,
                                           .mean_gradient = s.mean_gradient.data() + row,
                                           .rows = rows,
                                           .visible = row - key + 1,
                                           .scale = 1.0F / std::sqrt(static_cast<float>(dim)),
                                           .p_right = s.p_right.data(),
                                           .ds = s.ds.data(),
                                           .ds_right = s.ds_right.data()});
  const Product transposed{
      .m = dim, .n = kBlock, .k = rows, .lda = piece_width, .ldc = kBlock, .add = row != key};
  const int64_t offset = piece * dim + (row - piece);
  multiply(transposed, s.doutt_left.data() + offset, s.p_right.data(), s.dvt.data());
  const bool one_layout = std::is_same_v<T, float>;
  multiply(transposed, s.qt_left.data() + offset, one_layout ? s.ds.data() : s.ds_right.data(),
           s.dkt.data());
  multiply({.m = rows, .n = dim, .k = kBlock, .lda = kBlock, .ldc = dim, .add = true}, s.ds.data(),
           s.k_right.data(), s.dq.data() + row * dim);
}

template <class T>
void backward_head(const Task<T>& task, int64_t begin, int64_t length, int64_t head,
                   Scratch<T>& s) {
  const AttentionKernels<T>& kernels = attention_kernels<T>();
  const int64_t dim = task.q.dim, rows = padded(length);
  prepare_queries(task, begin, length, head, s);
  for (auto* block : {&s.kt_right, &s.vt_right, &s.k_right}) block->resize(kBlock * dim);
  for (auto* block : {&s.p_right, &s.ds, &s.ds_right}) block->resize(kQueries * kBlock);
  for (auto* block : {&s.scores, &s.gradients}) block->resize(kQueries * kBlock);
  for (auto* block : {&s.dkt, &s.dvt}) block->resize(static_cast<size_t>(dim * kBlock));
  for (int64_t key = 0; key < rows; key += kBlock) {
    const int64_t keys = std::min(kBlock, length - key);
    kernels.right_transposed(task.k.rows(begin + key, keys, head), s.kt_right.data());
    kernels.right_transposed(task.v.rows(begin + key, keys, head), s.vt_right.data());
    kernels.right(task.k.rows(begin + key, keys, head), kBlock, s.k_right.data());
    for (int64_t piece = key - key % kQueries; piece < rows; piece += kQueries) {
      const int64_t end = std::min(piece + kQueries, rows), row = std::max(piece, key);
      backward_block(dim, key, piece, row, end - row, end - piece, s);
    }
    kernels.store_columns(s.dkt.data(), task.dk.rows(begin + key, keys, head));
    kernels.store_columns(s.dvt.data(), task.dv.rows(begin + key, keys, head));
  }
  kernels.store_rows(s.dq.data(), task.dq.rows(begin, length, head));
  release(s.q_left.data());
}

/// Calls work(begin, length, head, scratch) for every head of every sequence.
template <class Memory, class Work>
void for_heads(const std::vector<int64_t>& offsets, int64_t heads, const Work& work) {
  const auto sequences = static_cast<int64_t>(offsets.size()) - 1;
  at::parallel_for(0, sequences * heads, 1, [&](int64_t first, int64_t last) {
    Memory scratch;
    for (int64_t i = first; i < last; ++i) {
      const int64_t begin = offsets[i / heads], length = offsets[i / heads + 1] - begin;
      work(begin, length, i % heads, scratch);
    }
  });
}

template <class T>
variable_list backward(const variable_list& saved, const at::Tensor& dout,
                       const std::vector<int64_t>& offsets) {
  const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3];
  variable_list gradients;
  for (int i = 0; i < 3; ++i) gradients.push_back(at::empty(q.sizes(), q.options()));
  const Task<T> task{Heads<T>(q),
                     Heads<T>(k),
                     Heads<T>(v),
                     Heads<T>(out),
                     Heads<T>(dout),
                     Heads<T>(gradients[0]),
                     Heads<T>(gradients[1]),
                     Heads<T>(gradients[2]),
                     saved[4].const_data_ptr<float>(),
                     q.size(0)};
  for_heads<Scratch<T>>(offsets, q.size(1),
                        [&](auto&&... arguments) { backward_head(task, arguments...); });
  return gradients;
}

struct Attended {
  at::Tensor out_SHK, log_sum_HS;
};

Attended attend(const at::Tensor& q_SHK, const at::Tensor& k_SHK, const at::Tensor& v_SHK,
                const std::vector<int64_t>& offsets) {
  std::vector<at::Tensor> outputs, log_sums;
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    const auto heads = [&](const at::Tensor& x) {
      return x.slice(0, offsets[b], offsets[b + 1]).transpose(0, 1).unsqueeze(0);
    };
    const auto [out, log_sum] = at::_scaled_dot_product_flash_attention_for_cpu(
        heads(q_SHK), heads(k_SHK), heads(v_SHK), /*dropout_p=*/0.0, /*is_causal=*/true);
    outputs.push_back(out.squeeze(0).transpose(0, 1));
    log_sums.push_back(log_sum.squeeze(0));
  }
  const bool one = outputs.size() == 1;
  return {.out_SHK = one ? outputs.front() : at::cat(outputs),
          .log_sum_HS = (one ? log_sums.front() : at::cat(log_sums, 1)).contiguous()};
}

class CausalAttention : public torch::autograd::Function<CausalAttention> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const std::vector<int64_t>& offsets) {
    const Attended attended = attend(q, k, v, offsets);
    ctx->save_for_backward({q, k, v, attended.out_SHK, attended.log_sum_HS});
    ctx->saved_data["offsets"] = offsets;
    return attended.out_SHK;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const std::vector<int64_t> offsets = ctx->saved_data["offsets"].toIntVector();
    const at::Tensor dout = gradients[0].contiguous();
    variable_list inputs = dout.scalar_type() == at::kFloat
                               ? mentor::backward<float>(saved, dout, offsets)
                               : mentor::backward<Bf16>(saved, dout, offsets);
    inputs.emplace_back();  // offsets
    return inputs;
  }
};

/// Channels of a head one behind the other, as the kernels read them.
at::Tensor with_whole_heads(const at::Tensor& x) { return x.stride(2) == 1 ? x : x.contiguous(); }

}  // namespace

bool fits_recorded_attention(const at::Tensor& q_SHK) {
  return q_SHK.is_cpu() && q_SHK.size(2) % 16 == 0 && q_SHK.size(2) <= kBlock &&
         (q_SHK.scalar_type() == at::kFloat || q_SHK.scalar_type() == at::kBFloat16);
}

at::Tensor recorded_causal_attention(const at::Tensor& q_SHK, const at::Tensor& k_SHK,
                                     const at::Tensor& v_SHK, const std::vector<int64_t>& offsets) {
  static const bool multiplies_bf16 = cpu_features().has_bf16();
  if (q_SHK.scalar_type() == at::kBFloat16 && !multiplies_bf16) {
    return recorded_causal_attention(q_SHK.to(at::kFloat), k_SHK.to(at::kFloat),
                                     v_SHK.to(at::kFloat), offsets)
        .to(at::kBFloat16);
  }
  return CausalAttention::apply(with_whole_heads(q_SHK), with_whole_heads(k_SHK),
                                with_whole_heads(v_SHK), offsets);
}

}  // namespace mentor
