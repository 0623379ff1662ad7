// One average of models over some of those who are present, on an asynchronous clock, at the coordinator's end: workers
// are at steps of their own, and train on meanwhile.
//
//   coordinator   asks some for their models, takes what comes of them, leaves out who is late or wrong,
//                 makes a mean with the members in it behind the payload, commits, and sends it to them
//
// Who is lost meanwhile and has given its model is in the mean. Where too few are left there is none.
#pragma once

#include <string>
#include <vector>

#include "comm/comm.h"

namespace laconic {

class PresentAverage {
 public:
  // Begins. Both outlive this.
  PresentAverage(Comm& comm, Attendance& attendance) : comm_(comm), attendance_(attendance) {
    attendance_.begin_average();
  }

  // Who can be asked, in the order of ranks.
  std::vector<Rank> those_there() const;
  // The next frame (Tag::kGather, round 0) that comes of each of `some` until `end`, in their order. Who gives none is
  // left out; not who has taken its last step meanwhile.
  Task<std::vector<Contribution>> replies(std::vector<Rank> some, Seconds end);
  void leave_out(Rank rank, const std::string& why) { attendance_.dismiss(rank, why); }
  bool is_enough() const { return attendance_.is_enough(); }

  // What goes behind the mean's payload (named_view_size): those whose models are in it.
  std::vector<std::byte> behind(std::vector<Rank> members) const;
  // One of these is the end. The mean goes to `members`; `changes_common`: it is what workers have in common from now on.
  void commit(Step newest, const Frame& mean, std::vector<Rank> members, bool changes_common);
  void abandon() { attendance_.abandon(); }
  void give_up() { attendance_.give_up(); }

 private:
  Comm& comm_;
  Attendance& attendance_;
};

}  // namespace laconic
