#pragma once

#include "mentor/core/filesystem.h"

#include <ATen/core/Tensor.h>
#include <c10/core/Storage.h>

#include <memory>
#include <string_view>

namespace mentor {

/// A whole file mapped read-only. Tensors over it share ownership of the mapping, so a state dict
/// outlives the reader and its bytes are loaded only when touched. Writing to them is a fault.
class MappedFile : public std::enable_shared_from_this<MappedFile> {
 public:
  /// WeightsError naming the file when it is absent, empty or not a regular file.
  static std::shared_ptr<const MappedFile> open(const fs::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::string_view bytes() const { return bytes_; }

  /// `part` (of bytes()) as tensor storage: a view, or an aligned copy when its address is not a
  /// multiple of `alignment`.
  [[nodiscard]] c10::Storage storage(std::string_view part, size_t alignment) const;

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}

  std::string_view bytes_;
};

/// A tensor over a part of `storage`; offset and strides in elements, in bounds by contract.
[[nodiscard]] at::Tensor tensor_over(const c10::Storage& storage, at::ScalarType dtype,
                                     int64_t offset, at::IntArrayRef sizes,
                                     at::IntArrayRef strides);

/// Gives the memory behind a mapped tensor back to the system (it would be read again on the next
/// touch), so that loading a large file needs only one tensor at a time. Other tensors: no effect.
void drop_mapped_pages(const at::Tensor& tensor);

}  // namespace mentor
