#include "links/session/record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"
#include "base/random.h"
#include "comm/crc32c.h"

namespace laconic::session {
namespace {

// A stream whose other end is the test.
class Tape final : public node::ByteStream {
 public:
  explicit Tape(std::vector<std::byte>& written, std::size_t step = 1 << 20) : written_(written), step_(step) {}
  std::size_t write(std::span<const std::byte> bytes) override {
    const std::size_t taken = std::min(step_, bytes.size());
    written_.insert(written_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    return taken;
  }
  std::size_t read(std::span<std::byte>) override { return 0; }
  bool is_open() const override { return true; }
  bool is_over() const override { return false; }
  std::string identity() const override { return {}; }

 private:
  std::vector<std::byte>& written_;
  std::size_t step_;
};

std::vector<std::byte> bytes_of(std::size_t size, std::uint64_t seed) {
  RandomStream stream(seed, "record test");
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(stream.below(256));
  return bytes;
}

// A record by the grammar, written without RecordStream.
std::vector<std::byte> record_of(unsigned kind, std::span<const std::byte> body) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(kind));
  out.varint(body.size());
  out.raw(body);
  out.u32(crc32c(out.bytes()));
  return out.take();
}

void feed(RecordReader& reader, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::span<std::byte> room = reader.room();
    const std::size_t part = std::min(room.size(), bytes.size());
    ASSERT_GT(part, 0U);
    std::copy_n(bytes.begin(), part, room.begin());
    reader.came(part);
    bytes = bytes.subspan(part);
    if (bytes.empty()) return;
    while (reader.next()) {
    }
  }
}

std::string refusal_of(std::span<const std::byte> bytes) {
  RecordReader reader;
  try {
    feed(reader, bytes);
    while (reader.next()) {
    }
  } catch (const DecodeError& error) {
    return error.what();
  }
  return "";
}

TEST(Records, ComeOutAsTheyWentInHoweverTheStreamCutsThem) {
  const Frame frame({.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = {7}}, bytes_of(20'000, 1));
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{5'000}, std::size_t{1} << 20}) {
    std::vector<std::byte> wire;
    RecordStream out(std::make_unique<Tape>(wire, step), {});
    const std::vector<std::byte> text = bytes_of(300, 2);
    out.write(RecordKind::kEnd, text);
    out.write(RecordKind::kPiece, 3, frame.wire().subspan(100, 10'000), &frame);
    out.write(RecordKind::kAlive, {});
    const std::size_t queued = out.backlog();
    while (out.flush() && out.backlog() > 0) {
    }
    EXPECT_EQ(wire.size(), queued);
    EXPECT_EQ(out.backlog(), 0U);

    RecordReader reader;
    std::vector<std::pair<RecordKind, std::vector<std::byte>>> came;
    for (std::size_t at = 0; at < wire.size();) {
      const std::span<std::byte> room = reader.room();
      const std::size_t part = std::min({room.size(), wire.size() - at, step});
      std::copy_n(wire.begin() + static_cast<std::ptrdiff_t>(at), part, room.begin());
      reader.came(part);
      at += part;
      while (const auto record = reader.next()) {
        came.emplace_back(record->kind, std::vector(record->body.begin(), record->body.end()));
        EXPECT_EQ(record->lane, record->kind == RecordKind::kPiece ? 3U : 0U);
      }
    }
    ASSERT_EQ(came.size(), 3U);
    EXPECT_EQ(came[0], std::pair(RecordKind::kEnd, text));
    const auto piece = frame.wire().subspan(100, 10'000);
    EXPECT_EQ(came[1], std::pair(RecordKind::kPiece, std::vector(piece.begin(), piece.end())));
    EXPECT_EQ(came[2], std::pair(RecordKind::kAlive, std::vector<std::byte>()));
  }
}

TEST(Records, AreLaidOutAsTheirPageSays) {
  std::vector<std::byte> wire;
  RecordStream out(std::make_unique<Tape>(wire), {});
  const std::vector<std::byte> body = bytes_of(200, 3);
  out.write(RecordKind::kAck, body);
  out.flush();
  EXPECT_EQ(wire, record_of(6, body));
}

TEST(Records, RefuseADamagedByteWhereverItIs) {
  const std::vector<std::byte> sound = record_of(2, bytes_of(90, 4));
  EXPECT_EQ(refusal_of(sound), "");
  for (std::size_t at = 0; at < sound.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<std::byte> damaged = sound;
      damaged[at] ^= static_cast<std::byte>(1 << bit);
      // A length that claims more waits for it; so what follows is there too.
      for (int i = 0; i < 2'000; ++i) damaged.insert(damaged.end(), sound.begin(), sound.end());
      EXPECT_NE(refusal_of(damaged), "") << at << ", bit " << bit;
    }
  }
}

TEST(Records, RefuseWhatNoRecordIsWithoutWaitingForIt) {
  const std::vector<std::byte> none;
  for (unsigned kind = 0; kind < 256; ++kind) {
    const bool has_lane = (kind & 0x0f) >= 2 && (kind & 0x0f) <= 4;
    const bool is_known = (kind & 0x0f) < kRecordKinds && (kind & 0xc0) == 0 && ((kind & 0x30) == 0 || has_lane);
    EXPECT_EQ(refusal_of(record_of(kind, none)).empty(), is_known) << kind;
  }
  const auto head = [](std::initializer_list<unsigned> values) {
    std::vector<std::byte> bytes;
    for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
    return bytes;
  };
  EXPECT_NE(refusal_of(head({2, 0x81, 0x80, 0x04})), "");  // 65,537 bytes
  EXPECT_NE(refusal_of(head({2, 0x80, 0x80, 0x80})), "");  // a length of more than three bytes
  EXPECT_NE(refusal_of(head({2, 0x85, 0x00})), "");        // longer than needed
  EXPECT_EQ(refusal_of(head({2, 0x80, 0x80, 0x04})), "");  // 65,536 bytes, which may come
}

TEST(Records, HoldNoMoreThanCameWhateverALengthClaims) {
  RecordReader reader;
  ByteWriter claim;
  claim.u8(2);
  claim.varint(kMaxBody);
  feed(reader, claim.bytes());
  EXPECT_FALSE(reader.next());
  EXPECT_LE(reader.room().size(), 2'048U);
}

}  // namespace
}  // namespace laconic::session
