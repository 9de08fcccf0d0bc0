#include "embedder_weights.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/nn/state.h"

#include <algorithm>
#include <array>

namespace mentor {
namespace {

bool of_no_use(const std::string& key) {
  constexpr std::array<std::string_view, 3> kEnds = {"logit_scale", "position_ids", "mask_token"};
  return std::ranges::any_of(kEnds, [&](std::string_view end) { return key.ends_with(end); });
}

/// The first thing that is wrong, and how many more there are.
std::string problem_of(const LoadReport& report, const std::vector<std::string>& left_over) {
  std::string first;
  if (!report.mismatched.empty()) {
    const ShapeMismatch& item = report.mismatched.front();
    first = format("{} has shape {}, not {}", item.key, c10::str(at::IntArrayRef(item.found)),
                   c10::str(at::IntArrayRef(item.expected)));
  } else if (!report.missing.empty()) {
    first = format("{} is missing", report.missing.front());
  } else if (!left_over.empty()) {
    first = format("{} belongs to another model", left_over.front());
  }
  const size_t others = report.mismatched.size() + report.missing.size() + left_over.size();
  return others > 1 ? format("{} ({} more do not fit)", first, others - 1) : first;
}

}  // namespace

void fill_embedder(torch::nn::Module& tower, const StateDict& weights,
                   const EmbedderWeights& source) {
  const LoadReport report = load_state_dict(tower, weights, source.dtype, source.device);
  std::vector<std::string> left_over;
  std::ranges::copy_if(report.unexpected, std::back_inserter(left_over),
                       [](const std::string& key) { return !of_no_use(key); });
  if (report.complete() && left_over.empty()) return;
  throw WeightsError(
      format("{}: {}: are these the weights of {}? 'mentor weights inspect' shows "
             "what is in a file",
             source.path, problem_of(report, left_over), source.published));
}

}  // namespace mentor
