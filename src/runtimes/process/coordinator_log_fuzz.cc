// A log that decodes is written anew to one that is no longer and says the same; every other input is refused with a
// DecodeError or, where it is of another version, with a UsageError.
//
// A fuzzer does not guess a checksum. So the first byte says: 0, the rest is a log; else it is the fields of a header
// behind its magic (20 bytes), then records, each a kind, a size and a body, to which the checksums are added.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "comm/crc32c.h"
#include "runtimes/node/storage.h"
#include "runtimes/process/coordinator_log_format.h"

namespace {

using namespace laconic;
using process::LogContents;

void decode_and_encode_again(std::span<const std::byte> bytes) {
  const LogContents contents = LogContents::decode(bytes, "input");
  const std::vector<std::byte> anew = contents.encode();
  LACONIC_CHECK(LogContents::decode(anew, "anew") == contents, "written anew it says something else");
  LACONIC_CHECK(anew.size() <= bytes.size(), anew.size() << " bytes say what " << bytes.size() << " said");
  if (contents.view) {
    LACONIC_CHECK(contents.view->incarnations.size() <= bytes.size(), contents.view->incarnations.size() << " slots");
  }
  if (contents.synchronisation && !contents.synchronisation->state.name.empty()) {
    LACONIC_CHECK(node::is_storage_name(contents.synchronisation->state.name), "a file that could be anywhere");
  }
}

std::vector<std::byte> log_of(ByteReader& program) {
  ByteWriter out;
  out.raw(std::as_bytes(std::span(std::string_view("laconic coordinator\n"))));
  out.raw(program.raw(20));
  out.u32(crc32c(out.bytes()));
  while (program.remaining() > 0) {
    ByteWriter record;
    record.u8(program.u8());
    const std::uint8_t size = program.u8();
    const auto body = program.raw(std::min<std::size_t>(size, program.remaining()));
    record.u32(static_cast<std::uint32_t>(body.size()));
    record.u32(crc32c(record.bytes()));
    record.raw(body);
    record.u32(crc32c(record.bytes()));
    out.raw(record.bytes());
  }
  return out.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span(data + 1, size - 1));
  try {
    if (data[0] == 0) {
      decode_and_encode_again(rest);
    } else {
      ByteReader program(rest, "input");
      decode_and_encode_again(log_of(program));
    }
  } catch (const DecodeError&) {  // refused, or the program ends in its header
  } catch (const UsageError&) {   // of another version
  }
  return 0;
}
