#pragma once

#include "mentor/core/filesystem.h"
#include "mentor/tensor/mapped_file.h"
#include "mentor/tensor/pickle.h"
#include "mentor/tensor/state_dict.h"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mentor {

/// A file of torch.save: zip (since torch 1.6) or legacy, recognised by content. Tensors view the
/// mapping and share storage as they did when saved; a storage that is not aligned to its element
/// size is copied once (all but the first of a legacy file usually are). Nothing in it is executed.
class TorchArchive {
 public:
  /// `verify_checksums` compares the CRC-32 of every entry (zip only), which reads the whole file.
  /// Throws WeightsError that begins with the file's name.
  explicit TorchArchive(const fs::path& file, bool verify_checksums = false);

  [[nodiscard]] static bool is_zip(std::string_view bytes);
  [[nodiscard]] static bool is_legacy(std::string_view bytes);

  /// What was saved; tensors are values of kind kTensor in it.
  [[nodiscard]] const PickleValue& root() const { return *root_; }

  /// `name` is for messages.
  [[nodiscard]] at::Tensor tensor(const PickleValue& value, std::string_view name);
  /// Tensors under string keys of a dict, in its order; keys of other values go to `skipped`.
  [[nodiscard]] StateDict state_dict(const PickleValue& dict,
                                     std::vector<std::string>* skipped = nullptr);
  /// Every tensor in dicts, lists and tuples under its path, such as "optimizer/state/0/exp_avg".
  [[nodiscard]] StateDict all_tensors();

 private:
  struct SharedStorage {
    at::ScalarType dtype;
    int64_t count;  // elements
    c10::Storage storage;
  };

  void open_zip(bool verify_checksums);
  void open_legacy();
  [[noreturn]] void fail(const std::string& why) const;
  const SharedStorage& storage(const PickleValue& value, const std::string& where);

  std::string file_;
  std::shared_ptr<const MappedFile> mapping_;
  std::unique_ptr<Pickle> pickle_;
  const PickleValue* root_ = nullptr;
  std::unordered_map<std::string_view, std::string_view> records_;  // storage key -> its bytes
  std::unordered_map<std::string_view, SharedStorage> storages_;    // those already asked for
};

/// Writes a zip archive that torch.load(weights_only=True) reads: a dict of the tensors, each
/// storage once however many tensors share it. Published whole or not at all.
void save_torch_archive(const fs::path& file, const StateDict& tensors);

}  // namespace mentor
