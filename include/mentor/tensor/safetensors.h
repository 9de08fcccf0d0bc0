#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/tensor/state_dict.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mentor {

/// The `__metadata__` object of a safetensors file.
using SafetensorsMetadata = std::map<std::string, std::string>;

/// Maps one safetensors file (u64 header length, JSON header, data). The tensors are views of the
/// mapping in file order; one whose data is not aligned to its element size is copied.
/// Throws WeightsError naming the file and the tensor for whatever is not sound.
[[nodiscard]] StateDict read_safetensors(const fs::path& file,
                                         SafetensorsMetadata* metadata = nullptr);

/// What a file will hold under one key.
struct TensorSpec {
  std::string key;
  at::ScalarType dtype;
  std::vector<int64_t> shape;
};

/// Writes a file tensor by tensor: `produce` is asked once for each spec, in file order (large
/// elements first, which keeps every tensor aligned), so the tensors need never exist together.
/// Published whole or not at all; a full disk or a read-only folder is a UserError.
void write_safetensors(const fs::path& file, const std::vector<TensorSpec>& specs,
                       const std::function<at::Tensor(const TensorSpec&)>& produce,
                       const SafetensorsMetadata& metadata = {});

/// The same for tensors at hand, of any device and layout.
void save_safetensors(const fs::path& file, const StateDict& tensors,
                      const SafetensorsMetadata& metadata = {});

}  // namespace mentor
