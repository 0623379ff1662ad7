#include "links/session/hello.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/byte_stream.h"
#include "runtimes/node/link.h"

namespace laconic::session {
namespace {

constexpr std::string_view kMagic = "laconic";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kLastCode = static_cast<std::uint8_t>(Refusal::Code::kNeverGiven);

int process_number(ByteReader& in) {
  const std::uint64_t number = in.varint();
  if (number >= kMaxProcesses) in.fail("no process " + std::to_string(number));
  return static_cast<int>(number);
}

}  // namespace

std::vector<std::byte> Hello::encode() const {
  ByteWriter out;
  out.raw(std::as_bytes(std::span(kMagic)));
  out.u8(kVersion);
  out.u64(job);
  out.u8(static_cast<std::uint8_t>(channel));
  out.varint(static_cast<std::uint64_t>(from));
  out.varint(static_cast<std::uint64_t>(to));
  out.varint(incarnation);
  out.varint(known);
  out.varint(attempt);
  out.varint(received);
  out.varint(limit);
  return out.take();
}

Hello Hello::decode(std::span<const std::byte> body) {
  ByteReader in(body, "hello");
  if (!std::ranges::equal(in.raw(kMagic.size()), std::as_bytes(std::span(kMagic)))) in.fail("not of this program");
  if (const std::uint8_t version = in.u8(); version != kVersion) {
    in.fail("version " + std::to_string(version) + " of the protocol, where this program speaks " +
            std::to_string(kVersion));
  }
  Hello hello;
  hello.job = in.u64();
  const std::uint8_t channel = in.u8();
  if (channel >= kChannels) in.fail("no channel " + std::to_string(channel));
  hello.channel = static_cast<ChannelName>(channel);
  hello.from = process_number(in);
  hello.to = process_number(in);
  hello.incarnation = in.varint();
  hello.known = in.varint();
  hello.attempt = in.varint();
  hello.received = in.varint();
  hello.limit = in.varint();
  in.expect_end();
  return hello;
}

std::vector<std::byte> Refusal::encode() const {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(code));
  const auto bytes = std::as_bytes(std::span(text));
  out.raw(bytes.first(std::min(bytes.size(), kMaxRefusal)));
  return out.take();
}

Refusal Refusal::decode(std::span<const std::byte> body) {
  ByteReader in(body, "refusal");
  const std::uint8_t code = in.u8();
  if (code > kLastCode) in.fail("no code " + std::to_string(code));
  if (in.remaining() > kMaxRefusal) in.fail("a text of " + std::to_string(in.remaining()) + " bytes");
  return {.code = static_cast<Code>(code), .text = node::end_text(in.rest())};
}

Admission admit_claim(int process, std::uint64_t claimed, std::uint64_t newest) {
  if (claimed == newest) return {.incarnation = claimed};
  const std::string name = "process " + std::to_string(process);
  Refusal refusal;
  if (claimed < newest) {
    refusal = {.code = Refusal::Code::kReplaced,
               .text = name + " of incarnation " + std::to_string(claimed) + " is over: incarnation " +
                       std::to_string(newest) + " has taken its place"};
  } else {
    refusal = {.code = Refusal::Code::kNeverGiven,
               .text = name + " claims incarnation " + std::to_string(claimed) +
                       ", which was never given: the newest is " + std::to_string(newest)};
  }
  return {.incarnation = 0, .refusal = std::move(refusal)};
}

}  // namespace laconic::session
