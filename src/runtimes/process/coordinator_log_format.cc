#include "runtimes/process/coordinator_log_format.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "comm/crc32c.h"

namespace laconic::process {
namespace {

constexpr std::string_view kMagic = "laconic coordinator\n";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kChecksumSize = sizeof(std::uint32_t);
constexpr std::size_t kHeaderSize = kMagic.size() + 4 + 8 + 8 + kChecksumSize;
constexpr std::size_t kGuardedSize = 1 + 4;
constexpr std::size_t kHeadSize = kGuardedSize + kChecksumSize;
// What a disk writes at once, at least.
constexpr std::size_t kSector = 512;
constexpr std::size_t kMaxStateName = 64;
constexpr std::string_view kStatePrefix = "state-";

enum class Kind : std::uint8_t { kStarted = 1, kView, kSynchronisation };

std::string text_of(std::uint64_t number) { return std::to_string(number); }

template <typename Encode>
void write_record(ByteWriter& out, Kind kind, const Encode& encode_body) {
  ByteWriter body;
  encode_body(body);
  LACONIC_CHECK(body.size() <= kMaxLogBody, "an entry of " << body.size() << " bytes");
  ByteWriter head;
  head.u8(static_cast<std::uint8_t>(kind));
  head.u32(static_cast<std::uint32_t>(body.size()));
  head.u32(crc32c(head.bytes()));
  out.raw(head.bytes());
  out.raw(body.bytes());
  out.u32(crc32c(body.bytes(), crc32c(head.bytes())));
}

template <typename Entry>
std::vector<std::byte> record_of(Kind kind, const Entry& entry) {
  ByteWriter out;
  write_record(out, kind, [&](ByteWriter& body) { entry.encode(body); });
  return out.take();
}

std::uint32_t u32_at(std::span<const std::byte> bytes, std::size_t at) {
  return ByteReader(bytes.subspan(at, sizeof(std::uint32_t)), "log").u32();
}

struct Record {
  std::uint8_t kind = 0;
  std::size_t begin = 0;
  std::size_t end = 0;  // behind its checksum; may be behind what is there
};

// The record that begins at `at`, if its head is there and whole.
std::optional<Record> head_at(std::span<const std::byte> bytes, std::size_t at) {
  if (bytes.size() - at < kHeadSize) return std::nullopt;
  if (u32_at(bytes, at + kGuardedSize) != crc32c(bytes.subspan(at, kGuardedSize))) return std::nullopt;
  const std::uint32_t length = u32_at(bytes, at + 1);
  if (length > kMaxLogBody) return std::nullopt;
  return Record{
      .kind = static_cast<std::uint8_t>(bytes[at]), .begin = at, .end = at + kHeadSize + length + kChecksumSize};
}

bool is_whole(std::span<const std::byte> bytes, const Record& record) {
  if (record.end > bytes.size()) return false;
  const std::size_t checked = record.end - kChecksumSize;
  return u32_at(bytes, checked) == crc32c(bytes.subspan(record.begin, checked - record.begin));
}

// Whether all the bytes of some sector that lie from `begin` to `end` are zeros.
bool has_empty_sector(std::span<const std::byte> bytes, std::size_t begin, std::size_t end) {
  while (begin < end) {
    const std::size_t next = std::min(end, (begin / kSector + 1) * kSector);
    const auto part = bytes.subspan(begin, next - begin);
    if (std::ranges::all_of(part, [](std::byte byte) { return byte == std::byte{0}; })) return true;
    begin = next;
  }
  return false;
}

// Whether what begins at `at`, which is no whole record, may be one whose appending a death has interrupted.
bool is_torn(std::span<const std::byte> bytes, std::size_t at) {
  if (bytes.size() - at < kHeadSize) return true;
  if (const std::optional<Record> head = head_at(bytes, at)) {
    return head->end > bytes.size() || (head->end == bytes.size() && has_empty_sector(bytes, at, head->end));
  }
  const std::size_t head_sectors = (at + kHeadSize + kSector - 1) / kSector * kSector;
  if (!has_empty_sector(bytes, at, std::min(bytes.size(), head_sectors))) return false;
  // Its length is not known. So it is the last one if no whole one is behind it.
  for (std::size_t later = at + 1; later < bytes.size(); ++later) {
    if (const std::optional<Record> head = head_at(bytes, later); head && is_whole(bytes, *head)) return false;
  }
  return true;
}

// Adds the entry to what the log says; `place` begins what is said of one that cannot follow.
void read_entry(LogContents& contents, std::uint8_t kind, ByteReader& in, const std::string& place) {
  const auto expect = [&place](const std::string& objection) {
    if (!objection.empty()) throw DecodeError(place + ": " + objection);
  };
  if (contents.incarnation == 0 && kind != static_cast<std::uint8_t>(Kind::kStarted)) in.fail("nobody was started");
  switch (static_cast<Kind>(kind)) {
    case Kind::kStarted: {
      const std::uint64_t incarnation = in.varint();
      in.expect_end();
      if (incarnation <= contents.incarnation) in.fail("incarnation " + text_of(incarnation) + " of the coordinator");
      contents.incarnation = incarnation;
      return;
    }
    case Kind::kView: {
      LoggedView view = LoggedView::decode(in);
      in.expect_end();
      expect(contents.objection_to(view));
      contents.view = std::move(view);
      return;
    }
    case Kind::kSynchronisation: {
      Synchronisation synchronisation = Synchronisation::decode(in);
      in.expect_end();
      expect(contents.objection_to(synchronisation));
      contents.synchronisation = std::move(synchronisation);
      return;
    }
  }
  in.fail("no kind " + text_of(kind));
}

LogContents read_header(std::span<const std::byte> bytes, std::string_view what) {
  ByteReader in(bytes, what);
  const auto magic = in.raw(kMagic.size());
  if (!std::ranges::equal(magic, std::as_bytes(std::span(kMagic)))) in.fail("no log of a coordinator");
  const std::uint32_t version = in.u32();
  LogContents contents;
  contents.job = in.u64();
  contents.epoch = in.u64();
  if (in.u32() != crc32c(bytes.first(kHeaderSize - kChecksumSize))) in.fail("damaged: its checksum is wrong");
  if (version != kVersion) {
    throw UsageError(std::string(what) + ": is of version " + text_of(version) + ", and this program reads version " +
                     text_of(kVersion) + "; go on with the program that wrote it");
  }
  if (contents.epoch == 0) in.fail("epoch 0");
  return contents;
}

}  // namespace

void LoggedView::encode(ByteWriter& out) const {
  LACONIC_CHECK(incarnations.size() <= kMaxSlots, incarnations.size() << " slots");
  std::vector<std::uint8_t> bits((incarnations.size() + 7) / 8);
  for (std::size_t i = 0; i < present.size(); ++i) {
    const auto slot = static_cast<std::size_t>(present[i].value);
    LACONIC_CHECK(slot < incarnations.size() && incarnations[slot] > 0, "slot " << present[i].value);
    LACONIC_CHECK(i == 0 || present[i - 1] < present[i], "slots that do not rise");
    bits[slot / 8] = static_cast<std::uint8_t>(bits[slot / 8] | 1U << slot % 8);
  }
  out.varint(number);
  out.varint(incarnations.size());
  for (const std::uint64_t incarnation : incarnations) out.varint(incarnation);
  out.raw(std::as_bytes(std::span(bits)));
}

LoggedView LoggedView::decode(ByteReader& in) {
  LoggedView view;
  view.number = in.varint();
  const std::uint64_t slots = in.varint();
  if (slots > kMaxSlots || slots > in.remaining()) in.fail(text_of(slots) + " slots");
  view.incarnations.reserve(slots);
  for (std::uint64_t slot = 0; slot < slots; ++slot) view.incarnations.push_back(in.varint());
  const auto bits = in.raw((slots + 7) / 8);
  for (std::size_t slot = 0; slot < 8 * bits.size(); ++slot) {
    if ((bits[slot / 8] & std::byte{1} << slot % 8) == std::byte{0}) continue;
    if (slot >= slots || view.incarnations[slot] == 0) in.fail("slot " + text_of(slot) + " present");
    view.present.push_back(Rank{static_cast<std::int32_t>(slot)});
  }
  return view;
}

std::string state_file_name(std::uint64_t incarnation, std::uint64_t count) {
  return std::string(kStatePrefix) + text_of(incarnation) + "-" + text_of(count);
}

bool is_state_file_name(std::string_view name) {
  if (!name.starts_with(kStatePrefix)) return false;
  const char* const end = name.data() + name.size();
  std::uint64_t incarnation = 0;
  std::uint64_t count = 0;
  const auto first = std::from_chars(name.data() + kStatePrefix.size(), end, incarnation);
  if (first.ec != std::errc{} || first.ptr == end) return false;
  const auto second = std::from_chars(first.ptr + 1, end, count);
  return second.ec == std::errc{} && state_file_name(incarnation, count) == name;
}

void StateFile::encode(ByteWriter& out) const {
  LACONIC_CHECK(name.empty() ? size == 0 && crc32c == 0 : is_state_file_name(name), "'" << name << "', " << size);
  out.text(name);
  out.varint(size);
  out.u32(crc32c);
}

StateFile StateFile::decode(ByteReader& in) {
  StateFile file;
  file.name = in.text(kMaxStateName);
  file.size = in.varint();
  file.crc32c = in.u32();
  const bool is_none = file.name.empty() && file.size == 0 && file.crc32c == 0;
  if (!is_none && !is_state_file_name(file.name)) in.fail("the name of a state file that is none");
  if (file.size > kMaxStateSize) in.fail("a state file of " + text_of(file.size) + " bytes");
  return file;
}

void Synchronisation::encode(ByteWriter& out) const {
  out.varint(number);
  out.varint(view);
  out.varint(step.value);
  out.varint(round.value);
  out.u32(model);
  state.encode(out);
}

Synchronisation Synchronisation::decode(ByteReader& in) {
  Synchronisation synchronisation;
  synchronisation.number = in.varint();
  synchronisation.view = in.varint();
  synchronisation.step.value = in.varint();
  synchronisation.round.value = in.varint();
  synchronisation.model = in.u32();
  synchronisation.state = StateFile::decode(in);
  return synchronisation;
}

std::string LogContents::objection_to(const LoggedView& next) const {
  if (!view) return "";
  if (next.number <= view->number) return "view " + text_of(next.number) + " behind view " + text_of(view->number);
  if (next.incarnations.size() != view->incarnations.size()) {
    return text_of(next.incarnations.size()) + " slots, and " + text_of(view->incarnations.size()) + " before";
  }
  for (std::size_t slot = 0; slot < next.incarnations.size(); ++slot) {
    if (next.incarnations[slot] < view->incarnations[slot]) {
      return "slot " + text_of(slot) + ": incarnation " + text_of(next.incarnations[slot]) + " behind incarnation " +
             text_of(view->incarnations[slot]);
    }
  }
  return "";
}

std::string LogContents::objection_to(const Synchronisation& next) const {
  const std::string name = "synchronisation " + text_of(next.number);
  if (!view || next.view > view->number) return name + " of view " + text_of(next.view) + ", which was not decided";
  if (!synchronisation) return "";
  const Synchronisation& last = *synchronisation;
  if (next.number <= last.number) return name + " behind synchronisation " + text_of(last.number);
  const auto falls = [&](const char* what, std::uint64_t now, std::uint64_t before) {
    return name + ": " + what + " " + text_of(now) + " behind " + what + " " + text_of(before);
  };
  if (next.view < last.view) return falls("view", next.view, last.view);
  if (next.step < last.step) return falls("step", next.step.value, last.step.value);
  if (next.round < last.round) return falls("round", next.round.value, last.round.value);
  return "";
}

std::vector<std::byte> LogContents::encode() const {
  LACONIC_CHECK(epoch > 0 && incarnation > 0, "epoch " << epoch << ", incarnation " << incarnation);
  LACONIC_CHECK(view || !synchronisation, "a synchronisation without a view");
  ByteWriter out;
  out.raw(std::as_bytes(std::span(kMagic)));
  out.u32(kVersion);
  out.u64(job);
  out.u64(epoch);
  out.u32(crc32c(out.bytes()));
  write_record(out, Kind::kStarted, [this](ByteWriter& body) { body.varint(incarnation); });
  if (view) out.raw(log_record(*view));
  if (synchronisation) out.raw(log_record(*synchronisation));
  return out.take();
}

LogContents LogContents::decode(std::span<const std::byte> bytes, std::string_view what) {
  LogContents contents = read_header(bytes, what);
  for (std::size_t at = kHeaderSize; at < bytes.size();) {
    const std::optional<Record> record = head_at(bytes, at);
    if (!record || !is_whole(bytes, *record)) {
      // A log is made with its first record.
      if (contents.incarnation > 0 && is_torn(bytes, at)) break;
      throw DecodeError(std::string(what) + ": damaged at byte " + text_of(at) + " of " + text_of(bytes.size()));
    }
    const std::string place = std::string(what) + ", entry at byte " + text_of(at);
    ByteReader in(bytes.subspan(at + kHeadSize, record->end - kChecksumSize - kHeadSize - at), place);
    read_entry(contents, record->kind, in, place);
    at = record->end;
  }
  if (contents.incarnation == 0) throw DecodeError(std::string(what) + ": ends behind its header");
  return contents;
}

std::vector<std::byte> log_record(const LoggedView& view) { return record_of(Kind::kView, view); }
std::vector<std::byte> log_record(const Synchronisation& synchronisation) {
  return record_of(Kind::kSynchronisation, synchronisation);
}

}  // namespace laconic::process
