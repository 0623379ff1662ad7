// A node of the process: its endpoint, over the link to nodes of other processes and through memory to those of its own.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "comm/ledger.h"
#include "comm/mailbox.h"
#include "comm/transport.h"
#include "runtimes/node/clock.h"
#include "runtimes/node/link.h"

namespace laconic::process {

// What the nodes of one process share.
struct Local {
  Local(node::Link& to_others, const Clock& of_process,
        node::Placement of_nodes = node::Placement::kCoordinatorBesideWorker0)
      : process(to_others.self()),
        placement(of_nodes),
        world_size(node::workers_of(to_others.size(), of_nodes)),
        link(to_others),
        clock(of_process),
        ledger(world_size) {}

  struct Parcel {
    Rank from;
    Rank to;
    Frame frame;
  };

  int process;
  node::Placement placement;
  int world_size;  // workers
  node::Link& link;
  RunClock clock;
  WaitList waits;
  Ledger ledger;               // of the nodes of this process
  std::deque<Parcel> parcels;  // between these nodes, not delivered yet
  // Frames of strategies that the nodes of this process have sent so far, and that were delivered to them: over all
  // processes the two are equal when no frame is on its way.
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  std::multimap<Seconds, Resume<bool>> sleeping;
};

class Endpoint final : public Transport {
 public:
  Endpoint(Rank self, Local& local) : self_(self), local_(local), mailbox_(self, local.world_size, local.waits) {}

  Rank self() const override { return self_; }
  int world_size() const override { return local_.world_size; }
  void send(Rank to, const Frame& frame) override;
  Task<std::optional<Arrival>> receive(Pattern pattern, Seconds patience) override;
  Bytes carried() const override { return local_.ledger.sent(self_).framed + local_.ledger.received(self_).framed; }
  Seconds now() const override { return local_.clock.now(); }
  Task<void> sleep(Seconds span) override;

  Mailbox& mailbox() { return mailbox_; }

  // The node is no member any more: what it waits for, and will wait for, throws Dismissed, and what it sends is
  // dropped.
  void dismiss();
  bool is_dismissed() const { return is_dismissed_; }

 private:
  Rank self_;
  Local& local_;
  Mailbox mailbox_;
  bool is_dismissed_ = false;
};

}  // namespace laconic::process
