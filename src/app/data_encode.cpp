#include "mentor/app/data_encode.h"

#include "mentor/app/build.h"
#include "mentor/app/data_sources.h"
#include "mentor/app/data_tools.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/core/progress.h"
#include "mentor/core/random.h"
#include "mentor/dist/connect.h"
#include "mentor/image/transforms.h"
#include "mentor/nn/state.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <atomic>
#include <future>
#include <mutex>
#include <ostream>
#include <set>

namespace mentor {
namespace {

/// The encoder's half of the codec.
bool makes_codes(std::string_view key) {
  return key.starts_with("encoder.") || key.starts_with("quant_conv.") ||
         key.starts_with("quantize.embedding.");
}

/// A target that has no codes yet.
struct Pending {
  ContentHash key;
  std::vector<float> pixels_CHW;
};

/// What became of the records.
struct Counts {
  std::atomic<int64_t> made = 0, known = 0, bad = 0;
};

/// Goes once through all records and prepares the targets that the cache lacks.
class PendingTargets {
 public:
  PendingTargets(std::vector<ExampleSource> sources, const CodeCache& cache,
                 const DataEncodeOptions& options)
      : sources_(std::move(sources)), cache_(cache), options_(options) {
    for (ExampleSource& source : sources_) {
      source.sample.on_bad_record = OnBadRecord::kSkip;  // white targets need no cache
      ends_.push_back(size() + source.size());
    }
  }

  [[nodiscard]] int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }

  /// At least `count` targets (a few more on many threads); fewer only at the end.
  std::vector<Pending> next(int64_t count, int threads, Counts& counts, Progress& progress) {
    std::vector<Pending> found;
    std::mutex mutex;
    const auto wanted = [&] {
      const std::lock_guard lock(mutex);
      return static_cast<int64_t>(found.size()) < count;
    };
    for_each_index(threads, threads, [&](int64_t) {
      while (!interrupted() && wanted()) {
        const int64_t index = next_++;
        if (index >= size()) return;
        if (std::optional<Pending> pending = examine(index, counts)) {
          const std::lock_guard lock(mutex);
          found.push_back(*std::move(pending));
        }
        progress.advance();
      }
    });
    return found;
  }

 private:
  std::optional<Pending> examine(int64_t index, Counts& counts) {
    const auto place = std::ranges::upper_bound(ends_, index) - ends_.begin();
    const ExampleSource& source = sources_[static_cast<size_t>(place)];
    const int64_t begin = ends_[static_cast<size_t>(place)] - source.size();
    bool ours = index % options_.num_shards == options_.shard;  // of a line that is no record
    try {
      const Record record = source.records->record(source.record(index - begin));
      ours = is_ours(record, source.sample.stage);
      if (!ours) return std::nullopt;
      const std::optional<ContentHash> key = target_key(record, source.sample);
      if (key && (!cache_.find(*key).empty() || !is_new(*key))) {
        ++counts.known;
        return std::nullopt;
      }
      // Without a key this tells what is wrong with the picture.
      const Sample sample =
          make_sample(record, source.sample, {}, nullptr, {.pictures = false, .target = true});
      return Pending{.key = key.value(), .pixels_CHW = target_pixels(sample.target)};
    } catch (const RecordError&) {
      if (ours) ++counts.bad;
      return std::nullopt;
    }
  }

  /// By the picture's name, so that a picture of several records is encoded once.
  [[nodiscard]] bool is_ours(const Record& record, Stage stage) const {
    const uint64_t name = fnv1a(target_recipe(record, stage).files.front().string());
    return static_cast<int64_t>(name % static_cast<uint64_t>(options_.num_shards)) ==
           options_.shard;
  }

  bool is_new(const ContentHash& key) {
    const std::lock_guard lock(mutex_);
    return seen_.insert(key).second;
  }

  std::vector<ExampleSource> sources_;
  const CodeCache& cache_;
  const DataEncodeOptions& options_;
  std::vector<int64_t> ends_;  // of each source, counted over all
  std::atomic<int64_t> next_ = 0;
  std::mutex mutex_;
  std::set<ContentHash> seen_;
};

std::vector<ExampleSource> all_sources(const LoadedRunConfig& run) {
  std::vector<ExampleSource> sources = open_mixture(run, /*count_tasks=*/false).sources;
  if (std::optional<Mixture> validation = open_validation(run)) {
    sources.push_back(std::move(validation->sources.front()));
  }
  return sources;
}

/// Codes of up to one batch of targets.
void encode_some(Vqgan& codec, std::span<Pending> targets, int64_t side, CodeCacheWriter& writer) {
  std::vector<at::Tensor> pixels;
  for (Pending& target : targets) {
    pixels.push_back(at::from_blob(target.pixels_CHW.data(), {3, side, side}, at::kFloat));
  }
  const at::Device device = codec->parameters().front().device();
  const at::Tensor codes_BT =
      codec->encode_to_codes(at::stack(pixels).to(device)).to(at::kCPU).contiguous();
  const int64_t num_codes = codes_BT.size(1);
  const auto* codes = codes_BT.const_data_ptr<int64_t>();
  for (size_t i = 0; i < targets.size(); ++i, codes += num_codes) {
    writer.add(targets[i].key, std::vector<uint16_t>(codes, codes + num_codes));
  }
}

fs::path cache_folder(const LoadedRunConfig& run) {
  if (!run.config.data.code_cache.empty()) return run.config.data.code_cache;
  throw ConfigError(run.origins.where("data.code_cache") +
                    "data.code_cache: is not set: name the folder for the codes");
}

}  // namespace

std::string codec_hash(const Vqgan& codec) {
  ContentHasher hasher;
  for (const auto& [key, tensor] : state_dict(*codec)) {
    if (!makes_codes(key)) continue;
    const at::Tensor plain = tensor.to(at::kCPU).contiguous();
    hasher.add_field(format("{} {}", key, c10::toString(plain.scalar_type())));
    hasher.add_field({static_cast<const char*>(plain.const_data_ptr()), plain.nbytes()});
  }
  return hasher.hash().string();
}

CodeCacheIdentity code_cache_identity(const ModelConfig& model, const Vqgan& codec) {
  constexpr int64_t kMostCodes = 1 << 16;
  if (model.codec.codebook_size > kMostCodes) {
    throw ConfigError(
        format("data.code_cache: stores codes below {}, model.codec.codebook_size is "
               "{}: train without a cache",
               kMostCodes, model.codec.codebook_size));
  }
  return {.image_size = model.image_size,
          .codes_per_side = model.image_size / model.codec.downsampling(),
          .codec = codec_hash(codec)};
}

std::shared_ptr<const CodeCache> open_code_cache(const LoadedRunConfig& run, const Vqgan& codec) {
  if (run.config.data.code_cache.empty()) return nullptr;
  try {
    return std::make_shared<const CodeCache>(run.config.data.code_cache,
                                             code_cache_identity(run.config.model, codec));
  } catch (const ConfigError& error) {
    throw ConfigError(run.origins.where("data.code_cache") + "data.code_cache: " + error.what());
  }
}

void encode_data(const DataEncodeOptions& options, std::ostream& out) {
  const RunConfig& config = options.run.config;
  const fs::path folder = cache_folder(options.run);
  std::vector<ExampleSource> sources = all_sources(options.run);
  const c10::InferenceMode inference;
  Runtime runtime = start_runtime(config.runtime);
  if (runtime.device.is_cuda()) runtime.device = rank_gpu(read_process_environment());
  Vqgan codec = load_target_codec(config, runtime);
  const CodeCacheIdentity identity = code_cache_identity(config.model, codec);
  CodeCacheWriter writer(folder, identity, options.shard);
  const CodeCache cache(folder, identity);

  PendingTargets pending(std::move(sources), cache, options);
  Counts counts;
  Progress progress({.what = "encode", .unit = "records", .total = pending.size()});
  // The next targets are prepared while the codec works on these.
  const auto prepare = [&] {
    return pending.next(options.batch, runtime.threads, counts, progress);
  };
  for (std::vector<Pending> targets = prepare(); !targets.empty();) {
    std::future<std::vector<Pending>> following = std::async(std::launch::async, prepare);
    for (size_t at = 0; at < targets.size(); at += static_cast<size_t>(options.batch)) {
      const size_t count = std::min(static_cast<size_t>(options.batch), targets.size() - at);
      encode_some(codec, std::span(targets).subspan(at, count), config.model.image_size, writer);
      counts.made += static_cast<int64_t>(count);
    }
    throw_if_interrupted();
    targets = following.get();
  }
  throw_if_interrupted();
  writer.sync();
  progress.finish();
  out << format("{}: {} targets encoded, {} known already, {} bad records left out\n", folder,
                counts.made.load(), counts.known.load(), counts.bad.load());
}

}  // namespace mentor
