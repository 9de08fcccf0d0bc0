#include "mentor/eval/similarity.h"

#include "line_store.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace mentor {
namespace {

using Json = nlohmann::ordered_json;

/// What differs between the metrics, in the order of Metric.
struct MetricFacts {
  std::string_view name, key, exported;
};
constexpr std::array<MetricFacts, kMetrics.size()> kFacts = {
    {{"CLIP-I", "clip_i", "clip_scores_image.json"},
     {"CLIP-T", "clip_t", "clip_scores_text.json"},
     {"DINO", "dino", "dino_scores_v1.json"},
     {"DINOv2", "dinov2", "dino_scores_v2.json"}}};

const MetricFacts& facts_of(Metric metric) { return kFacts.at(static_cast<size_t>(metric)); }

std::string json_line(const Similarity& similarity) {
  const ItemKey& item = similarity.item;
  Json line = {{"category", category_name(item.subject.category)},
               {"index", item.subject.index},
               {"prompt", item.prompt},
               {"sample", item.sample},
               {"reference_sha256", similarity.reference_sha256},
               {"generated_sha256", similarity.generated_sha256},
               {"caption", similarity.caption}};
  for (const Metric metric : kMetrics) {
    const std::optional<Measurement>& measured = similarity.of(metric);
    if (!measured) continue;
    const Checkpoint& checkpoint = measured->checkpoint;
    line[std::string(key_of(metric))] = {{"value", measured->value},
                                         {"checkpoint", checkpoint.name},
                                         {"architecture", checkpoint.architecture},
                                         {"sha256", checkpoint.sha256},
                                         {"dtype", checkpoint.dtype}};
  }
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Similarity parse_line(std::string_view text) {
  const Json line = Json::parse(text);
  Similarity similarity{
      .item = {.subject = {.category = parse_category(line.at("category").get<std::string>()),
                           .index = line.at("index")},
               .prompt = line.at("prompt"),
               .sample = line.at("sample")},
      .reference_sha256 = line.at("reference_sha256"),
      .generated_sha256 = line.at("generated_sha256"),
      .caption = line.at("caption")};
  for (const Metric metric : kMetrics) {
    const auto found = line.find(std::string(key_of(metric)));
    if (found == line.end()) continue;
    similarity.of(metric) = {.value = found->at("value"),
                             .checkpoint = {.name = found->at("checkpoint"),
                                            .architecture = found->at("architecture"),
                                            .sha256 = found->at("sha256"),
                                            .dtype = found->at("dtype")}};
  }
  return similarity;
}

/// The whole lines of `text`, which `file` names in messages.
Similarities parse_lines(std::string_view text, const fs::path& file) {
  Similarities similarities;
  const auto fail = [&](int64_t number, const char* why) {
    throw DataError(
        format("{}:{}: is no similarity ({}): remove the line, and it is measured again", file,
               number, why));
  };
  int64_t number = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    ++number;
    try {
      Similarity similarity = parse_line(text.substr(0, end));
      similarities.insert_or_assign(similarity.item, std::move(similarity));
    } catch (const nlohmann::json::exception& e) {
      fail(number, e.what());
    } catch (const UserError& e) {
      fail(number, e.what());
    }
    text.remove_prefix(end + 1);
  }
  return similarities;
}

}  // namespace

std::string_view name_of(Metric metric) { return facts_of(metric).name; }
std::string_view key_of(Metric metric) { return facts_of(metric).key; }

fs::path similarity_file(const fs::path& out_folder) { return out_folder / "similarity.jsonl"; }

Similarities read_similarities(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  return parse_lines(read_text(file), file);
}

Similarities similarities_of(const Similarities& all, const std::vector<SampleFiles>& items) {
  Similarities some;
  for (const SampleFiles& files : items) {
    if (const auto found = all.find(files.key); found != all.end() && files.complete()) {
      some.insert(*found);
    }
  }
  return some;
}

struct SimilarityStore::State {
  explicit State(const fs::path& file)
      : lines(file, "another 'mentor evaluate embed' writes it: wait, or set another evaluate.out"),
        all(parse_lines(lines.text(), file)) {}

  LineStore lines;
  Similarities all;
};

SimilarityStore::SimilarityStore(const fs::path& file) : state_(std::make_unique<State>(file)) {}

SimilarityStore::~SimilarityStore() = default;

const Similarities& SimilarityStore::all() const { return state_->all; }

void SimilarityStore::append(const Similarity& similarity) {
  state_->lines.append(json_line(similarity));
  state_->all.insert_or_assign(similarity.item, similarity);
}

std::array<std::optional<Checkpoint>, kMetrics.size()> checkpoints_of(
    const Similarities& similarities, const fs::path& where) {
  std::array<std::optional<Checkpoint>, kMetrics.size()> checkpoints;
  for (const auto& [item, similarity] : similarities) {
    for (const Metric metric : kMetrics) {
      const std::optional<Measurement>& measured = similarity.of(metric);
      if (!measured) continue;
      std::optional<Checkpoint>& checkpoint = checkpoints.at(static_cast<size_t>(metric));
      if (!checkpoint) checkpoint = measured->checkpoint;
      if (*checkpoint == measured->checkpoint) continue;
      throw DataError(
          format("{}: {} comes from two networks, {} and {}: run 'mentor evaluate embed' again, "
                 "which measures all pictures with one",
                 where, name_of(metric), checkpoint->name, measured->checkpoint.name));
    }
  }
  return checkpoints;
}

std::optional<Metric> copy_metric(const Similarities& similarities) {
  for (const Metric metric : {Metric::kDino, Metric::kDinov2, Metric::kClipI}) {
    for (const auto& [item, similarity] : similarities) {
      if (similarity.of(metric)) return metric;
    }
  }
  return std::nullopt;
}

std::vector<fs::path> export_similarities(const Similarities& similarities, const Dataset& dataset,
                                          const fs::path& folder) {
  std::vector<fs::path> files;
  for (const Metric metric : kMetrics) {
    nlohmann::json values;  // with sorted keys, as the published files have them
    for (const auto& [item, similarity] : similarities) {
      const Subject* subject = dataset.find(item.subject);
      if (subject == nullptr || !similarity.of(metric)) continue;
      values[format("{}-{}_{}", subject->collection_id(), item.prompt, item.sample)] =
          similarity.of(metric)->value;
    }
    if (values.empty()) continue;
    files.push_back(folder / facts_of(metric).exported);
    write_text(files.back(), values.dump(4) + "\n");
  }
  return files;
}

}  // namespace mentor
