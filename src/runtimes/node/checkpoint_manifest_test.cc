#include "runtimes/node/checkpoint_manifest.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"

namespace laconic {
namespace {

CheckpointManifest example() {
  return {.program = "1.2.3",
          .job = {.size = 300, .fnv1a = 0x0123456789abcdefULL, .crc32c = 0xfedcba98U},
          .step = {1200},
          .parts = {{.name = "coordinator", .size = 0, .crc32c = 0},
                    {.name = "metrics.jsonl", .size = 4'000, .crc32c = 7},
                    {.name = "worker-3", .size = std::uint64_t{1} << 33, .crc32c = 0xffffffffU}}};
}

// A manifest written field by field from its grammar, with one part.
struct Written {
  std::string magic = "laconic checkpoint\n";
  std::uint32_t format = 1;
  std::string program = "1";
  std::uint64_t count = 1;
  std::vector<PartRecord> parts = {{.name = "a", .size = 2, .crc32c = 3}};
  std::string behind;

  std::vector<std::byte> bytes() const {
    ByteWriter writer;
    writer.raw(std::as_bytes(std::span(magic)));
    writer.u32(format);
    writer.text(program);
    for (const std::uint64_t value : {4, 5}) writer.u64(value);
    writer.u32(6);
    writer.u64(7);
    writer.varint(count);
    for (const PartRecord& part : parts) {
      writer.text(part.name);
      writer.varint(part.size);
      writer.u32(part.crc32c);
    }
    writer.raw(std::as_bytes(std::span(behind)));
    writer.u32(crc32c(writer.bytes()));
    return writer.take();
  }
};

TEST(CheckpointManifest, WhatIsEncodedIsDecoded) {
  EXPECT_EQ(CheckpointManifest::decode(example().encode(), "manifest"), example());
}

TEST(CheckpointManifest, ItsBytesAreThoseOfItsGrammar) {
  const CheckpointManifest manifest{.program = "1",
                                    .job = {.size = 4, .fnv1a = 5, .crc32c = 6},
                                    .step = {7},
                                    .parts = {{.name = "a", .size = 2, .crc32c = 3}}};
  EXPECT_EQ(manifest.encode(), Written().bytes());
}

TEST(CheckpointManifest, EveryCutIsRefused) {
  const std::vector<std::byte> whole = example().encode();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(CheckpointManifest::decode(std::span(whole).first(size), "manifest"), DecodeError) << size;
  }
}

TEST(CheckpointManifest, EveryOtherValueOfEveryByteIsRefused) {
  const std::vector<std::byte> whole = example().encode();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::vector<std::byte> damaged = whole;
    for (int change = 1; change < 256; ++change) {
      damaged[i] = whole[i] ^ static_cast<std::byte>(change);
      ASSERT_THROW(CheckpointManifest::decode(damaged, "manifest"), DecodeError) << "byte " << i << ", " << change;
    }
  }
}

TEST(CheckpointManifest, RefusesWhatNoProgramOfOursWroteThoughTheChecksumIsRight) {
  const std::vector<std::function<void(Written&)>> changes = {
      [](Written& w) { w.magic = "laconic checkpoint "; },
      [](Written& w) { w.program = ""; },
      [](Written& w) { w.program = std::string(kMaxProgramSize + 1, '1'); },
      [](Written& w) { w.program = "1\n"; },
      [](Written& w) { w.count = 0; },
      [](Written& w) { w.count = 2; },
      [](Written& w) { w.count = kMaxParts + 1; },
      [](Written& w) { w.count = ~std::uint64_t{0}; },
      [](Written& w) { w.parts[0].size = kMaxPartSize + 1; },
      [](Written& w) { w.behind = "x"; },
      [](Written& w) { w.parts.push_back(w.parts[0]), w.count = 2; },
      [](Written& w) { w.parts.insert(w.parts.begin(), {.name = "b", .size = 1, .crc32c = 1}), w.count = 2; },
      [](Written& w) { w.parts[0].name = "../a"; },
  };
  EXPECT_NO_THROW(CheckpointManifest::decode(Written().bytes(), "manifest"));
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Written written;
    changes[i](written);
    EXPECT_THROW(CheckpointManifest::decode(written.bytes(), "manifest"), DecodeError) << "change " << i;
  }
}

TEST(CheckpointManifest, AnotherFormatIsNamedWithWhatToDo) {
  Written written;
  written.format = 2;
  try {
    CheckpointManifest::decode(written.bytes(), "run.checkpoint/manifest");
    FAIL() << "decoded another format";
  } catch (const UsageError& error) {
    EXPECT_STREQ(
        error.what(),
        "run.checkpoint/manifest: is of format 2, and this program reads format 1; go on with the version that "
        "wrote it, or remove the folder");
  }
}

TEST(CheckpointManifest, NoNameOfAPartLeadsOutOfItsFolder) {
  for (const std::string name : {"worker-3", "a", "metrics.jsonl", "A_b-C.9", "job.resolved.toml", "a..b"}) {
    EXPECT_TRUE(is_part_name(name)) << name;
  }
  EXPECT_TRUE(is_part_name(std::string(kMaxPartNameSize, 'a')));
  EXPECT_FALSE(is_part_name(std::string(kMaxPartNameSize + 1, 'a')));
  using namespace std::string_view_literals;
  for (const std::string_view name : {""sv, "."sv, ".."sv, ".hidden"sv, "../a"sv, "a/b"sv, "/a"sv, "a\0b"sv, "a b"sv,
                                      "a\n"sv, "a\\b"sv, "\xc3\xa4"sv, "~"sv, "manifest"sv}) {
    EXPECT_FALSE(is_part_name(name)) << name;
  }
}

TEST(CheckpointManifest, FindsItsPartsAndNoOthers) {
  const CheckpointManifest manifest = example();
  for (const PartRecord& part : manifest.parts) EXPECT_EQ(manifest.find(part.name), &part);
  for (const char* name : {"", "a", "d", "worker-2", "worker-33", "z"}) EXPECT_EQ(manifest.find(name), nullptr) << name;
}

TEST(CheckpointManifest, DoesNotEncodeWhatItWouldNotDecode) {
  CheckpointManifest twice = example();
  twice.parts.push_back(twice.parts.back());
  EXPECT_THROW(twice.encode(), CheckFailed);
  CheckpointManifest outside = example();
  outside.parts.back().name = "../worker";
  EXPECT_THROW(outside.encode(), CheckFailed);
  CheckpointManifest empty = example();
  empty.parts.clear();
  EXPECT_THROW(empty.encode(), CheckFailed);
}

TEST(PartRecord, TravelsBetweenProcesses) {
  PartRecord sent = example().parts.back();
  Archive saving;
  sent.archive(saving);
  const std::vector<std::byte> bytes = saving.take();
  Archive loading(bytes);
  PartRecord received;
  received.archive(loading);
  loading.expect_end();
  EXPECT_EQ(received, sent);
}

TEST(PartRecord, IsRefusedWhereNoPartCanBeSo) {
  const auto received = [](std::string name, std::uint64_t size, std::uint64_t checksum) {
    Archive saving;
    saving.text("name", name, kMaxPartNameSize);
    saving.value("size", size);
    saving.value("crc32c", checksum);
    const std::vector<std::byte> bytes = saving.take();
    Archive loading(bytes);
    PartRecord record{.name = "kept", .size = 0, .crc32c = 0};
    try {
      record.archive(loading);
    } catch (const DecodeError&) {
      EXPECT_EQ(record.name, "kept") << "unchanged on failure";
      throw;
    }
  };
  EXPECT_NO_THROW(received("worker-1", kMaxPartSize, 0xffffffffU));
  EXPECT_THROW(received("../worker-1", 1, 1), DecodeError);
  EXPECT_THROW(received("worker-1", kMaxPartSize + 1, 1), DecodeError);
  EXPECT_THROW(received("worker-1", 1, std::uint64_t{1} << 32), DecodeError);
}

}  // namespace
}  // namespace laconic
