#include "mentor/tensor/mapped_file.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <ATen/ops/empty.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mentor {
namespace {

using Owner = std::shared_ptr<const MappedFile>;

/// Deleter of every mapped storage; its address is also how drop_mapped_pages() knows them.
void release_mapping(void* owner) { delete static_cast<Owner*>(owner); }

class Descriptor {
 public:
  explicit Descriptor(const fs::path& file) : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Owner MappedFile::open(const fs::path& file) {
  const auto fail = [&](const std::string& why) {
    throw WeightsError(format("{}: {}", file, why));
  };
  const Descriptor descriptor(file);
  struct stat status {};
  if (descriptor.get() < 0 || ::fstat(descriptor.get(), &status) != 0) {
    fail(format("cannot open: {}", std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) fail("is not a regular file");
  if (status.st_size == 0) fail("the file is empty");
  const auto size = static_cast<size_t>(status.st_size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (address == MAP_FAILED) fail(format("cannot map: {}", std::strerror(errno)));
  ::madvise(address, size, MADV_SEQUENTIAL);  // larger read-ahead; a hint, so failure is harmless
  return Owner(new MappedFile({static_cast<const char*>(address), size}));
}

MappedFile::~MappedFile() { ::munmap(const_cast<char*>(bytes_.data()), bytes_.size()); }

c10::Storage MappedFile::storage(std::string_view part, size_t alignment) const {
  char* address = const_cast<char*>(part.data());
  if (!part.empty() && reinterpret_cast<uintptr_t>(address) % alignment != 0) {
    const at::Tensor copy = at::empty({static_cast<int64_t>(part.size())}, at::kByte);
    std::memcpy(copy.mutable_data_ptr(), part.data(), part.size());
    return copy.storage();
  }
  c10::DataPtr pointer(address, new Owner(shared_from_this()), &release_mapping, at::kCPU);
  return {c10::Storage::use_byte_size_t(), part.size(), std::move(pointer)};
}

at::Tensor tensor_over(const c10::Storage& storage, at::ScalarType dtype, int64_t offset,
                       at::IntArrayRef sizes, at::IntArrayRef strides) {
  at::Tensor tensor = at::empty({0}, at::TensorOptions(dtype).device(storage.device()));
  return tensor.set_(storage, offset, sizes, strides);
}

void drop_mapped_pages(const at::Tensor& tensor) {
  const c10::DataPtr& pointer = tensor.storage().data_ptr();
  if (pointer.get_deleter() != &release_mapping) return;  // MADV_DONTNEED would zero other memory
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(pointer.get());
  const uintptr_t first_page = begin / page * page;
  ::madvise(reinterpret_cast<void*>(first_page), begin + tensor.storage().nbytes() - first_page,
            MADV_DONTNEED);
}

}  // namespace mentor
