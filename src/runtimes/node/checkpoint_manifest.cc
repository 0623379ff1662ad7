#include "runtimes/node/checkpoint_manifest.h"

#include <algorithm>
#include <limits>

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"

namespace laconic {
namespace {

constexpr std::string_view kMagic = "laconic checkpoint\n";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kChecksumSize = sizeof(std::uint32_t);

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

bool is_part_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// A manifest tells its program's version to people.
bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

PartRecord read_part(ByteReader& reader, const std::vector<PartRecord>& before) {
  PartRecord part;
  part.name = reader.text(kMaxPartNameSize);
  if (!is_part_name(part.name)) reader.fail("the name of a part that is none");
  if (!before.empty() && part.name <= before.back().name) {
    reader.fail("the part '" + part.name + "' behind '" + before.back().name + "'");
  }
  part.size = reader.varint();
  if (part.size > kMaxPartSize) {
    reader.fail("the part '" + part.name + "' claims " + std::to_string(part.size) + " bytes");
  }
  part.crc32c = reader.u32();
  return part;
}

}  // namespace

bool is_part_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxPartNameSize && name.front() != '.' && name != kManifestFile &&
         std::all_of(name.begin(), name.end(), is_part_name_character);
}

void PartRecord::archive(Archive& archive) {
  PartRecord read = *this;
  std::uint64_t checksum = crc32c;
  archive.text("name", read.name, kMaxPartNameSize);
  archive.value("size", read.size);
  archive.value("crc32c", checksum);
  if (!archive.loading()) return;
  if (!is_part_name(read.name)) throw DecodeError("record of a part: its name is none of a part");
  if (read.size > kMaxPartSize || checksum > std::numeric_limits<std::uint32_t>::max()) {
    throw DecodeError("record of a part: '" + read.name + "' claims a size or a checksum that cannot be");
  }
  read.crc32c = static_cast<std::uint32_t>(checksum);
  *this = std::move(read);
}

std::vector<std::byte> CheckpointManifest::encode() const {
  LACONIC_CHECK(!program.empty() && program.size() <= kMaxProgramSize && is_printable(program), program);
  LACONIC_CHECK(!parts.empty() && parts.size() <= kMaxParts, parts.size() << " parts");
  ByteWriter writer;
  writer.raw(bytes_of(kMagic));
  writer.u32(kFormat);
  writer.text(program);
  writer.u64(job.size);
  writer.u64(job.fnv1a);
  writer.u32(job.crc32c);
  writer.u64(step.value);
  writer.varint(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const PartRecord& part = parts[i];
    LACONIC_CHECK(is_part_name(part.name) && part.size <= kMaxPartSize, "'" << part.name << "', " << part.size);
    LACONIC_CHECK(i == 0 || parts[i - 1].name < part.name, "'" << part.name << "' twice, or not in order");
    writer.text(part.name);
    writer.varint(part.size);
    writer.u32(part.crc32c);
  }
  writer.u32(laconic::crc32c(writer.bytes()));
  return writer.take();
}

CheckpointManifest CheckpointManifest::decode(std::span<const std::byte> bytes, std::string_view what) {
  ByteReader reader(bytes, what);
  if (!std::ranges::equal(reader.raw(kMagic.size()), bytes_of(kMagic))) reader.fail("no manifest of a checkpoint");
  if (reader.remaining() < kChecksumSize) reader.fail("ends early");
  const auto body = bytes.first(bytes.size() - kChecksumSize);
  ByteReader checksum(bytes.last(kChecksumSize), what);
  if (checksum.u32() != laconic::crc32c(body)) reader.fail("damaged: its checksum is wrong");

  // What follows was written so, by this program or another: only now a format is known to be that of its writer.
  ByteReader fields(body, what);
  fields.raw(kMagic.size());
  const std::uint32_t format = fields.u32();
  if (format != kFormat) {
    throw UsageError(std::string(what) + ": is of format " + std::to_string(format) +
                     ", and this program reads format " + std::to_string(kFormat) +
                     "; go on with the version that wrote it, or remove the folder");
  }
  CheckpointManifest manifest;
  manifest.program = fields.text(kMaxProgramSize);
  if (manifest.program.empty() || !is_printable(manifest.program)) fields.fail("no version of a program");
  manifest.job.size = fields.u64();
  manifest.job.fnv1a = fields.u64();
  manifest.job.crc32c = fields.u32();
  manifest.step.value = fields.u64();
  const std::uint64_t count = fields.varint();
  if (count == 0 || count > kMaxParts) fields.fail(std::to_string(count) + " parts");
  for (std::uint64_t i = 0; i < count; ++i) manifest.parts.push_back(read_part(fields, manifest.parts));
  fields.expect_end();
  return manifest;
}

const PartRecord* CheckpointManifest::find(std::string_view name) const {
  const auto at = std::lower_bound(parts.begin(), parts.end(), name,
                                   [](const PartRecord& part, std::string_view wanted) { return part.name < wanted; });
  return at != parts.end() && at->name == name ? &*at : nullptr;
}

}  // namespace laconic
