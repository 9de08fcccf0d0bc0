#include "mentor/data/code_cache.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mentor {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
/// To be raised whenever the pixels of a target change: old codes are refused then.
constexpr int kTransforms = 1;

constexpr const char* kManifest = "manifest.json";
constexpr const char* kCure =
    "name another folder in data.code_cache or delete this one, then run 'mentor data encode "
    "CONFIG'";

/// A record: key, codes, checksum of both.
struct RecordLayout {
  explicit RecordLayout(int64_t num_codes) : codes_bytes(static_cast<size_t>(num_codes) * 2) {}

  [[nodiscard]] size_t size() const { return sizeof(ContentHash) + codes_bytes + sizeof(uint64_t); }
  [[nodiscard]] std::string_view content(const char* record) const {
    return {record, sizeof(ContentHash) + codes_bytes};
  }

  size_t codes_bytes;
};

uint64_t checksum(std::string_view content) { return hash_bytes(content).low; }

json manifest_of(const CodeCacheIdentity& identity) {
  return {{"format", kFormat},
          {"transforms", kTransforms},
          {"image_size", identity.image_size},
          {"codes_per_side", identity.codes_per_side},
          {"codec", identity.codec}};
}

/// What an entry of the manifest says, for people.
std::string meaning_of(const std::string& key) {
  if (key == "format") return "files of format";
  if (key == "transforms") return "pictures prepared by the rules of version";
  if (key == "image_size") return "pictures of the size";
  if (key == "codes_per_side") return "codes per side:";
  return "codes of a codec with other weights or another precision:";
}

/// ConfigError with everything in which the folder's manifest is not that of `identity`.
void check_manifest(const fs::path& folder, const CodeCacheIdentity& identity) {
  const fs::path file = folder / kManifest;
  const json found = json::parse(read_text(file), nullptr, /*allow_exceptions=*/false);
  if (!found.is_object()) throw ConfigError(format("{}: is damaged: {}", file, kCure));
  const json expected = manifest_of(identity);
  std::string differences;
  for (const auto& [key, wanted] : expected.items()) {
    const json value = found.value(key, json());
    if (value == wanted) continue;
    differences += format("{} {} {}, not {}", differences.empty() ? "" : ";", meaning_of(key),
                          value.dump(), wanted.dump());
  }
  if (differences.empty()) return;
  throw ConfigError(format("{}: holds{}: {}", folder, differences, kCure));
}

[[noreturn]] void fail_read(const fs::path& file) {
  throw DataError(format("{}: cannot read: {}", file, std::strerror(errno)));
}

/// A file that is mapped for reading.
class Mapping {
 public:
  explicit Mapping(const fs::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (fd < 0 || ::fstat(fd, &status) != 0) fail_read(file);
    size_ = static_cast<size_t>(status.st_size);
    if (size_ > 0) address_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
    const bool failed = address_ == MAP_FAILED;
    ::close(fd);
    if (failed) fail_read(file);
  }
  ~Mapping() {
    if (size_ > 0) ::munmap(address_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] const char* data() const { return static_cast<const char*>(address_); }
  [[nodiscard]] size_t size() const { return size_; }

 private:
  void* address_ = nullptr;
  size_t size_ = 0;
};

std::vector<fs::path> code_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("codes-") && name.ends_with(".bin")) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::optional<ContentHash> target_key(const Record& record, const SampleOptions& options) {
  const TargetRecipe recipe = target_recipe(record, options.stage);
  ContentHasher hasher;
  hasher.add_field(format("{} {}", static_cast<int>(recipe.kind), options.image_size));
  try {
    for (const fs::path& file : recipe.files) {
      if (const Image* image = record.find_drawn(file)) {
        hasher.add_field(format("{} x {}", image->width, image->height));
        hasher.add_field(
            {reinterpret_cast<const char*>(image->pixels.data()), image->pixels.size()});
      } else {
        hasher.add_field(read_text(file));
      }
    }
  } catch (const DataError&) {
    return std::nullopt;  // whoever makes the target says what is wrong
  }
  return hasher.hash();
}

struct CodeCache::Impl {
  struct Entry {
    ContentHash key;
    const uint16_t* codes;
  };

  void read(const fs::path& file, const RecordLayout& layout) {
    const Mapping& mapping = *mappings.emplace_back(std::make_unique<Mapping>(file));
    for (size_t at = 0; at + layout.size() <= mapping.size(); at += layout.size()) {
      const char* record = mapping.data() + at;
      const std::string_view content = layout.content(record);
      uint64_t written = 0;
      std::memcpy(&written, content.data() + content.size(), sizeof(written));
      if (checksum(content) != written) {
        ++num_damaged;
        continue;
      }
      Entry entry{.codes = reinterpret_cast<const uint16_t*>(record + sizeof(ContentHash))};
      std::memcpy(&entry.key, record, sizeof(entry.key));
      entries.push_back(entry);
    }
  }

  size_t num_codes = 0;
  int64_t num_damaged = 0;
  std::vector<std::unique_ptr<Mapping>> mappings;
  std::vector<Entry> entries;  // by key
};

CodeCache::CodeCache(const fs::path& folder, const CodeCacheIdentity& identity)
    : impl_(std::make_unique<Impl>()) {
  std::error_code ignored;
  if (!fs::exists(folder / kManifest, ignored)) {
    throw ConfigError(format("{}: holds no codes: run 'mentor data encode CONFIG'", folder));
  }
  check_manifest(folder, identity);
  impl_->num_codes = static_cast<size_t>(identity.num_codes());
  for (const fs::path& file : code_files(folder)) {
    impl_->read(file, RecordLayout(identity.num_codes()));
  }
  if (impl_->num_damaged > 0) {
    log::warn("{}: {} damaged records are left out; 'mentor data encode' makes them again", folder,
              impl_->num_damaged);
  }
  std::ranges::stable_sort(impl_->entries, {}, &Impl::Entry::key);
}
CodeCache::~CodeCache() = default;
CodeCache::CodeCache(CodeCache&&) noexcept = default;

std::span<const uint16_t> CodeCache::find(const ContentHash& key) const {
  const auto found = std::ranges::lower_bound(impl_->entries, key, {}, &Impl::Entry::key);
  if (found == impl_->entries.end() || found->key != key) return {};
  return {found->codes, impl_->num_codes};
}

int64_t CodeCache::size() const { return static_cast<int64_t>(impl_->entries.size()); }

struct CodeCacheWriter::Impl {
  Impl(const fs::path& folder, const CodeCacheIdentity& identity, int64_t number)
      : file(folder / format("codes-{:04}.bin", number)), layout(identity.num_codes()) {}
  ~Impl() {
    if (fd >= 0) ::close(fd);
  }

  [[noreturn]] void fail(int error) const {
    throw UserError(
        format("{}: cannot write: {} (check the free space and the permissions of the "
               "folder)",
               file, std::strerror(error)));
  }

  void open() {
    fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) fail(errno);
    // A file system without locks fails in another way: there the numbers must do.
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      throw ConfigError(
          format("{}: another process is writing it: give every process a number of "
                 "its own (--shard I/N)",
                 file));
    }
    struct stat status {};
    if (::fstat(fd, &status) != 0) fail(errno);
    const off_t partial = status.st_size % static_cast<off_t>(layout.size());
    if (partial != 0 && ::ftruncate(fd, status.st_size - partial) != 0) fail(errno);
  }

  fs::path file;
  RecordLayout layout;
  int fd = -1;
};

CodeCacheWriter::CodeCacheWriter(const fs::path& folder, const CodeCacheIdentity& identity,
                                 int64_t number)
    : impl_(std::make_unique<Impl>(folder, identity, number)) {
  std::error_code ignored;
  if (!fs::exists(folder / kManifest, ignored)) {
    // Several writers may come here at once: they publish the same text.
    write_text(folder / kManifest, manifest_of(identity).dump(1) + "\n");
  }
  check_manifest(folder, identity);
  impl_->open();
}
CodeCacheWriter::~CodeCacheWriter() = default;

void CodeCacheWriter::add(const ContentHash& key, std::span<const uint16_t> codes) {
  if (codes.size_bytes() != impl_->layout.codes_bytes) {
    throw std::logic_error(format("{} codes for a cache of {}", codes.size(),
                                  impl_->layout.codes_bytes / sizeof(uint16_t)));
  }
  std::string record(reinterpret_cast<const char*>(&key), sizeof(key));
  record.append(reinterpret_cast<const char*>(codes.data()), codes.size_bytes());
  const uint64_t sum = checksum(record);
  record.append(reinterpret_cast<const char*>(&sum), sizeof(sum));
  for (std::string_view rest = record; !rest.empty();) {
    const ssize_t written = ::write(impl_->fd, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) impl_->fail(errno);
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

void CodeCacheWriter::sync() {
  if (::fsync(impl_->fd) != 0) impl_->fail(errno);
}

}  // namespace mentor
