// A network within one test: the mailboxes, frames and deadlines of production, and a clock that moves only when nothing
// else can. What is sent lies in flight() until it is delivered, where a test loses, repeats, delays or forges it.
#pragma once

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "comm/mailbox.h"
#include "comm/transport.h"

namespace laconic {

class TestNetwork {
 public:
  struct Parcel {
    Rank from;
    Rank to;
    Frame frame;
  };

  // Nodes 0 .. world_size-1 and the coordinator.
  explicit TestNetwork(int world_size) {
    for (std::int32_t place = 0; place <= world_size; ++place) {
      nodes_.push_back(std::make_unique<Endpoint>(node_at(place, world_size), world_size, *this));
    }
  }
  ~TestNetwork() { unwind(); }
  TestNetwork(const TestNetwork&) = delete;
  TestNetwork& operator=(const TestNetwork&) = delete;

  // By its place: a worker by its rank, the coordinator behind them.
  Transport& node(int place) { return *nodes_.at(static_cast<std::size_t>(place)); }

  // From now on frames stay in flight until deliver(), also while nodes wait.
  void hold() { held_ = true; }
  std::deque<Parcel>& flight() { return flight_; }
  // Brings the oldest frame, or all, byte for byte as they travel.
  void deliver_one() {
    const Parcel parcel = std::move(flight_.front());
    flight_.pop_front();
    Endpoint& to = *nodes_.at(static_cast<std::size_t>(place_of(parcel.to, static_cast<int>(nodes_.size()) - 1)));
    to.bytes += parcel.frame.wire_size();
    to.mailbox.deliver({parcel.from, Frame::decode(parcel.frame.wire(), kMaxPayloadSize)});
    to.most_kept = std::max(to.most_kept, to.mailbox.kept_bytes());
    go_on();
  }
  void deliver() {
    while (!flight_.empty()) deliver_one();
  }

  // The most bytes of frames that a node has kept at a time before it asked for them.
  std::uint64_t most_kept(int place) const { return nodes_.at(static_cast<std::size_t>(place))->most_kept; }
  // What node `place` waits for of node `from` comes no more.
  void give_up(int place, Rank from) {
    nodes_.at(static_cast<std::size_t>(place))->mailbox.give_up(from);
    go_on();
  }

  // Begins a task that may wait for ever, as a coordinator's does.
  void start(Task<void> task) {
    asio::co_spawn(io_.get_executor(), std::move(task), [this](const std::exception_ptr& error) {
      if (error && !error_) error_ = error;
    });
    go_on();
  }
  // Runs tasks side by side until all are done. Throws what the first of them threw, after which nothing is under way.
  void run(std::vector<Task<void>> tasks) {
    std::size_t running = tasks.size();
    for (Task<void>& task : tasks) {
      asio::co_spawn(io_.get_executor(), std::move(task), [this, &running](const std::exception_ptr& error) {
        --running;
        if (error && !error_) error_ = error;
      });
    }
    go_on();
    while (running > 0 && !error_) step();
    if (!error_) return;
    unwind();
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    std::vector<Task<void>> tasks;
    tasks.push_back(keep(std::move(task), result));
    run(std::move(tasks));
    return std::move(*result);
  }
  void run(Task<void> task) {
    std::vector<Task<void>> tasks;
    tasks.push_back(std::move(task));
    run(std::move(tasks));
  }

 private:
  struct Endpoint final : Transport {
    Endpoint(Rank rank, int size, TestNetwork& of)
        : own(rank), workers(size), net(of), mailbox(rank, size, of.waits_) {}
    Rank self() const override { return own; }
    int world_size() const override { return workers; }
    void send(Rank to, const Frame& frame) override {
      bytes += frame.wire_size();
      net.flight_.push_back({own, to, frame});
    }
    Task<std::optional<Arrival>> receive(Pattern pattern, Seconds patience) override {
      return mailbox.receive(pattern, net.now_, patience);
    }
    Bytes carried() const override { return bytes; }
    Seconds now() const override { return net.now_; }
    Task<void> sleep(Seconds span) override {
      const Pattern nothing{.from = own, .tags = Tag::kVerdict, .round = {kMaxRound}, .may_be_late = true};
      co_await mailbox.receive(nothing, net.now_, span);
    }

    Rank own;
    int workers;
    TestNetwork& net;
    Mailbox mailbox;
    Bytes bytes;
    std::uint64_t most_kept = 0;
  };

  template <typename T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  void go_on() {
    io_.poll();
    io_.restart();
  }
  // Ends the waits whose time has come (a poll's at once), or brings a frame, or lets time pass until a wait ends.
  void step() {
    const Seconds deadline = waits_.next_deadline();
    if (deadline > now_ && !held_ && !flight_.empty()) {
      deliver_one();
      return;
    }
    if (deadline == kIdle) throw std::logic_error("every node of the test waits for another");
    now_ = std::max(now_, deadline);
    waits_.expire(now_);
    go_on();
  }
  void unwind() {
    for (auto& node : nodes_) node->mailbox.drop_receives();
    go_on();
  }

  asio::io_context io_{1};
  WaitList waits_;
  std::vector<std::unique_ptr<Endpoint>> nodes_;
  std::deque<Parcel> flight_;
  bool held_ = false;
  Seconds now_;
  std::exception_ptr error_;
};

}  // namespace laconic
