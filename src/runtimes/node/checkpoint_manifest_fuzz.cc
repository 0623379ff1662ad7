// A manifest that decodes has one encoding; every other input is refused with a DecodeError or, where it is whole but
// of another format, with a UsageError.
//
// A fuzzer doesn't guess a checksum. So each input is tried as it is, and once more with the right checksum behind it.
// The same bytes are tried as the record of a part, which comes from another process.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/archive.h"
#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "runtimes/node/checkpoint_manifest.h"

namespace {

void decode_and_encode_again(std::span<const std::byte> bytes) {
  laconic::CheckpointManifest manifest;
  try {
    manifest = laconic::CheckpointManifest::decode(bytes, "input");
  } catch (const laconic::DecodeError&) {
    return;
  } catch (const laconic::UsageError&) {
    return;
  }
  LACONIC_CHECK(std::ranges::equal(manifest.encode(), bytes), "encoded anew it differs");
  LACONIC_CHECK(bytes.size() <= laconic::kMaxManifestSize, bytes.size() << " bytes");
  for (const laconic::PartRecord& part : manifest.parts) {
    LACONIC_CHECK(laconic::is_part_name(part.name), "a part that could be outside its folder");
    LACONIC_CHECK(manifest.find(part.name) == &part, "'" << part.name << "' is not found");
  }
}

void load_and_save_again(std::span<const std::byte> bytes) {
  laconic::PartRecord record;
  try {
    laconic::Archive loading(bytes);
    record.archive(loading);
    loading.expect_end();
  } catch (const laconic::DecodeError&) {
    return;
  }
  LACONIC_CHECK(laconic::is_part_name(record.name), "a part that could be outside its folder");
  laconic::Archive saving;
  record.archive(saving);
  LACONIC_CHECK(std::ranges::equal(saving.take(), bytes), "saved anew it differs");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  decode_and_encode_again(input);
  laconic::ByteWriter with_checksum;
  with_checksum.raw(input);
  with_checksum.u32(laconic::crc32c(input));
  decode_and_encode_again(with_checksum.bytes());
  load_and_save_again(input);
  return 0;
}
