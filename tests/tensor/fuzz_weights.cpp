// Damaged copies of the checkpoint fixtures through every reader: whatever the bytes, a reader
// gives tensors that can be read to the end or throws WeightsError, within bounded memory.
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/tensor/safetensors.h"
#include "mentor/tensor/torch_archive.h"
#include "mentor/tensor/weights_file.h"
#include "mentor/tensor/zip_archive.h"
#include "support/golden.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <random>

namespace {

// Bytes of live C++ objects, and their largest amount since the last reset.
std::atomic<size_t> live_bytes = 0;
std::atomic<size_t> peak_bytes = 0;

}  // namespace

// Not inlined: the compiler would take malloc and delete for a mismatched pair.
[[gnu::noinline]] void* operator new(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  const size_t live = live_bytes += ::malloc_usable_size(memory);
  if (live > peak_bytes) peak_bytes = live;
  return memory;
}

// std::stable_sort asks this one for its buffer; AddressSanitizer brings its own otherwise.
void* operator new(size_t size, const std::nothrow_t&) noexcept { return operator new(size); }

[[gnu::noinline]] void operator delete(void* memory) noexcept {
  live_bytes -= ::malloc_usable_size(memory);
  std::free(memory);
}

void operator delete(void* memory, size_t) noexcept { operator delete(memory); }

namespace mentor {
namespace {

using Random = std::mt19937_64;

size_t below(Random& random, size_t bound) { return bound == 0 ? 0 : random() % bound; }

void flip_bytes(std::string& bytes, Random& random) {
  for (size_t n = 1 + below(random, 3); n-- > 0;) {
    bytes[below(random, bytes.size())] = static_cast<char>(random());
  }
}

void truncate(std::string& bytes, Random& random) { bytes.resize(below(random, bytes.size())); }

/// Copies a part of one file over or into another.
void splice(std::string& bytes, const std::string& other, Random& random) {
  const std::string part = other.substr(below(random, other.size()), 1 + below(random, 200));
  const size_t position = below(random, bytes.size());
  if (random() % 2 == 0) {
    bytes.insert(position, part);
  } else {
    bytes.replace(position, part.size(), part);
  }
}

/// Puts a telling number where a length, count or offset may be: near zero, near the file's size,
/// at the limits of the integer types.
void edit_length(std::string& bytes, Random& random) {
  const uint64_t interesting[] = {0,          1,          127,         128,        255,
                                  65535,      0x7fffffff, 0xffffffff,  1ULL << 32, 1ULL << 62,
                                  ~0ULL >> 1, ~0ULL,      bytes.size()};
  const uint64_t value = interesting[below(random, std::size(interesting))] + random() % 3 - 1;
  const size_t width = size_t{1} << (random() % 4);
  const size_t position = below(random, bytes.size());
  bytes.replace(position, std::min(width, bytes.size() - position),
                std::string(reinterpret_cast<const char*>(&value), width));
}

/// Half of the edits hit the ends, which describe the tensors; the rest may hit their data.
std::string damage(const std::string& original, const std::string& other, Random& random) {
  constexpr size_t kDescription = 2048;
  std::string bytes = original;
  for (size_t n = 1 + below(random, 3); n-- > 0 && !bytes.empty();) {
    const size_t window = std::min(bytes.size(), random() % 2 == 0 ? kDescription : bytes.size());
    const size_t begin = random() % 2 == 0 ? 0 : bytes.size() - window;
    std::string part = bytes.substr(begin, window);
    switch (random() % 8) {
      case 0:
        truncate(part, random);
        break;
      case 1:
        splice(part, other, random);
        break;
      case 2:
      case 3:
      case 4:
        edit_length(part, random);
        break;
      default:
        flip_bytes(part, random);
    }
    bytes.replace(begin, window, part);
  }
  return bytes;
}

double touch(const StateDict& tensors) {
  double sum = 0;
  for (const auto& [key, tensor] : tensors) sum += tensor.sum(at::kDouble).item<double>();
  return sum;
}

/// Reads `file` in every way there is; returns whether the file was accepted by any.
bool read_fully(const fs::path& file) {
  bool accepted = false;
  const auto attempt = [&](const auto& read) {
    try {
      touch(read());
      accepted = true;
    } catch (const WeightsError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(file.string())) << error.what();
    }
  };
  attempt([&] { return read_weights(file, {.prefer_ema = true}); });
  attempt([&] { return TorchArchive(file).all_tensors(); });
  attempt([&] {
    SafetensorsMetadata metadata;
    return read_safetensors(file, &metadata);
  });
  return accepted;
}

/// The parsers alone, on a buffer that ends with the data: sanitizers see a read past its end,
/// which a mapping hides in the rest of its last page.
void parse_exactly(const std::string& bytes) {
  const std::vector<char> exact(bytes.begin(), bytes.end());
  const std::string_view view(exact.data(), exact.size());
  try {
    for (const ZipEntry& entry : read_zip(view, "damaged")) {
      if (entry.name.ends_with(".pkl")) Pickle(entry.bytes, "damaged");
      (void)crc32(entry.bytes);
    }
  } catch (const WeightsError&) {  // as likely as not
  }
  try {
    for (size_t position = 0; position < view.size();) {
      position += Pickle(view.substr(position), "damaged").consumed();
    }
  } catch (const WeightsError&) {  // the last one always, unless the file is a row of pickles
  }
}

/// Small originals: one file per container and feature.
std::vector<std::string> originals() {
  std::vector<std::string> files;
  for (const char* name :
       {"odd_tensors.pt", "odd_tensors_legacy.pt", "odd_tensors.safetensors", "opaque_objects.pt",
        "mm_projector.bin", "vq_without_usage_buffer.pt", "damaged/control_ok.pt",
        "damaged/control_ok.safetensors", "damaged/evil_legacy.pt"}) {
    files.push_back(read_text(fixture_path(std::string("checkpoints/") + name)));
  }
  return files;
}

void write_plain(const fs::path& file, const std::string& bytes) {
  FileWriter writer(file, file);
  writer.write(bytes);
  writer.close();
}

TEST(FuzzWeights, DamagedFilesAreReadOrRefused) {
  constexpr int kInputs = 30000;
  // A pickled opcode of one byte may become a value of under 100 bytes; the rest is the slack of
  // messages, JSON and tensor headers.
  constexpr size_t kBytesPerByte = 400;
  constexpr size_t kSlack = 1 << 20;
  const fs::path memory = "/dev/shm";
  const TempDir dir(fs::is_directory(memory) ? memory : fs::temp_directory_path());
  const fs::path file = dir / "damaged";
  const std::vector<std::string> files = originals();
  Random random(20250712);
  int num_accepted = 0;
  for (int i = 0; i < kInputs; ++i) {
    const std::string& other = files[below(random, files.size())];
    const std::string bytes = damage(files[below(random, files.size())], other, random);
    write_plain(file, bytes);
    const size_t before = live_bytes;
    peak_bytes = before;
    ASSERT_NO_THROW(num_accepted += read_fully(file) ? 1 : 0) << "input " << i;
    ASSERT_NO_THROW(parse_exactly(bytes)) << "input " << i;
    ASSERT_LE(peak_bytes - before, kBytesPerByte * bytes.size() + kSlack) << "input " << i;
  }
  // Both outcomes must be common, or the loop tests only one of them.
  EXPECT_GT(num_accepted, kInputs / 50);
  EXPECT_LT(num_accepted, kInputs * 49 / 50);
  EXPECT_FALSE(fs::exists("EXECUTED_BY_PICKLE"));
}

}  // namespace
}  // namespace mentor
