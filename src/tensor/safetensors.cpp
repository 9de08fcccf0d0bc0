#include "mentor/tensor/safetensors.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/tensor/mapped_file.h"
#include "mentor/tensor/shape.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

namespace mentor {
namespace {

using Json = nlohmann::json;

constexpr size_t kLengthBytes = sizeof(uint64_t);
constexpr std::string_view kMetadataKey = "__metadata__";

struct DtypeName {
  std::string_view name;
  at::ScalarType dtype;
};
constexpr DtypeName kDtypes[] = {
    {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf},  {"BF16", at::kBFloat16},
    {"I64", at::kLong},   {"I32", at::kInt},   {"I16", at::kShort}, {"I8", at::kChar},
    {"U8", at::kByte},    {"BOOL", at::kBool},
};

struct HeaderEntry {
  std::string key;
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t begin;  // bytes from the start of the data section
  uint64_t end;
};

/// Reads and checks the header of one file; `file` is for messages.
class HeaderReader {
 public:
  HeaderReader(const fs::path& file, std::string_view bytes) : file_(file), bytes_(bytes) {}

  /// Entries by position in the file, none beyond its end, none overlapping.
  std::vector<HeaderEntry> read(SafetensorsMetadata* metadata);
  [[nodiscard]] std::string_view data() const { return data_; }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw WeightsError(format("{}: {}", file_, why));
  }
  [[noreturn]] void fail(const std::string& key, const std::string& why) const {
    fail(format("tensor '{}': {}", key, why));
  }
  [[nodiscard]] Json parse_json();
  [[nodiscard]] HeaderEntry parse_entry(const std::string& key, const Json& entry) const;
  [[nodiscard]] uint64_t natural(const std::string& key, const Json& value) const;
  void read_metadata(const Json& value, SafetensorsMetadata& metadata) const;

  const fs::path& file_;
  std::string_view bytes_;
  std::string_view data_;
};

Json HeaderReader::parse_json() {
  if (bytes_.size() < kLengthBytes) fail("too short for a safetensors file");
  uint64_t length = 0;
  std::memcpy(&length, bytes_.data(), kLengthBytes);
  if (length > bytes_.size() - kLengthBytes) {
    fail(
        format("header length {} exceeds the file ({} bytes): the file is cut off or no "
               "safetensors file",
               length, bytes_.size()));
  }
  const std::string_view text = bytes_.substr(kLengthBytes, length);
  data_ = bytes_.substr(kLengthBytes + length);
  std::set<std::string> keys;
  const auto refuse_duplicates = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth == 1 && event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys.insert(key).second) fail(key, "occurs twice in the header");
    }
    return true;
  };
  try {
    Json header = Json::parse(text, refuse_duplicates);
    if (header.is_object()) return header;
  } catch (const Json::exception& error) {
    fail(format("the header is not JSON: {}", error.what()));
  }
  fail("the header is not a JSON object");
}

uint64_t HeaderReader::natural(const std::string& key, const Json& value) const {
  if (!value.is_number_unsigned()) fail(key, "shape and data_offsets must be natural numbers");
  return value.get<uint64_t>();
}

HeaderEntry HeaderReader::parse_entry(const std::string& key, const Json& entry) const {
  const auto member = [&](const char* name, bool (Json::*is_type)() const noexcept) -> const Json& {
    const auto found = entry.is_object() ? entry.find(name) : entry.end();
    if (found == entry.end() || !((*found).*is_type)()) fail(key, format("no valid '{}'", name));
    return *found;
  };
  const auto& dtype = member("dtype", &Json::is_string).get_ref<const std::string&>();
  const auto* known = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                   [&](const DtypeName& d) { return d.name == dtype; });
  if (known == std::end(kDtypes)) fail(key, format("dtype '{}' is not supported", dtype));

  HeaderEntry result{.key = key, .dtype = known->dtype};
  for (const Json& size : member("shape", &Json::is_array)) {
    result.shape.push_back(static_cast<int64_t>(
        std::min<uint64_t>(natural(key, size), std::numeric_limits<int64_t>::max())));
  }
  const std::optional<int64_t> count = checked_numel(result.shape);
  if (!count) fail(key, "the size of its shape overflows");

  const Json& offsets = member("data_offsets", &Json::is_array);
  if (offsets.size() != 2) fail(key, "data_offsets must be [begin, end]");
  result.begin = natural(key, offsets[0]);
  result.end = natural(key, offsets[1]);
  if (result.begin > result.end) {
    fail(key, format("data_offsets are reversed ({} > {})", result.begin, result.end));
  }
  if (result.end > data_.size()) {
    fail(key, format("its data ends at {}, beyond the end of the file (data section of {} bytes)",
                     result.end, data_.size()));
  }
  const uint64_t given = result.end - result.begin;
  const uint64_t element = c10::elementSize(result.dtype);
  if (given % element != 0 || given / element != static_cast<uint64_t>(*count)) {
    fail(key, format("its shape needs {} bytes, {} given", static_cast<uint64_t>(*count) * element,
                     given));
  }
  return result;
}

void HeaderReader::read_metadata(const Json& value, SafetensorsMetadata& metadata) const {
  if (!value.is_object()) fail("__metadata__ is not an object");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) fail(format("__metadata__ '{}' is not a string", key));
    metadata[key] = text.get<std::string>();
  }
}

std::vector<HeaderEntry> HeaderReader::read(SafetensorsMetadata* metadata) {
  const Json header = parse_json();
  std::vector<HeaderEntry> entries;
  for (const auto& [key, value] : header.items()) {
    if (key != kMetadataKey) {
      entries.push_back(parse_entry(key, value));
    } else if (metadata != nullptr) {
      read_metadata(value, *metadata);
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  for (size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].begin < entries[i - 1].end) {
      fail(format("tensors '{}' and '{}' overlap", entries[i - 1].key, entries[i].key));
    }
  }
  return entries;
}

std::string_view name_of(const fs::path& file, const TensorSpec& spec) {
  const auto* known = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                   [&](const DtypeName& d) { return d.dtype == spec.dtype; });
  if (known == std::end(kDtypes)) {
    throw WeightsError(format("{}: tensor '{}': dtype {} cannot be stored as safetensors", file,
                              spec.key, c10::toString(spec.dtype)));
  }
  return known->name;
}

/// The key of a tensor that was pickled may be any bytes; JSON is UTF-8.
void require_utf8(const fs::path& file, const std::string& key) {
  try {
    (void)Json(key).dump();
  } catch (const Json::type_error&) {
    throw WeightsError(
        format("{}: tensor {}: its key is not UTF-8, as safetensors needs it: rename it where the "
               "file comes from",
               file, Json(key).dump(-1, ' ', false, Json::error_handler_t::replace)));
  }
}

/// The length field and the JSON header, padded with blanks to a multiple of 8 bytes.
std::string make_header(const fs::path& file, const std::vector<const TensorSpec*>& order,
                        const SafetensorsMetadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  uint64_t position = 0;
  for (const TensorSpec* spec : order) {
    require_utf8(file, spec->key);
    const std::optional<int64_t> count = checked_numel(spec->shape);
    TORCH_CHECK(count && !header.contains(spec->key), "invalid or repeated spec ", spec->key);
    const uint64_t end = position + static_cast<uint64_t>(*count) * c10::elementSize(spec->dtype);
    header[spec->key] = {
        {"dtype", name_of(file, *spec)}, {"shape", spec->shape}, {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), kLengthBytes) + text;
}

}  // namespace

StateDict read_safetensors(const fs::path& file, SafetensorsMetadata* metadata) {
  const auto mapping = MappedFile::open(file);
  HeaderReader reader(file, mapping->bytes());
  StateDict tensors;
  for (const HeaderEntry& entry : reader.read(metadata)) {
    const std::string_view bytes = reader.data().substr(entry.begin, entry.end - entry.begin);
    tensors.set(entry.key,
                tensor_over(mapping->storage(bytes, c10::elementSize(entry.dtype)), entry.dtype, 0,
                            entry.shape, contiguous_strides(entry.shape)));
  }
  return tensors;
}

void write_safetensors(const fs::path& file, const std::vector<TensorSpec>& specs,
                       const std::function<at::Tensor(const TensorSpec&)>& produce,
                       const SafetensorsMetadata& metadata) {
  std::vector<const TensorSpec*> order;
  for (const TensorSpec& spec : specs) order.push_back(&spec);
  std::stable_sort(order.begin(), order.end(), [](const TensorSpec* a, const TensorSpec* b) {
    return c10::elementSize(a->dtype) > c10::elementSize(b->dtype);
  });
  const std::string header = make_header(file, order, metadata);
  publish_file(file, [&](const fs::path& path) {
    FileWriter writer(path, file);
    writer.write(header);
    for (const TensorSpec* spec : order) {
      const at::Tensor tensor = produce(*spec).detach().to(at::kCPU).contiguous();
      TORCH_CHECK(tensor.scalar_type() == spec->dtype && tensor.sizes() == spec->shape, spec->key,
                  ": announced as ", spec->dtype, at::IntArrayRef(spec->shape), ", produced as ",
                  tensor.scalar_type(), tensor.sizes());
      writer.write({static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()});
    }
    writer.close();
  });
}

void save_safetensors(const fs::path& file, const StateDict& tensors,
                      const SafetensorsMetadata& metadata) {
  std::vector<TensorSpec> specs;
  for (const auto& [key, tensor] : tensors) {
    specs.push_back({key, tensor.scalar_type(), tensor.sizes().vec()});
  }
  write_safetensors(
      file, specs, [&](const TensorSpec& spec) { return tensors.at(spec.key); }, metadata);
}

}  // namespace mentor
