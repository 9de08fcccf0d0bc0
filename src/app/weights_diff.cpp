#include "mentor/app/weights_tools.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/progress.h"
#include "mentor/tensor/dtype.h"
#include "mentor/tensor/statistics.h"
#include "mentor/tensor/weights_file.h"

#include <algorithm>
#include <ostream>

namespace mentor {
namespace {

constexpr size_t kMostLines = 20;

struct Line {
  double weight;  // the most important first
  std::string text;
};

/// A key that `other` lacks and whose very memory `tensors` also has under a key that it does not
/// lack: safetensors files keep only one name of a tensor.
bool is_alias_of_common(const StateDict& tensors, const StateDict& other,
                        const at::Tensor& tensor) {
  return std::any_of(tensors.begin(), tensors.end(), [&](const auto& entry) {
    const at::Tensor& candidate = entry.second;
    return other.contains(entry.first) && candidate.const_data_ptr() == tensor.const_data_ptr() &&
           candidate.sizes() == tensor.sizes() && candidate.strides() == tensor.strides();
  });
}

class Comparison {
 public:
  Comparison(const WeightsDiffOptions& options)
      : options_(options), a_(read_weights(options.a)), b_(read_weights(options.b)) {}

  bool print(std::ostream& out) {
    Progress progress(
        {.what = "compare", .unit = "tensors", .total = static_cast<int64_t>(a_.size())});
    for (const auto& [key, tensor] : a_) {
      const at::Tensor* other = b_.find(key);
      if (other == nullptr) {
        add_single(a_, b_, key, tensor, "only in A");
      } else {
        compare(key, tensor, *other);
      }
      throw_if_interrupted();
      progress.advance();
    }
    progress.finish();
    for (const auto& [key, tensor] : b_) {
      if (!a_.contains(key)) add_single(b_, a_, key, tensor, "only in B");
    }
    print_lines(out);
    out << format("{} keys equal, {} different, {} only in one file, {} second names of a tensor\n",
                  equal_, different_, single_, aliases_);
    return different_ + single_ == 0;
  }

 private:
  void add_single(const StateDict& tensors, const StateDict& other, const std::string& key,
                  const at::Tensor& tensor, const char* where) {
    if (is_alias_of_common(tensors, other, tensor)) {
      ++aliases_;
      return;
    }
    ++single_;
    lines_.push_back({std::numeric_limits<double>::infinity(), format("{}: {}", key, where)});
  }

  void compare(const std::string& key, const at::Tensor& a, const at::Tensor& b) {
    if (a.sizes() != b.sizes()) {
      ++different_;
      lines_.push_back({std::numeric_limits<double>::infinity(),
                        format("{}: shape {} and {}", key, to_text(a), to_text(b))});
      return;
    }
    const Difference d = difference(a, b);
    const bool same_dtype = a.scalar_type() == b.scalar_type() || options_.tolerance.has_value();
    if (same_dtype && !d.exceeds(options_.tolerance.value_or(0))) {
      ++equal_;
      return;
    }
    ++different_;
    std::string text =
        format("{}: max |A - B| {:.4g}, relative {:.4g}", key, d.max_absolute, d.relative());
    if (a.scalar_type() != b.scalar_type()) {
      text += format(", dtype {} and {}", dtype_name(a.scalar_type()), dtype_name(b.scalar_type()));
    }
    lines_.push_back({d.max_absolute, std::move(text)});
  }

  static std::string to_text(const at::Tensor& x) { return yaml_text(x.sizes().vec()); }

  void print_lines(std::ostream& out) {
    std::ranges::stable_sort(lines_, std::greater{}, &Line::weight);
    const size_t shown = options_.all ? lines_.size() : std::min(lines_.size(), kMostLines);
    for (size_t i = 0; i < shown; ++i) out << lines_[i].text << "\n";
    if (shown < lines_.size()) {
      out << format("... and {} more (--all lists them)\n", lines_.size() - shown);
    }
  }

  const WeightsDiffOptions& options_;
  StateDict a_, b_;
  std::vector<Line> lines_;
  int64_t equal_ = 0, different_ = 0, single_ = 0, aliases_ = 0;
};

}  // namespace

bool diff_weights(const WeightsDiffOptions& options, std::ostream& out) {
  return Comparison(options).print(out);
}

}  // namespace mentor
