// Frames between processes over sessions: runtimes/node/link.h over byte streams that may break.
//
// A session with another process outlives its streams. While one is down, what is sent waits; when the next one is up,
// each side goes on with what the other has not taken, in the middle of a frame where need be. So a frame comes whole,
// in order and once, as long as both processes live and meet again.
//
// Of two processes the one with the higher number dials, again and again with growing pauses, and each session has two
// streams: ends and signs of life go over the first, frames over the second. All limits of time follow from one, the
// deadline; who has been silent for how long is for the runtime to judge (last_heard()).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "links/session/hello.h"
#include "runtimes/node/clock.h"
#include "runtimes/node/link.h"
#include "runtimes/node/stream.h"

namespace laconic::session {

struct SessionOptions {
  int self = 0;
  int size = 1;
  bool star = false;  // only process 0 has sessions with all; the others have none with each other
  node::Placement placement = node::Placement::kCoordinatorBesideWorker0;
  std::uint64_t job = 0;          // fingerprint of the job: another one's processes are refused
  std::uint64_t incarnation = 1;  // of this process; 0: those that are dialled give one
  std::uint64_t seed = 0;         // of the jitter of pauses
  Seconds deadline{600.0};
  std::uint64_t max_payload = kMaxPayloadSize;  // of a frame
  // Asked when process `process`, which proved `identity` (ByteStream::identity), says hello as another incarnation than
  // `known`, that of its present session (0: none): `claimed`, 0 where it wants one. Where it is not set, who claims
  // one gets it unless it is older than `known`, and who wants one gets the next.
  std::function<Admission(int process, const std::string& identity, std::uint64_t claimed, std::uint64_t known)> admit =
      {};
  // Told that a process is another incarnation than before, so that what was sent to the one before and not
  // acknowledged is lost. Where it is not set, the link gives up on that process (LinkHandlers::failed).
  std::function<void(int process, std::uint64_t incarnation)> restarted = {};
  // Told why a stream was given up that carried what no process of the job may send; the session goes on over the next.
  // May be empty.
  std::function<void(int process, const std::string& problem)> objected = {};
};

class SessionLink final : public node::Link {
 public:
  // `streams` and `clock` outlive the link.
  SessionLink(node::Streams& streams, Clock& clock, SessionOptions options);
  // Says to all others that this process has left.
  ~SessionLink() override;
  SessionLink(const SessionLink&) = delete;
  SessionLink& operator=(const SessionLink&) = delete;

  int self() const override;
  int size() const override;
  void send(Rank from, Rank to, const Frame& frame) override;
  bool progress(const node::LinkHandlers& handlers) override;
  Seconds pause(bool moved) override;
  // Whether all is acknowledged: it is with the other process, not only on its way.
  bool has_left(int process) const override;
  std::string held_up_by() const override { return {}; }
  void beat() override;
  void broadcast_end(const std::string& text) override;
  Seconds last_heard(int process) const override;
  // `bytes`: of frames, and 8 more for each that travels in pieces; what is sent again after a break counts once.
  const node::Carried& carried(int process) const override;

  // The incarnation of another process with which there is a session; 0 before there is one.
  std::uint64_t incarnation_of(int process) const;
  // Streams of sessions that were up and broke, so far.
  std::uint64_t breaks() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace laconic::session
