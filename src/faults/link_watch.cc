#include "faults/link_watch.h"

#include "comm/crc32c.h"

namespace laconic::faults {
namespace {

std::uint32_t checksum_of(const Frame& frame) {
  const FrameHeader header = frame.header();
  return crc32c(frame.payload()) + static_cast<std::uint32_t>(header.round.value) * 2654435761U +
         (static_cast<std::uint32_t>(header.tag) << 8) + static_cast<std::uint32_t>(header.traffic);
}

int process_of(Rank node) { return node::process_of(node, node::Placement::kCoordinatorApart); }

std::string name_of(int process) {
  return process == 0 ? std::string("the coordinator") : "worker " + std::to_string(process - 1);
}

}  // namespace

LinkWatch::LinkWatch(int processes)
    : processes_(processes), ways_(static_cast<std::size_t>(processes) * static_cast<std::size_t>(processes)) {}

LinkWatch::Way& LinkWatch::way(int from, int to) {
  return ways_.at(static_cast<std::size_t>(from) * static_cast<std::size_t>(processes_) + static_cast<std::size_t>(to));
}

void LinkWatch::started(int process) {
  for (int other = 0; other < processes_; ++other) {
    Way& from = way(process, other);
    Way& to = way(other, process);
    from.starts.push_back(from.sent.size());
    // Of whom nothing has come it is not known that it is another, and it hears what the one before was told.
    if (!from.has_come) to.next.insert(to.first.begin(), to.first.end());
  }
}

void LinkWatch::heard_restart(int at, int process) {
  Way& from = way(process, at);
  Way& to = way(at, process);
  // What is said to one that has never spoken is for the first that does.
  if (from.has_come) to.next.clear();
  to.next.insert(to.sent.size());
  to.first = to.next;
  const std::size_t reached = *from.next.begin();
  from.next.clear();
  for (const std::size_t start : from.starts) {
    if (start >= reached) from.next.insert(start);
  }
  from.starts.clear();
  from.has_come = false;
}

void LinkWatch::sent(int from, int to, const Frame& frame) { way(from, to).sent.push_back(checksum_of(frame)); }

void LinkWatch::came(int from, int to, const Frame& frame) {
  Way& one = way(from, to);
  if (one.is_wrong) return;
  // A start of one that had never spoken is not heard of.
  if (!one.has_come) one.next.insert(one.starts.begin(), one.starts.end());
  one.has_come = true;
  const std::uint32_t checksum = checksum_of(frame);
  std::set<std::size_t> behind;
  for (const std::size_t place : one.next) {
    if (place < one.sent.size() && one.sent[place] == checksum) behind.insert(place + 1);
  }
  one.is_wrong = behind.empty();
  if (one.is_wrong) {
    objections_.push_back("a frame (" + std::string(to_text(frame.header().tag)) + ") from " + name_of(from) + " to " +
                          name_of(to) + " is lost, comes twice, or comes from an incarnation that is over");
  } else {
    one.next = std::move(behind);
  }
}

void WatchedLink::send(Rank from, Rank to, const Frame& frame) {
  watch_.sent(self(), process_of(to), frame);
  if (sent_) sent_(frame);
  link_.send(from, to, frame);
}

bool WatchedLink::progress(const node::LinkHandlers& handlers) {
  node::LinkHandlers watched = handlers;
  watched.frame = [&](Rank from, Rank to, Frame frame) {
    watch_.came(process_of(from), self(), frame);
    handlers.frame(from, to, std::move(frame));
  };
  return link_.progress(watched);
}

}  // namespace laconic::faults
