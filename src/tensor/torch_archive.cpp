#include "mentor/tensor/torch_archive.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/tensor/shape.h"
#include "mentor/tensor/zip_archive.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>

namespace mentor {
namespace {

using Kind = PickleValue::Kind;

// A legacy file begins with a pickle of the integer 0x1950a86a20f9469cfc6c.
constexpr std::string_view kLegacyMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
constexpr size_t kMagicWithin = 32;  // room for protocol and frame opcodes before it

/// A tensor may repeat elements (stride 0). Beyond this many it is taken for an attack on memory:
/// a file of a few bytes could ask for any amount.
constexpr int64_t kLargestExpansion = int64_t{1} << 24;

struct StorageType {
  std::string_view name;  // as the pickle names it; torch 0.x has "torch.cuda FloatStorage" as well
  at::ScalarType dtype;
};
constexpr StorageType kStorageTypes[] = {
    {"DoubleStorage", at::kDouble},     {"FloatStorage", at::kFloat}, {"HalfStorage", at::kHalf},
    {"BFloat16Storage", at::kBFloat16}, {"LongStorage", at::kLong},   {"IntStorage", at::kInt},
    {"ShortStorage", at::kShort},       {"CharStorage", at::kChar},   {"ByteStorage", at::kByte},
    {"BoolStorage", at::kBool},
};

/// The persistent id of a storage: ('storage', type, key, location, number of elements, ...).
struct StorageId {
  at::ScalarType dtype;
  std::string_view key;
  int64_t count;
};

/// `where` begins the messages.
StorageId parse_storage_id(const PickleValue& value, const std::string& where) {
  const auto fail = [&](const std::string& why) {
    throw WeightsError(format("{}: {}", where, why));
  };
  const bool has_id = value.kind == Kind::kStorage && value.items[0]->kind == Kind::kTuple &&
                      value.items[0]->items.size() >= 5;
  if (!has_id) fail("is not made of a storage");
  const auto& id = value.items[0]->items;
  if (id[0]->text != "storage" || id[1]->kind != Kind::kGlobal || id[2]->kind != Kind::kString ||
      id[4]->kind != Kind::kInt || id[4]->integer < 0) {
    fail("has a malformed storage");
  }
  if (id.size() > 5 && id[5]->kind != Kind::kNone) fail("is a view in the manner of torch 0.3");
  std::string_view type = id[1]->text;
  for (const std::string_view module : {"torch ", "torch.cuda "}) {
    if (type.starts_with(module)) type.remove_prefix(module.size());
  }
  const auto* known = std::ranges::find(kStorageTypes, type, &StorageType::name);
  if (known == std::end(kStorageTypes)) {
    fail(format("storage type '{}' is not supported", id[1]->text));
  }
  return {known->dtype, id[2]->text, id[4]->integer};
}

/// The elements of a tuple of integers.
std::vector<int64_t> integers(const PickleValue& tuple, const std::string& where) {
  std::vector<int64_t> values;
  for (const PickleValue* item : tuple.items) {
    if (item->kind != Kind::kInt) {
      throw WeightsError(format("{}: a size or stride is not an integer", where));
    }
    values.push_back(item->integer);
  }
  return values;
}

// Bounds what a short file can unfold to: one key may be used often, containers may be shared.
constexpr size_t kLongestKey = 1024;

std::string key_text(const PickleValue& key) {
  return key.kind == Kind::kInt ? std::to_string(key.integer) : std::string(key.text);
}

/// Elements of storage that a tensor reaches over, counted from the start; nothing on overflow.
std::optional<int64_t> reach(int64_t offset, at::IntArrayRef sizes, at::IntArrayRef strides) {
  int64_t last = offset;
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t step = 0;
    if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &step) ||
        __builtin_add_overflow(last, step, &last)) {
      return std::nullopt;
    }
  }
  return last == INT64_MAX ? std::nullopt : std::optional(last + 1);
}

/// Refuses whatever would read outside a storage of `count` elements or ask for absurd memory.
void check_geometry(int64_t count, int64_t offset, at::IntArrayRef sizes, at::IntArrayRef strides,
                    const std::string& where) {
  const auto fail = [&](const std::string& why) {
    throw WeightsError(format("{}: {}", where, why));
  };
  const auto is_negative = [](int64_t value) { return value < 0; };
  if (sizes.size() != strides.size()) {
    fail(format("{} sizes, {} strides", sizes.size(), strides.size()));
  }
  if (std::ranges::any_of(sizes, is_negative)) fail("negative size");
  if (std::ranges::any_of(strides, is_negative)) fail("negative stride");
  if (offset < 0) fail("negative offset");
  const std::optional<int64_t> numel = checked_numel(sizes);
  if (!numel) fail("the size overflows");
  const std::optional<int64_t> needed = *numel == 0 ? offset : reach(offset, sizes, strides);
  if (!needed) fail("reaches beyond its storage (its extent overflows)");
  if (*needed > count) {
    fail(format("needs {} elements, storage has {}: reaches beyond its storage", *needed, count));
  }
  if (*numel > std::max(count, kLargestExpansion)) {
    fail(format("expands {} elements of storage to {}", count, *numel));
  }
}

/// The opcodes that save_torch_archive() needs, and no memo: globals are repeated.
class PickleWriter {
 public:
  void raw(std::string_view opcodes) { bytes_ += opcodes; }
  void text(std::string_view value) {
    bytes_ += 'X';
    append(static_cast<uint32_t>(value.size()));
    bytes_ += value;
  }
  void integer(int64_t value) {
    bytes_ += "\x8a\x08";
    append(value);
  }
  void integers(at::IntArrayRef values) {
    bytes_ += '(';
    for (const int64_t value : values) integer(value);
    bytes_ += 't';
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  template <class T>
  void append(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  std::string bytes_;
};

/// All elements of the storage behind `tensor`, on the CPU.
at::Tensor whole_storage(const at::Tensor& tensor) {
  const auto count = static_cast<int64_t>(tensor.storage().nbytes() / tensor.element_size());
  return tensor_over(tensor.storage(), tensor.scalar_type(), 0, {count}, {1}).to(at::kCPU);
}

}  // namespace

bool TorchArchive::is_zip(std::string_view bytes) {
  // An entry, or the end of an archive without any. "PK" alone may be a length in safetensors.
  return bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06");
}

bool TorchArchive::is_legacy(std::string_view bytes) {
  return bytes.starts_with('\x80') &&
         bytes.substr(0, kMagicWithin).find(kLegacyMagic) != bytes.npos;
}

TorchArchive::TorchArchive(const fs::path& file, bool verify_checksums)
    : file_(file.string()), mapping_(MappedFile::open(file)) {
  if (is_zip(mapping_->bytes())) {
    open_zip(verify_checksums);
  } else if (is_legacy(mapping_->bytes())) {
    open_legacy();
  } else {
    fail("format not recognised (expected a file of torch.save)");
  }
}

void TorchArchive::fail(const std::string& why) const {
  throw WeightsError(format("{}: {}", file_, why));
}

void TorchArchive::open_zip(bool verify_checksums) {
  const std::vector<ZipEntry> entries = read_zip(mapping_->bytes(), file_);
  const auto pickle = std::ranges::find_if(entries, [](const ZipEntry& e) {
    return e.name == "data.pkl" || e.name.ends_with("/data.pkl");
  });
  if (pickle == entries.end()) fail("no data.pkl in the archive (a TorchScript or other zip?)");
  std::string_view folder = pickle->name;
  folder.remove_suffix(std::string_view("data.pkl").size());
  for (const ZipEntry& entry : entries) {
    if (!entry.name.starts_with(folder)) continue;
    const std::string_view name = entry.name.substr(folder.size());
    if (verify_checksums && crc32(entry.bytes) != entry.crc) {
      fail(format("the checksum of {} does not match: the file is damaged", name));
    }
    if (name == "byteorder" && entry.bytes != "little") {
      fail(
          format("was written on a big-endian machine ({}); load and save it again on a "
                 "little-endian one",
                 entry.bytes));
    }
    constexpr std::string_view kStorages = "data/";
    if (name.starts_with(kStorages)) records_[name.substr(kStorages.size())] = entry.bytes;
  }
  pickle_ = std::make_unique<Pickle>(pickle->bytes, file_);
  root_ = &pickle_->root();
}

/// Pickles in a row: magic number, protocol version, system, the object, the keys of the storages;
/// then for each key a count of elements and their bytes.
void TorchArchive::open_legacy() {
  std::string_view rest = mapping_->bytes();
  const auto next = [&] {
    auto pickle = std::make_unique<Pickle>(rest, file_);
    rest.remove_prefix(pickle->consumed());
    return pickle;
  };
  next();
  next();
  const auto system = next();
  const PickleValue* little_endian = system->root().find("little_endian");
  if (little_endian != nullptr && little_endian->integer == 0) {
    fail("was written on a big-endian machine; load and save it again on a little-endian one");
  }
  pickle_ = next();
  root_ = &pickle_->root();

  std::unordered_map<std::string_view, at::ScalarType> dtypes;
  for (const PickleValue* value : pickle_->storages()) {
    const StorageId id = parse_storage_id(*value, format("{}: a tensor", file_));
    dtypes.emplace(id.key, id.dtype);
  }
  const auto keys = next();
  for (const PickleValue* key : keys->root().items) {
    const auto dtype = dtypes.find(key->text);
    if (dtype == dtypes.end()) fail(format("no tensor uses the listed storage {}", key->text));
    uint64_t count = 0;
    const uint64_t element = c10::elementSize(dtype->second);
    if (rest.size() < sizeof(count)) fail("the file ends before the data of a tensor");
    std::memcpy(&count, rest.data(), sizeof(count));
    rest.remove_prefix(sizeof(count));
    if (count > rest.size() / element) fail("the file ends before the data of a tensor");
    records_[dtype->first] = rest.substr(0, count * element);
    rest.remove_prefix(count * element);
  }
}

const TorchArchive::SharedStorage& TorchArchive::storage(const PickleValue& value,
                                                         const std::string& where) {
  const StorageId id = parse_storage_id(value, where);
  const auto known = storages_.find(id.key);
  if (known != storages_.end()) {
    if (known->second.dtype != id.dtype || known->second.count != id.count) {
      fail(format("storage {} has two types or two sizes", id.key));
    }
    return known->second;
  }
  const auto record = records_.find(id.key);
  if (record == records_.end()) fail(format("storage {} is not in the archive", id.key));
  const size_t element = c10::elementSize(id.dtype);
  const auto count = static_cast<uint64_t>(id.count);
  if (count > record->second.size() / element) {
    fail(format("storage {}: {} elements declared, {} bytes in the file", id.key, count,
                record->second.size()));
  }
  c10::Storage mapped = mapping_->storage(record->second.substr(0, count * element), element);
  return storages_.try_emplace(id.key, SharedStorage{id.dtype, id.count, std::move(mapped)})
      .first->second;
}

at::Tensor TorchArchive::tensor(const PickleValue& value, std::string_view name) {
  const std::string where = format("{}: tensor '{}'", file_, name);
  if (value.kind != Kind::kTensor || value.items[1]->kind != Kind::kInt) {
    throw WeightsError(format("{}: is no tensor", where));
  }
  const SharedStorage& shared = storage(*value.items[0], where);
  const int64_t offset = value.items[1]->integer;
  const std::vector<int64_t> sizes = integers(*value.items[2], where);
  const std::vector<int64_t> strides = integers(*value.items[3], where);
  check_geometry(shared.count, offset, sizes, strides, where);
  return tensor_over(shared.storage, shared.dtype, offset, sizes, strides);
}

StateDict TorchArchive::state_dict(const PickleValue& dict, std::vector<std::string>* skipped) {
  StateDict tensors;
  if (!dict.is_mapping()) return tensors;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const std::string key = key_text(*dict.items[i]);
    if (key.size() > kLongestKey) fail("a key that is too long");
    const PickleValue& value = *dict.items[i + 1];
    if (dict.items[i]->kind == Kind::kString && value.kind == Kind::kTensor) {
      tensors.set(key, tensor(value, key));
    } else if (skipped != nullptr) {
      skipped->push_back(key);
    }
  }
  return tensors;
}

StateDict TorchArchive::all_tensors() {
  struct Visit {
    const PickleValue* value;
    std::string path;
  };
  StateDict tensors;
  std::vector<Visit> pending = {{root_, ""}};
  std::unordered_set<const PickleValue*> seen;
  while (!pending.empty()) {
    const auto [value, path] = std::move(pending.back());
    pending.pop_back();
    if (value->kind == Kind::kTensor) {
      tensors.set(path, tensor(*value, path));
      continue;
    }
    const bool is_dict = value->kind == Kind::kDict;
    const bool is_list = value->kind == Kind::kList || value->kind == Kind::kTuple;
    if ((!is_dict && !is_list) || !seen.insert(value).second) continue;
    const auto& items = value->items;
    const size_t step = is_dict ? 2 : 1;
    for (size_t i = items.size() / step; i-- > 0;) {  // the first item ends on top
      const std::string key = is_dict ? key_text(*items[2 * i]) : std::to_string(i);
      if (path.size() + key.size() > kLongestKey) fail("nested too deeply for a checkpoint");
      pending.push_back({items[step * i + step - 1], path.empty() ? key : path + "/" + key});
    }
  }
  return tensors;
}

void save_torch_archive(const fs::path& file, const StateDict& tensors) {
  std::vector<at::Tensor> storages;  // one tensor of each storage, in the order of their keys
  std::map<std::pair<const void*, at::ScalarType>, size_t> keys;
  PickleWriter pickle;
  pickle.raw("\x80\x02}(");
  for (const auto& [name, tensor] : tensors) {
    const auto* type = std::ranges::find(kStorageTypes, tensor.scalar_type(), &StorageType::dtype);
    if (type == std::end(kStorageTypes)) {
      throw WeightsError(format("{}: tensor '{}': dtype {} cannot be stored", file, name,
                                c10::toString(tensor.scalar_type())));
    }
    const auto [key, is_new] = keys.try_emplace(
        {tensor.storage().unsafeGetStorageImpl(), tensor.scalar_type()}, storages.size());
    if (is_new) storages.push_back(tensor.detach());
    pickle.text(name);
    pickle.raw("ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle.text("storage");
    pickle.raw(format("ctorch\n{}\n", type->name));
    pickle.text(std::to_string(key->second));
    pickle.text("cpu");
    pickle.integer(static_cast<int64_t>(tensor.storage().nbytes() / tensor.element_size()));
    pickle.raw("tQ");
    pickle.integer(tensor.storage_offset());
    pickle.integers(tensor.sizes());
    pickle.integers(tensor.strides());
    pickle.raw(
        "\x89"  // requires_grad: False; no backward hooks
        "ccollections\nOrderedDict\n)RtR");
  }
  pickle.raw("u.");
  publish_file(file, [&](const fs::path& path) {
    FileWriter writer(path, file);
    ZipWriter zip(writer);
    zip.add("archive/data.pkl", pickle.bytes());
    zip.add("archive/byteorder", "little");
    for (size_t i = 0; i < storages.size(); ++i) {
      const at::Tensor content = whole_storage(storages[i]);
      zip.add(format("archive/data/{}", i),
              {static_cast<const char*>(content.const_data_ptr()), content.nbytes()});
    }
    zip.add("archive/version", "3\n");
    zip.finish();
    writer.close();
  });
}

}  // namespace mentor
