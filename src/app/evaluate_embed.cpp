#include "mentor/app/evaluate_embed.h"

#include "embed_towers.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/core/parallel.h"
#include "mentor/core/progress.h"
#include "mentor/core/sha256.h"
#include "mentor/eval/summary.h"
#include "mentor/image/image_io.h"
#include "sound_input.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <future>
#include <ostream>
#include <set>
#include <unordered_map>

namespace mentor {
namespace {

/// A picture and what is to be measured of it.
struct ItemWork {
  const SampleFiles* files;
  Similarity similarity;  // without the values that are wanted
};

/// What a tower still has to measure of an item: its likeness to the reference, to the caption.
bool compares_pictures(const Tower& tower, const Similarity& similarity) {
  return !similarity.of(tower.metric);
}
bool compares_text(const Tower& tower, const Similarity& similarity) {
  return tower.text_ids && !similarity.of(Metric::kClipT);
}

/// A picture that some towers have not seen yet.
struct FreshPicture {
  fs::path file;
  std::string sha256;
  std::vector<bool> wanted;                // by which tower
  std::vector<std::vector<float>> pixels;  // for each of these
};

/// Items whose pictures are embedded together.
struct Group {
  std::span<const ItemWork> items;
  std::vector<FreshPicture> pictures;
};

class Embedder {
 public:
  Embedder(const RunConfig& config, std::vector<Tower> towers, SimilarityStore& store)
      : config_(config), towers_(std::move(towers)), store_(store), vectors_(towers_.size()) {}

  /// Measures all that the store lacks. Returns how many pictures it had complete.
  int64_t run(const std::vector<SampleFiles>& items);

 private:
  /// Vectors of pictures by their hash: references are shared by many items.
  using Vectors = std::unordered_map<std::string, at::Tensor>;

  void hash_pictures(const std::vector<SampleFiles>& items);
  [[nodiscard]] Similarity known_of(const SampleFiles& files);
  void plan_texts(const std::vector<ItemWork>& work);
  [[nodiscard]] std::vector<Group> plan_groups(std::span<const ItemWork> work) const;
  void decode(Group& group) const;
  void embed_pictures(const Group& group);
  void measure(const Tower& tower, const Vectors& vectors, std::span<Similarity> similarities);

  const RunConfig& config_;
  std::vector<Tower> towers_;
  SimilarityStore& store_;
  std::vector<Vectors> vectors_;                           // of each tower
  std::unordered_map<std::string, std::string> hashes_;    // by path
  std::set<std::string> other_weights_;                    // that earlier values come from
  std::unordered_map<std::string, Tower::TextIds> texts_;  // by caption
};

void Embedder::hash_pictures(const std::vector<SampleFiles>& items) {
  for (const SampleFiles& files : items) {
    hashes_[files.reference.string()];
    hashes_[files.generated.string()];
  }
  std::vector<std::pair<const std::string, std::string>*> entries;
  for (auto& entry : hashes_) entries.push_back(&entry);
  for_each_index(std::ssize(entries), config_.runtime.cpu_threads(), [&](int64_t i) {
    throw_if_interrupted();
    auto& [file, hash] = *entries[static_cast<size_t>(i)];
    hash = sha256_hex(read_text(file));
  });
}

/// What the store has of this very picture from these very networks.
Similarity Embedder::known_of(const SampleFiles& files) {
  Similarity known{.item = files.key,
                   .reference_sha256 = hashes_.at(files.reference.string()),
                   .generated_sha256 = hashes_.at(files.generated.string()),
                   .caption = files.caption};
  const auto found = store_.all().find(files.key);
  if (found == store_.all().end()) return known;
  const Similarity& before = found->second;
  if (before.generated_sha256 != known.generated_sha256) return known;
  const bool same_reference = before.reference_sha256 == known.reference_sha256;
  const bool same_caption = before.caption == known.caption;
  for (const Metric metric : kMetrics) {
    if (metric == Metric::kClipT ? same_caption : same_reference) {
      known.of(metric) = before.of(metric);
    }
  }
  for (const Tower& tower : towers_) {
    const auto drop_other = [&](std::optional<Measurement>& measured) {
      if (!measured || measured->checkpoint == tower.checkpoint) return;
      other_weights_.insert(format("{} came from {} ({}, sha256 {})", tower.checkpoint.name,
                                   measured->checkpoint.name, measured->checkpoint.dtype,
                                   measured->checkpoint.sha256));
      measured.reset();
    };
    drop_other(known.of(tower.metric));
    if (tower.text_ids) drop_other(known.of(Metric::kClipT));
  }
  return known;
}

void Embedder::plan_texts(const std::vector<ItemWork>& work) {
  int64_t num_truncated = 0;
  for (const Tower& tower : towers_) {
    if (!tower.text_ids) continue;
    for (const ItemWork& item : work) {
      if (!compares_text(tower, item.similarity)) continue;
      try {
        Tower::TextIds ids = tower.text_ids(item.similarity.caption);
        num_truncated += ids.truncated;
        texts_.insert_or_assign(item.similarity.caption, std::move(ids));
      } catch (const DataError& error) {
        throw DataError(format("text of {}: {}", item.similarity.item.string(), error.what()));
      }
    }
  }
  if (num_truncated > 0) {
    log::warn("{} texts are longer than the text tower of CLIP reads: their ends are cut off",
              num_truncated);
  }
}

std::vector<Group> Embedder::plan_groups(std::span<const ItemWork> work) const {
  const auto batch = static_cast<size_t>(config_.evaluate.embed.batch);
  std::vector<std::unordered_map<std::string, bool>> seen(towers_.size());
  std::vector<Group> groups;
  std::unordered_map<std::string, size_t> place;  // in the last group
  const auto want = [&](size_t tower, const fs::path& file, const std::string& sha256) {
    if (!seen[tower].emplace(sha256, true).second) return;
    std::vector<FreshPicture>& pictures = groups.back().pictures;
    const auto [entry, is_new] = place.emplace(sha256, pictures.size());
    if (is_new) pictures.push_back({file, sha256, std::vector<bool>(towers_.size()), {}});
    pictures[entry->second].wanted[tower] = true;
  };
  size_t begin = 0;
  for (size_t i = 0; i < work.size(); ++i) {
    if (groups.empty() || groups.back().pictures.size() >= batch) {
      groups.emplace_back();
      place.clear();
      begin = i;
    }
    const auto& [files, similarity] = work[i];
    for (size_t t = 0; t < towers_.size(); ++t) {
      const bool pictures = compares_pictures(towers_[t], similarity);
      if (pictures) want(t, files->reference, similarity.reference_sha256);
      if (pictures || compares_text(towers_[t], similarity)) {
        want(t, files->generated, similarity.generated_sha256);
      }
    }
    groups.back().items = work.subspan(begin, i - begin + 1);
  }
  return groups;
}

void Embedder::decode(Group& group) const {
  const DecodeOptions options = config_.runtime.picture_decoding();
  for_each_index(std::ssize(group.pictures), config_.runtime.cpu_threads(), [&](int64_t i) {
    throw_if_interrupted();
    FreshPicture& picture = group.pictures[static_cast<size_t>(i)];
    const Image image = read_image(picture.file, options);
    picture.pixels.resize(towers_.size());
    for (size_t t = 0; t < towers_.size(); ++t) {
      if (picture.wanted[t]) picture.pixels[t] = towers_[t].pixels(image);
    }
  });
}

void Embedder::embed_pictures(const Group& group) {
  for (size_t t = 0; t < towers_.size(); ++t) {
    std::vector<const FreshPicture*> wanted;
    for (const FreshPicture& picture : group.pictures) {
      if (picture.wanted[t]) wanted.push_back(&picture);
    }
    if (wanted.empty()) continue;
    const int64_t side = towers_[t].side;
    at::Tensor pixels_NCHW = at::empty({std::ssize(wanted), 3, side, side}, at::kFloat);
    auto* to = pixels_NCHW.mutable_data_ptr<float>();
    for (const FreshPicture* picture : wanted) to = std::ranges::copy(picture->pixels[t], to).out;
    const at::Tensor vectors_ND = towers_[t].embed_pictures(pixels_NCHW);
    for (size_t i = 0; i < wanted.size(); ++i) {
      vectors_[t].emplace(wanted[i]->sha256, vectors_ND[static_cast<int64_t>(i)]);
    }
  }
}

void Embedder::measure(const Tower& tower, const Vectors& vectors,
                       std::span<Similarity> similarities) {
  const auto cosine = [](const at::Tensor& one, const at::Tensor& other) {
    return 100 * at::dot(one, other).item<double>();
  };
  std::vector<Similarity*> with_text;
  std::vector<Tower::TextIds> texts;
  for (Similarity& similarity : similarities) {
    if (compares_text(tower, similarity)) {
      with_text.push_back(&similarity);
      texts.push_back(texts_.at(similarity.caption));
    }
    if (!compares_pictures(tower, similarity)) continue;
    similarity.of(tower.metric) = {
        cosine(vectors.at(similarity.reference_sha256), vectors.at(similarity.generated_sha256)),
        tower.checkpoint};
  }
  if (texts.empty()) return;
  const at::Tensor texts_ND = tower.embed_texts(texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    Similarity& similarity = *with_text[i];
    similarity.of(Metric::kClipT) = {
        cosine(texts_ND[static_cast<int64_t>(i)], vectors.at(similarity.generated_sha256)),
        tower.checkpoint};
  }
}

int64_t Embedder::run(const std::vector<SampleFiles>& items) {
  hash_pictures(items);
  std::vector<ItemWork> work;
  for (const SampleFiles& files : items) {
    ItemWork item{&files, known_of(files)};
    const bool lacks = std::ranges::any_of(towers_, [&](const Tower& tower) {
      return compares_pictures(tower, item.similarity) || compares_text(tower, item.similarity);
    });
    if (lacks) work.push_back(std::move(item));
  }
  for (const std::string& other : other_weights_) {
    log::info("measured again with other weights: what is now of {}", other);
  }
  plan_texts(work);
  std::vector<Group> groups = plan_groups(work);
  Progress progress(
      {.what = "embed", .unit = "pictures", .total = static_cast<int64_t>(work.size())});
  // The next pictures are decoded while these are embedded.
  std::future<void> decoded;
  const auto start = [&](size_t i) {
    if (i < groups.size()) decoded = std::async(std::launch::async, [&, i] { decode(groups[i]); });
  };
  start(0);
  for (size_t i = 0; i < groups.size(); ++i) {
    decoded.get();
    start(i + 1);
    Group& group = groups[i];
    embed_pictures(group);
    group.pictures = {};
    std::vector<Similarity> similarities;
    for (const ItemWork& item : group.items) similarities.push_back(item.similarity);
    for (size_t t = 0; t < towers_.size(); ++t) measure(towers_[t], vectors_[t], similarities);
    for (const Similarity& similarity : similarities) store_.append(similarity);
    progress.advance(std::ssize(similarities));
    throw_if_interrupted();
  }
  return std::ssize(items) - std::ssize(work);
}

/// The protocol computes in fp32; bf16 only for those who ask for it.
Runtime embedding_runtime(RuntimeConfig config) {
  if (config.dtype == "auto") config.dtype = "fp32";
  return start_runtime(config);
}

}  // namespace

void embed_evaluation(const LoadedRunConfig& run, std::ostream& out) {
  const EvaluateConfig& evaluate = run.config.evaluate;
  if (evaluate.out.empty()) {
    throw ConfigError("evaluate.out: is not set: name the folder for the similarities");
  }
  EvaluationInput input = read_sound_input(run.config).input;
  std::erase_if(input.items, [](const SampleFiles& files) { return !files.complete(); });
  const c10::InferenceMode inference;
  std::vector<Tower> towers = load_towers(evaluate.embed, embedding_runtime(run.config.runtime));
  const fs::path file = similarity_file(evaluate.out);
  SimilarityStore store(file);
  const int64_t before = Embedder(run.config, std::move(towers), store).run(input.items);
  const Similarities measured = similarities_of(store.all(), input.items);
  const std::vector<fs::path> exported = export_similarities(measured, input.dataset, evaluate.out);
  write_text(evaluate.out / "config_embed.yaml", dump_config(run.config, run.origins));
  out << format("{}: {} pictures, {} of them as measured before\n", file, input.items.size(),
                before);
  const BootstrapOptions options{.draws = evaluate.report.draws,
                                 .seed = static_cast<uint64_t>(evaluate.report.seed)};
  out << likeness_text(likeness_table(measured, options, copy_thresholds(evaluate.embed), file));
  for (const fs::path& path : exported) out << format("{}\n", path);
}

}  // namespace mentor
