// One exchange through the coordinator over those who are present, at the coordinator's end; at a worker's it is
// Comm::exchange_present.
//
//   a member      sends a part, with its standing behind the payload
//   coordinator   collects the parts of all members, leaves out who is late or differs from most,
//                 makes an answer of the rest with the view behind the payload, commits, and sends it to them
//
// Where too few are left there is no answer: the exchange is given up, and all begin their round anew.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "comm/comm.h"

namespace laconic {

class PresentExchange {
 public:
  // All outlive this.
  PresentExchange(Comm& comm, Attendance& attendance) : comm_(comm), attendance_(attendance) {}

  // Looks at a part with `size` bytes of payload before its standing. Parts are mixed where the tag, the step and what
  // this returns are alike. Throws DecodeError for a part that cannot be right.
  using Look = std::function<std::uint64_t(Rank from, const Frame& part, std::size_t size)>;
  // The parts of all members, with tags among `tags`; `first` has come. False: the exchange is given up.
  Task<bool> collect(Round round, Arrival first, TagSet tags, Look look);
  // Leaves out one whose part turns out to be wrong later, before commit().
  void leave_out(Rank rank, const std::string& why);
  // Whether enough are left. False: the exchange is given up.
  bool goes_on();
  void give_up();

  // What is in the answer, by rank; a part's payload ends in standing_size() bytes more.
  const std::map<Rank, Frame>& parts() const { return parts_; }
  Step step() const { return step_; }
  const View& view() const { return attendance_.view(); }
  // Of some who were asked for more (Tag::kAsk) the replies that come until `end`. Who gives none is left out.
  Task<std::map<Rank, Frame>> replies(std::vector<Rank> some, Seconds end);
  // What goes behind the answer's payload. `named`: always with the members, for payloads whose size is not known to
  // who reads it (named_view_size).
  std::vector<std::byte> behind(bool named) const;
  // The same where answers differ (decision_size).
  std::vector<std::byte> behind(std::uint32_t decision) const;

  // The answer holds, and goes to all whose parts are in it. `changes_common`: what workers have in common is another.
  void commit(const Frame& answer, bool changes_common);
  // The same of several, each to some.
  void commit(std::span<const Answer> answers, bool changes_common);

 private:
  void leave_out_who_differs(const Look& look);

  Comm& comm_;
  Attendance& attendance_;
  Round round_;
  Step step_;
  std::map<Rank, Frame> parts_;
};

}  // namespace laconic
