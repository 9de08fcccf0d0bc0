#include "mentor/eval/similarity_scores.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <cmath>
#include <limits>

namespace mentor {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// clang-format off
constexpr PublishedLikeness kDreamBenchPlusPlus[] = {
    {"DreamBooth LoRA",       {62.8}, {78.4}, {34.1}},
    {"IP-Adapter ViT-G",      {66.7}, {85.5}, {30.9}},
    {"Emu2",                  {53.9}, {76.3}, {31.0}},
    {"DreamBooth",            {54.4}, {75.3}, {32.3}},
    {"IP-Adapter-Plus ViT-H", {83.4}, {91.7}, {28.2}},
    {"BLIP-Diffusion",        {64.9}, {82.3}, {28.6}},
    {"Textual Inversion",     {43.7}, {72.6}, {30.2}},
};
constexpr PublishedLikeness kDreamBench[] = {
    {"MENTOR",                       {70.853, .327}, {80.911, .053}, {29.071, .080}, 3},
    {"MENTOR with query connector",  {54.5}, {76.3}, {30.8}},
};
// clang-format on

/// Which DINO the columns come from is stated nowhere.
constexpr PublishedLikenessTable kPublished[] = {
    {"DreamBench++", "arXiv 2406.16855", "", kDreamBenchPlusPlus},
    {"MENTOR on the older DreamBench", "arXiv 2507.09574", "other data set: not comparable",
     kDreamBench},
};

/// The groups a picture counts in: all, that of its subject, that of its prompt.
std::array<size_t, 3> groups_of(const ItemKey& item) {
  return {static_cast<size_t>(PictureGroup::kAll),
          static_cast<size_t>(PictureGroup::kAnimal) + static_cast<size_t>(item.subject.category),
          static_cast<size_t>(PictureGroup::kPhotorealistic) +
              static_cast<size_t>(prompt_group(item.prompt))};
}

struct Sum {
  double value = 0, count = 0;

  [[nodiscard]] double mean() const { return count > 0 ? value / count : kNothing; }
};
using GroupSums = std::array<Sum, kNumPictureGroups>;

/// One value of each picture that was measured.
using Values = std::map<ItemKey, double>;

Values values_of(const Similarities& similarities, Metric metric) {
  Values values;
  for (const auto& [item, similarity] : similarities) {
    if (const auto& measured = similarity.of(metric)) values.emplace(item, measured->value);
  }
  return values;
}

/// Added up by subject, which is what draws need.
std::map<SubjectKey, GroupSums> sums_by_subject(const Values& values) {
  std::map<SubjectKey, GroupSums> sums;
  for (const auto& [item, value] : values) {
    GroupSums& of_subject = sums[item.subject];
    for (const size_t group : groups_of(item)) {
      of_subject.at(group).value += value;
      ++of_subject.at(group).count;
    }
  }
  return sums;
}

/// Each subject `times` often; without `times`: each once.
GroupSums total(const std::map<SubjectKey, GroupSums>& sums, std::span<const int> times = {}) {
  GroupSums total{};
  size_t subject = 0;
  for (const auto& [key, of_subject] : sums) {
    const double often = times.empty() ? 1 : times[subject++];
    for (size_t group = 0; group < kNumPictureGroups; ++group) {
      total.at(group).value += often * of_subject.at(group).value;
      total.at(group).count += often * of_subject.at(group).count;
    }
  }
  return total;
}

LikenessRow row_of(const Values& values, const BootstrapOptions& options) {
  const auto sums = sums_by_subject(values);
  std::vector<int> strata;
  std::array<int64_t, kNumPictureGroups> subjects{};
  for (const auto& [key, of_subject] : sums) {
    strata.push_back(static_cast<int>(key.category));
    for (size_t i = 0; i < kNumPictureGroups; ++i) subjects.at(i) += of_subject.at(i).count > 0;
  }
  std::array<std::vector<double>, kNumPictureGroups> drawn;
  draw_subjects(strata, options, [&](std::span<const int> times) {
    const GroupSums sum = total(sums, times);
    for (size_t i = 0; i < kNumPictureGroups; ++i) drawn.at(i).push_back(sum.at(i).mean());
  });
  LikenessRow row;
  const GroupSums whole = total(sums);
  for (size_t i = 0; i < kNumPictureGroups; ++i) {
    MeanLikeness& mean = row.groups.at(i);
    mean.pictures = static_cast<int64_t>(whole.at(i).count);
    if (mean.pictures > 0) mean.value = whole.at(i).mean();
    if (subjects.at(i) > 1) mean.interval = middle_95(std::move(drawn.at(i)));
  }
  return row;
}

}  // namespace

std::string_view name_of(PictureGroup group) {
  constexpr std::array<std::string_view, kNumPictureGroups> kNames = {
      "All", "Animal", "Human", "Object", "Style", "Photorealistic", "Style", "Imaginative"};
  return kNames.at(static_cast<size_t>(group));
}

std::string_view key_of(PictureGroup group) {
  constexpr std::array<std::string_view, kNumPictureGroups> kKeys = {
      "all", "animal", "human", "object", "style", "photorealistic", "prompt_style", "imaginative"};
  return kKeys.at(static_cast<size_t>(group));
}

LikenessTable likeness_table(const Similarities& similarities, const BootstrapOptions& options,
                             const CopyThresholds& copies, const fs::path& where) {
  LikenessTable table;
  const auto checkpoints = checkpoints_of(similarities, where);
  for (const Metric metric : kMetrics) {
    const std::optional<Checkpoint>& checkpoint = checkpoints.at(static_cast<size_t>(metric));
    if (!checkpoint) continue;
    table.metrics.push_back(
        {metric, *checkpoint, row_of(values_of(similarities, metric), options)});
    table.metrics.back().row.key = key_of(metric);
    table.metrics.back().row.name = name_of(metric);
  }
  const std::optional<Metric> deciding = copy_metric(similarities);
  if (!deciding) return table;
  const double threshold = copies.of(*deciding);
  Values copied = values_of(similarities, *deciding);
  for (auto& [item, value] : copied) value = value >= threshold ? 100 : 0;
  table.copies = CopyRate{*deciding, threshold, row_of(copied, options)};
  table.copies->row.key = "copies";
  table.copies->row.name = "Copies";
  return table;
}

std::vector<LikenessDifference> compare_likeness(const Similarities& first,
                                                 const Similarities& second,
                                                 const BootstrapOptions& options) {
  std::vector<LikenessDifference> differences;
  const auto checkpoints = checkpoints_of(first, "first"),
             others = checkpoints_of(second, "second");
  for (const Metric metric : kMetrics) {
    const auto& checkpoint = checkpoints.at(static_cast<size_t>(metric));
    const auto& other = others.at(static_cast<size_t>(metric));
    if (!checkpoint || !other) continue;
    if (checkpoint->sha256 != other->sha256 || checkpoint->dtype != other->dtype) {
      throw DataError(
          format("{} was measured by different networks: {} ({}) for the first method, {} ({}) for "
                 "the second: let 'mentor evaluate embed' measure both with one",
                 name_of(metric), checkpoint->name, checkpoint->dtype, other->name, other->dtype));
    }
    Values of_first = values_of(first, metric), of_second = values_of(second, metric), change;
    for (const auto& [item, value] : of_second) {
      if (const auto found = of_first.find(item); found != of_first.end()) {
        change.emplace(item, value - found->second);
      }
    }
    const auto is_alone = [&change](const auto& value) { return !change.contains(value.first); };
    const auto alone = std::erase_if(of_first, is_alone) + std::erase_if(of_second, is_alone);
    if (change.empty()) continue;
    const auto all = [&options](const Values& values) {
      return row_of(values, options)[PictureGroup::kAll];
    };
    differences.push_back({.metric = metric,
                           .checkpoint = *checkpoint,
                           .first = all(of_first),
                           .second = all(of_second),
                           .difference = all(change),
                           .alone = static_cast<int64_t>(alone)});
  }
  return differences;
}

std::string PublishedLikeness::text(const PublishedMean& mean) const {
  const std::string value = format("{:.{}f}", mean.value, decimals);
  return mean.deviation > 0 ? format("{} ± {:.{}f}", value, mean.deviation, decimals) : value;
}

std::span<const PublishedLikenessTable> published_likeness() { return kPublished; }

std::string published_remark(const MetricLikeness& ours) {
  switch (ours.metric) {
    case Metric::kClipI:
    case Metric::kClipT:
      if (ours.checkpoint.architecture == "ViT-B/32") return "";
      return format("other checkpoint: theirs is CLIP ViT-B/32, ours {}", ours.checkpoint.name);
    case Metric::kDino:
    case Metric::kDinov2:
      return "theirs may be another checkpoint: DreamBench++ does not say which DINO its column "
             "comes from";
  }
  return "";
}

}  // namespace mentor
