// What collectives through the coordinator ask, at either end, of whoever keeps track of who is present; implemented by
// a runtime whose workers come and go. Without one every collective is over all workers.
//
// Each part of a collective then says of which step it is, and of a model, of a gradient and every 64th round what its
// sender has heard so far (a running checksum of all results); and each result says over which view it is, where that is
// not the one before. So members that do not agree are noticed before their models are mixed, and all members know over
// whom a result is. In a quiet round that is one byte up and none down.
//
//   part     := payload standing
//   standing := steps:u8                       at most 253, since the newest result that its sender has heard
//             | step:u32 255:u8                of more
//             | step:u32 history:u32 254:u8
//   result   := payload ( decision? view:u32 what:u8 members? )?   nothing where the view is that of the result before,
//                                              unless the payload is of no known size
//   what       bit 0: members follow; bit 1: a decision comes before
//   decision := u32     where members get different frames, a checksum of what was decided, the same in all of them
//   members  := one bit a slot, low bits first, in whole bytes
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "comm/frame.h"
#include "comm/view.h"

namespace laconic {

// Thrown out of what a worker waits for once it is no member any more. When it is one again, its strategy begins anew.
class Dismissed : public std::exception {
 public:
  const char* what() const noexcept override { return "this worker is not present any more"; }
};

// What a part says of its sender.
struct Standing {
  Step step;                  // that its round ends with; below 2^32
  std::uint32_t history = 0;  // of the results it has heard
  Step heard = {};            // the step of the newest of them
};
// Whether a part with that header tells all of it.
bool tells_all(const FrameHeader& header);
inline constexpr std::size_t kFullStanding = 9;

// A frame of a result, and to whom it goes.
struct Answer {
  Frame frame;
  std::vector<Rank> to;
};

// At a worker.
class Membership {
 public:
  virtual ~Membership() = default;
  virtual Standing standing() = 0;
  // A result came.
  virtual void heard(const View& view, const Frame& result) = 0;
  // The view of the newest result, before there is one the view that this worker entered.
  virtual const View& view() const = 0;
  // How many processes of the coordinator this one has heard, one after another: what was sent to an earlier one may
  // never have come.
  virtual std::uint32_t coordinators() const = 0;
};

// At the coordinator.
class Attendance {
 public:
  virtual ~Attendance() = default;
  // A collective begins with that part. Sets the view that it is over; who is ready enters here where the collective
  // before was of an earlier step.
  virtual void begin(const Frame& first) = 0;
  virtual const View& view() const = 0;
  // Whether `rank` is in the view, and not lost since: of who is lost nothing comes any more, and dismiss() is to be told.
  virtual bool is_there(Rank rank) const { return view().contains(rank); }
  // The step of the newest result.
  virtual Step step() const = 0;
  // The checksum that members have of the results so far.
  virtual std::uint32_t history() const = 0;
  // Takes `rank` out of the view: its part did not come in time, or cannot be of this collective.
  virtual void dismiss(Rank rank, const std::string& why) = 0;
  // How much longer a part of one may take that has just entered.
  virtual Seconds allowance(Rank rank) const = 0;
  // Whether as many are present as the job wants at least. Where they are not the collective is given up: it has no
  // result, and all who are present begin their round anew.
  virtual bool is_enough() const = 0;
  virtual void give_up() = 0;
  // Whether the view is another one than that of the last result.
  virtual bool has_news() const = 0;
  // The collective is over, all parts being of step `step`. `result`: a frame to each member, not sent yet, one for all
  // or some that have the same decision in them. `changes_model`: what workers have in common is another with it.
  virtual void commit(Round round, Step step, std::span<const Answer> result, bool changes_model) = 0;

  // ---- on an asynchronous clock, whose workers are at steps of their own: PresentAverage

  // An average begins. Who is ready enters between two: none does until it has a result, which commit() takes, or until
  // abandon(), give_up().
  virtual void begin_average() = 0;
  virtual void abandon() = 0;
  // Another number each time that `rank` enters: what it said before is nothing of what it is now.
  virtual std::uint64_t entry(Rank rank) const = 0;
  // Whether the coordinator's process is not the run's first. What workers had told the one before is lost.
  virtual bool was_restarted() const = 0;
};

// The bytes behind a payload.
std::vector<std::byte> encode_standing(const Standing& standing, const FrameHeader& header);
std::vector<std::byte> encode_view(const View& view, bool is_news, int slots);
// The same with the members and a decision.
std::vector<std::byte> encode_decision(std::uint32_t decision, const View& view, int slots);
// The sizes with the members named, whether they are news or not.
std::size_t named_view_size(int slots);
std::size_t decision_size(int slots);
// The last bytes of a part, and what they say where the newest result is of step `newest`. Throw DecodeError.
std::size_t standing_size(const Frame& part);
struct SaidStanding {
  Step step;
  std::optional<std::uint32_t> history;  // unset: not told
};
SaidStanding decode_standing(const Frame& part, Step newest);
// The members named behind a result whose payload is of no known size.
View decode_named_view(const Frame& result, int slots);
// The view of a result of `size` bytes of payload; `before` is that of the result before. Throws DecodeError.
View decode_view(const Frame& result, std::size_t size, const View& before, int slots);
// The checksum over one more result: of the decision in it, or of all of it. Throws DecodeError.
std::uint32_t next_history(std::uint32_t history, const Frame& result, int slots);

}  // namespace laconic
