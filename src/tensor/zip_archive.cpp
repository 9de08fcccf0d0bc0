#include "mentor/tensor/zip_archive.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

namespace mentor {
namespace {

static_assert(std::endian::native == std::endian::little, "zip fields are copied as they are");

// Signatures and sizes without the variable parts: APPNOTE.TXT of PKWARE, section 4.3.
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kDirectorySignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50;
constexpr uint32_t kLocator64Signature = 0x07064b50;
constexpr size_t kLocalSize = 30;
constexpr size_t kDirectorySize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kEnd64Size = 56;
constexpr size_t kLocator64Size = 20;
constexpr uint16_t kZip64Extra = 0x0001;
constexpr uint16_t kPaddingExtra = 0x4246;  // "FB", as torch names it
constexpr size_t kExtraHeaderSize = 4;
constexpr size_t kAlignment = 64;
constexpr uint16_t kVersion = 45;     // the first with zip64
constexpr uint16_t kDate1980 = 0x21;  // 1980-01-01: the same tensors give the same bytes
constexpr uint16_t kEncryptedFlag = 0x1;

/// Bounds-checked little-endian fields of a part of the archive.
class Fields {
 public:
  Fields(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  template <class T>
  [[nodiscard]] T at(uint64_t position) const {
    T value;
    std::memcpy(&value, part(position, sizeof(T)).data(), sizeof(T));
    return value;
  }
  /// Also called for the check alone.
  std::string_view part(uint64_t position, uint64_t size) const {
    if (position > bytes_.size() || size > bytes_.size() - position) {
      fail("an entry of the zip archive lies beyond the end of the file");
    }
    return bytes_.substr(position, size);
  }
  [[nodiscard]] size_t size() const { return bytes_.size(); }
  [[noreturn]] void fail(const std::string& why) const {
    throw WeightsError(format("{}: {}", where_, why));
  }

 private:
  std::string_view bytes_;
  const std::string& where_;
};

struct Directory {
  uint64_t offset;
  uint64_t size;
};

Directory find_directory(const Fields& file) {
  constexpr size_t kLongestComment = UINT16_MAX;
  const size_t first = file.size() - std::min(file.size(), kEndSize + kLongestComment);
  for (size_t i = file.size() < kEndSize ? first : file.size() - kEndSize + 1; i-- > first;) {
    if (file.at<uint32_t>(i) != kEndSignature) continue;
    const bool has64 =
        i >= kLocator64Size && file.at<uint32_t>(i - kLocator64Size) == kLocator64Signature;
    if (!has64) return {file.at<uint32_t>(i + 16), file.at<uint32_t>(i + 12)};
    const auto end64 = file.at<uint64_t>(i - kLocator64Size + 8);
    if (file.at<uint32_t>(end64) != kEnd64Signature) file.fail("damaged zip64 directory");
    file.part(end64, kEnd64Size);
    return {file.at<uint64_t>(end64 + 48), file.at<uint64_t>(end64 + 40)};
  }
  file.fail("not a complete zip archive (no central directory): the file is cut off or damaged");
}

/// Replaces the fields that are all ones by those of the zip64 extra field, in its fixed order.
void widen(const Fields& extra, std::initializer_list<uint64_t*> fields) {
  const auto needs_widening = [](const uint64_t* field) { return *field == UINT32_MAX; };
  if (std::ranges::none_of(fields, needs_widening)) return;
  for (uint64_t i = 0; i + kExtraHeaderSize <= extra.size();) {
    const auto size = extra.at<uint16_t>(i + 2);
    if (extra.at<uint16_t>(i) == kZip64Extra) {
      const Fields values = extra;
      uint64_t position = i + kExtraHeaderSize;
      for (uint64_t* field : fields) {
        if (!needs_widening(field)) continue;
        *field = values.at<uint64_t>(position);
        position += sizeof(uint64_t);
      }
      return;
    }
    i += kExtraHeaderSize + size;
  }
}

/// The entry whose directory record begins at `record`.
ZipEntry read_entry(const Fields& file, uint64_t record, const std::string& where) {
  const auto name_size = file.at<uint16_t>(record + 28);
  const auto extra_size = file.at<uint16_t>(record + 30);
  const std::string_view name = file.part(record + kDirectorySize, name_size);
  uint64_t packed_size = file.at<uint32_t>(record + 20);
  uint64_t size = file.at<uint32_t>(record + 24);
  uint64_t offset = file.at<uint32_t>(record + 42);
  widen({file.part(record + kDirectorySize + name_size, extra_size), where},
        {&size, &packed_size, &offset});

  if ((file.at<uint16_t>(record + 8) & kEncryptedFlag) != 0) {
    file.fail(format("'{}' is encrypted", name));
  }
  if (file.at<uint16_t>(record + 10) != 0 || packed_size != size) {
    file.fail(
        format("'{}' is compressed, which torch.save never does: unpack the archive and zip "
               "it again without compression (zip -0)",
               name));
  }
  file.part(offset, kLocalSize);
  if (file.at<uint32_t>(offset) != kLocalSignature) {
    file.fail(format("damaged zip archive: '{}' is not where the directory says", name));
  }
  const uint64_t begin =
      offset + kLocalSize + file.at<uint16_t>(offset + 26) + file.at<uint16_t>(offset + 28);
  return {name, file.part(begin, size), file.at<uint32_t>(record + 16)};
}

/// tables[k][b]: CRC of byte b followed by k zero bytes, so that 8 bytes are taken at a time.
constexpr auto make_crc_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
    tables[0][b] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (uint32_t b = 0; b < 256; ++b) {
      tables[k][b] = (tables[k - 1][b] >> 8) ^ tables[0][tables[k - 1][b] & 0xff];
    }
  }
  return tables;
}

template <class... Integers>
std::string pack(Integers... values) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&values), sizeof(values)), ...);
  return bytes;
}

uint16_t narrow16(size_t value) { return static_cast<uint16_t>(value); }

}  // namespace

std::vector<ZipEntry> read_zip(std::string_view archive, const std::string& where) {
  const Fields file(archive, where);
  const Directory directory = find_directory(file);
  file.part(directory.offset, directory.size);
  std::vector<ZipEntry> entries;
  for (uint64_t record = directory.offset; record < directory.offset + directory.size;) {
    file.part(record, kDirectorySize);
    if (file.at<uint32_t>(record) != kDirectorySignature) file.fail("damaged zip directory");
    entries.push_back(read_entry(file, record, where));
    record += kDirectorySize + file.at<uint16_t>(record + 28) + file.at<uint16_t>(record + 30) +
              file.at<uint16_t>(record + 32);
  }
  return entries;
}

uint32_t crc32(std::string_view bytes) {
  static constexpr auto kTables = make_crc_tables();
  uint32_t crc = ~0U;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    uint64_t block;
    std::memcpy(&block, bytes.data(), sizeof(block));
    block ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][(block >> (8 * k)) & 0xff];
  }
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  }
  return ~crc;
}

void ZipWriter::add(const std::string& name, std::string_view bytes) {
  const uint64_t offset = writer_.position();
  const uint64_t size = bytes.size();
  const uint32_t crc = crc32(bytes);
  const uint16_t none = 0;

  std::string extra = wide(size) ? pack(kZip64Extra, uint16_t{16}, size, size) : std::string();
  const uint64_t begin = offset + kLocalSize + name.size() + extra.size() + kExtraHeaderSize;
  const size_t padding = (kAlignment - begin % kAlignment) % kAlignment;
  extra += pack(kPaddingExtra, narrow16(padding)) + std::string(padding, '\0');
  // Common to both headers: flags, method, time, date, CRC, sizes, length of the name.
  const std::string common =
      pack(none, none, none, kDate1980, crc, narrow(size), narrow(size), narrow16(name.size()));
  writer_.write(pack(kLocalSignature, kVersion) + common + pack(narrow16(extra.size())) + name +
                extra);
  writer_.write(bytes);

  std::string wide_fields = wide(size) ? pack(size, size) : std::string();
  if (wide(offset)) wide_fields += pack(offset);
  if (!wide_fields.empty()) {
    wide_fields = pack(kZip64Extra, narrow16(wide_fields.size())) + wide_fields;
  }
  directory_ += pack(kDirectorySignature, kVersion, kVersion) + common +
                pack(narrow16(wide_fields.size()), none, none, none, uint32_t{0}, narrow(offset)) +
                name + wide_fields;
  ++num_entries_;
}

void ZipWriter::finish() {
  const uint64_t offset = writer_.position();
  const uint64_t size = directory_.size();
  writer_.write(directory_);
  const bool many = num_entries_ >= UINT16_MAX;
  if (many || wide(offset) || wide(size)) {
    const uint64_t end64 = writer_.position();
    writer_.write(pack(kEnd64Signature, uint64_t{kEnd64Size - 12}, kVersion, kVersion, uint32_t{0},
                       uint32_t{0}, num_entries_, num_entries_, size, offset));
    writer_.write(pack(kLocator64Signature, uint32_t{0}, end64, uint32_t{1}));
  }
  const uint16_t count = many ? UINT16_MAX : static_cast<uint16_t>(num_entries_);
  const uint16_t none = 0;
  writer_.write(pack(kEndSignature, none, none, count, count, narrow(size), narrow(offset), none));
}

}  // namespace mentor
