#include "runtimes/process/node.h"

#include "base/error.h"
#include "comm/attendance.h"

namespace laconic::process {

void Endpoint::send(Rank to, const Frame& frame) {
  if (is_dismissed_) return;
  LACONIC_CHECK(is_node(to, local_.world_size) && to != self_, "send to node " << to.value);
  local_.ledger.record_sent(self_, frame);
  ++local_.sent;
  if (node::process_of(to, local_.placement) == local_.process) {
    local_.ledger.record_local(self_, frame);
    local_.parcels.push_back({.from = self_, .to = to, .frame = frame});
  } else {
    local_.link.send(self_, to, frame);
  }
}

Task<std::optional<Arrival>> Endpoint::receive(Pattern pattern, Seconds patience) {
  if (is_dismissed_) throw Dismissed();
  return mailbox_.receive(pattern, now(), patience);
}

void Endpoint::dismiss() {
  is_dismissed_ = true;
  mailbox_.fail(std::make_exception_ptr(Dismissed()));
}

Task<void> Endpoint::sleep(Seconds span) {
  co_await suspend<bool>(
      [this, span](Resume<bool> resume) { local_.sleeping.emplace(now() + span, std::move(resume)); });
}

}  // namespace laconic::process
