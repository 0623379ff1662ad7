// The session with one other process, seen from this one: who it is, and its two channels with the streams under them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/random.h"
#include "links/session/channel.h"
#include "links/session/hello.h"

namespace laconic::session {

// The limits of time of a session, all from one.
struct Timing {
  explicit Timing(Seconds deadline);
  Seconds beat;       // signs of life, where nothing else is said
  Seconds silence;    // a stream over which nothing comes for so long, though something should, is given up
  Seconds handshake;  // and one over which no hello comes
  Seconds first_pause;
  Seconds longest_pause;  // between two attempts to dial
};

class Peer {
 public:
  Peer(int process, std::uint64_t max_payload)
      : process_(process), channels_{Channel(max_payload), Channel(max_payload)} {}

  int process() const { return process_; }
  Channel& channel(ChannelName name) { return channels_[place(name)]; }
  const Channel& channel(ChannelName name) const { return channels_[place(name)]; }

  // Its incarnation; 0 before there is a session.
  std::uint64_t incarnation = 0;
  // Nothing is to be said or heard any more: it has left, or was refused.
  bool is_gone = false;
  Seconds heard;  // when anything came last

  // A stream that this side dials.
  struct Dialling {
    std::optional<RecordStream> stream;  // its hello was sent, and no answer has come
    std::uint64_t attempt = 0;
    Seconds since;
    Seconds next;         // when to dial again
    unsigned failed = 0;  // attempts since there was a stream
  };
  // How a channel's streams have done.
  struct History {
    Seconds attached;      // when the present one began
    Seconds next_beat;     // when this side owes a sign of life
    unsigned in_vain = 0;  // streams, up to the present one, over which nothing came in time
  };
  // How long nothing may come over the present stream: longer after each stream that was given up without a word, for a
  // piece may take longer than that where a link is slow.
  Seconds silence(ChannelName name, const Timing& timing) const {
    return {timing.silence.value * static_cast<double>(1U << std::min(history_[place(name)].in_vain, 4U))};
  }
  History& history(ChannelName name) { return history_[place(name)]; }

  Dialling& dialling(ChannelName name) { return dialling_[place(name)]; }
  // The last attempt of the other side that was taken.
  std::uint64_t& attempt(ChannelName name) { return attempts_[place(name)]; }

  // Begins anew with another incarnation. Both channels lose what was not acknowledged, unless the one before has never
  // spoken: then what was to be said is for the first that does.
  void begin(std::uint64_t new_incarnation) {
    const bool is_first = !has_spoken();
    for (Channel& channel : channels_) {
      if (is_first) {
        channel.rewind();
      } else {
        channel.reset();
      }
    }
    incarnation = new_incarnation;
    has_spoken_ = false;
    for (Dialling& dialling : dialling_) dialling.stream.reset();
    attempts_ = {};
  }
  // Whether anything but hellos came of its incarnation. One that never knew of its number has not spoken.
  bool has_spoken() const { return has_spoken_ || channels_[0].has_history() || channels_[1].has_history(); }
  void note_word(Seconds when) {
    heard = std::max(heard, when);
    has_spoken_ = true;
  }
  // Nothing is said or heard any more.
  void leave() {
    is_gone = true;
    for (Channel& channel : channels_) channel.reset();
    begin(incarnation);
  }
  bool is_settled() const { return channels_[0].is_settled() && channels_[1].is_settled(); }

 private:
  static constexpr std::size_t place(ChannelName name) { return static_cast<std::size_t>(name); }

  int process_;
  bool has_spoken_ = false;
  std::array<Channel, kChannels> channels_;
  std::array<Dialling, kChannels> dialling_;
  std::array<History, kChannels> history_;
  std::array<std::uint64_t, kChannels> attempts_{};
};

}  // namespace laconic::session
