// Whatever a stream brings: a hello or refusal is decoded as what it says or refused with a DecodeError, and a channel
// gives frames of what came, or drops the stream.
//
// The first byte says how: 0, the rest is a hello; 1, a refusal; else the rest is a program of records on a channel:
// kind, size as a varint, and as many of the bytes that follow as there are (each repeated, so that a fuzzer finds long
// ones); kind 255 is one byte of no record at all.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "links/session/channel.h"
#include "links/session/hello.h"

namespace {

using namespace laconic;

constexpr std::uint64_t kMaxPayload = 200'000;
constexpr int kMaxRecords = 60;

class Tape final : public node::ByteStream {
 public:
  explicit Tape(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::size_t write(std::span<const std::byte> bytes) override { return bytes.size(); }
  std::size_t read(std::span<std::byte> into) override {
    const std::size_t part = std::min(into.size(), bytes_.size() - read_);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(read_), part, into.begin());
    read_ += part;
    return part;
  }
  bool is_open() const override { return true; }
  bool is_over() const override { return read_ == bytes_.size(); }
  std::string identity() const override { return {}; }

 private:
  std::vector<std::byte> bytes_;
  std::size_t read_ = 0;
};

std::vector<std::byte> records_of(ByteReader& program) {
  ByteWriter out;
  for (int i = 0; i < kMaxRecords && program.remaining() > 0; ++i) {
    const std::uint8_t kind = program.u8();
    if (kind == 255) {
      out.u8(program.u8());
      continue;
    }
    const std::uint64_t size = program.varint() % (session::kMaxBody + 2);
    const std::span<const std::byte> some = program.raw(std::min<std::size_t>(program.remaining(), size % 64));
    ByteWriter record;
    record.u8(kind);
    record.varint(size);
    for (std::uint64_t at = 0; at < size; ++at) {
      record.u8(some.empty() ? 0 : static_cast<std::uint8_t>(some[at % some.size()]));
    }
    record.u32(crc32c(record.bytes()));
    out.raw(record.bytes());
  }
  return out.take();
}

void run(ByteReader& program) {
  session::Channel channel(kMaxPayload);
  channel.push(0, Frame(FrameHeader{}, std::as_bytes(std::span("something to be acknowledged"))));
  static_cast<void>(channel.grant());
  channel.attach(session::RecordStream(std::make_unique<Tape>(records_of(program)), {}), 0, 100);
  std::uint64_t came = 0;
  const session::ChannelHandlers handlers{
      .frame =
          [&](std::size_t lane, const Frame& frame) {
            LACONIC_CHECK(lane < node::kLanes && frame.payload_size().value <= kMaxPayload, "a frame no job sends");
            ++came;
          },
      .refused = [&](std::size_t, const std::string& problem) { LACONIC_CHECK(!problem.empty(), "no word"); },
      .end = [&](const std::string& text) { LACONIC_CHECK(text.size() <= node::kMaxEndSize, "a long end"); },
      .bye = [&] {}};
  std::string problem;
  for (int turn = 0; turn < 2 * kMaxRecords && channel.is_attached(); ++turn) {
    channel.progress({1.0 * turn}, handlers, problem);
  }
  LACONIC_CHECK(!channel.is_attached() && came <= channel.received(), came << " frames");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span(data + 1, size - 1));
  try {
    if (data[0] == 0) {
      const session::Hello hello = session::Hello::decode(rest);
      LACONIC_CHECK(std::ranges::equal(hello.encode(), rest), "a hello with two encodings");
    } else if (data[0] == 1) {
      LACONIC_CHECK(session::Refusal::decode(rest).text.size() <= session::kMaxRefusal, "a long refusal");
    } else {
      ByteReader program(rest, "input");
      run(program);
    }
  } catch (const DecodeError&) {  // refused, or the program ends in the middle of a record
  }
  return 0;
}
