// Whether links keep their promise, seen from both ends: each frame comes as it was sent, in the order sent and once, and
// none of an incarnation that is over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtimes/node/link.h"

namespace laconic::faults {

class LinkWatch {
 public:
  explicit LinkWatch(int processes);

  // `process` was started, for the first time or again.
  void started(int process);
  // Process `at` has heard that `process` was started again: nothing that its earlier incarnations said comes any more.
  void heard_restart(int at, int process);
  void sent(int from, int to, const Frame& frame);
  void came(int from, int to, const Frame& frame);

  const std::vector<std::string>& objections() const { return objections_; }

 private:
  struct Way {
    std::vector<std::uint32_t> sent;  // checksums of the frames
    // Which may come next: several, where frames that look alike may have been lost with an incarnation.
    std::set<std::size_t> next = {0};
    std::set<std::size_t> first = {0};  // which might when the receiver's start was last heard of
    std::vector<std::size_t> starts;    // the first frame of each start of the sender that may not have been heard of
    bool has_come = false;              // any, since the last start that was heard of
    bool is_wrong = false;
  };
  Way& way(int from, int to);

  int processes_;
  std::vector<Way> ways_;
  std::vector<std::string> objections_;
};

// A link that is watched.
class WatchedLink final : public node::Link {
 public:
  // Both outlive it.
  WatchedLink(node::Link& link, LinkWatch& watch) : link_(link), watch_(watch) {}

  // Whom to tell of each frame that is sent.
  void tell(std::function<void(const Frame& frame)> sent) { sent_ = std::move(sent); }

  int self() const override { return link_.self(); }
  int size() const override { return link_.size(); }
  void send(Rank from, Rank to, const Frame& frame) override;
  bool progress(const node::LinkHandlers& handlers) override;
  Seconds pause(bool moved) override { return link_.pause(moved); }
  bool has_left(int process) const override { return link_.has_left(process); }
  std::string held_up_by() const override { return link_.held_up_by(); }
  void beat() override { link_.beat(); }
  void broadcast_end(const std::string& text) override { link_.broadcast_end(text); }
  Seconds last_heard(int process) const override { return link_.last_heard(process); }
  const node::Carried& carried(int process) const override { return link_.carried(process); }

 private:
  node::Link& link_;
  LinkWatch& watch_;
  std::function<void(const Frame& frame)> sent_;
};

}  // namespace laconic::faults
