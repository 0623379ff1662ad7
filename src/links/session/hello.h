// The first words on a stream: whose it is, of which session, and where that goes on. docs/wire_format.md is the
// specification.
//
//   hello   := "laconic" version:u8 job:u64 channel:u8 from:varint to:varint incarnation:varint known:varint
//              attempt:varint received:varint limit:varint
//   refusal := code:u8 text
//
// Who dialled speaks first; who was dialled answers with a hello of its own, or with a refusal. Both so know of each
// other the incarnation, and which records of the session the other one has.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace laconic::session {

// A session has a stream for each: what is short and urgent never waits behind a model.
enum class ChannelName : std::uint8_t { kControl, kData };
inline constexpr std::size_t kChannels = 2;

struct Hello {
  std::uint64_t job = 0;  // fingerprint of the job
  ChannelName channel = ChannelName::kControl;
  int from = 0;  // processes
  int to = 0;
  // The sender's. 0 from who dials: it was just started, and wants to be given one.
  std::uint64_t incarnation = 0;
  // The receiver's that the sender has a session with, 0 where it has none. In an answer to 0: what is given.
  std::uint64_t known = 0;
  std::uint64_t attempt = 0;   // how often this process has dialled that channel; an answer repeats it
  std::uint64_t received = 0;  // numbered records of the receiver that the sender has taken, in this session
  std::uint64_t limit = 0;     // bytes of bodies that the receiver may send in this session, in all

  std::vector<std::byte> encode() const;
  // Throws DecodeError.
  static Hello decode(std::span<const std::byte> body);
};

// Processes of a job are fewer.
inline constexpr std::uint64_t kMaxProcesses = std::uint64_t{1} << 20;
inline constexpr std::size_t kMaxRefusal = 512;

struct Refusal {
  enum class Code : std::uint8_t {
    kOtherJob,   // this is another job, or another version of this program
    kNobody,     // no process of that number may speak here
    kReplaced,   // a newer process has taken the sender's place
    kNeverGiven  // the incarnation is none that was given
  };
  Code code = Code::kOtherJob;
  std::string text = {};

  std::vector<std::byte> encode() const;
  // Throws DecodeError. The text is harmless to a terminal.
  static Refusal decode(std::span<const std::byte> body);
};

// Whether a process may speak for a number.
struct Admission {
  // Its incarnation from now on; 0 where it is refused.
  std::uint64_t incarnation = 0;
  Refusal refusal = {};
};
// Of a process that claims an incarnation above 0, where `newest` is the last that was given: it is that one, or it is
// refused by name.
Admission admit_claim(int process, std::uint64_t claimed, std::uint64_t newest);

}  // namespace laconic::session
