// What carries frames, signs of life and the news of an end between the processes of a job.
//
// Process r is worker r, and process 0 is the coordinator too, which is node kCoordinator; or the coordinator has process
// 0 to itself, and process r + 1 is worker r (Placement). A link is reliable while a process is
// there: frames from one node to another come whole and in the order sent. What a lost process should have sent never
// comes; most losses show in silence only (last_heard()).
//
// A link is either polled, as it has nothing to wait on, or wakes the clock of its process when something came: pause()
// says which. One thread makes all calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/ids.h"
#include "base/units.h"
#include "comm/frame.h"

namespace laconic::node {

// Which process a node lives in.
enum class Placement {
  kCoordinatorBesideWorker0,
  kCoordinatorApart,
};
inline int process_of(Rank node, Placement placement = Placement::kCoordinatorBesideWorker0) {
  if (node == kCoordinator) return 0;
  return placement == Placement::kCoordinatorApart ? node.value + 1 : node.value;
}
// The node that messages of a process as such are from and to: its worker where it has one.
inline Rank node_of(int process, Placement placement = Placement::kCoordinatorBesideWorker0) {
  if (placement == Placement::kCoordinatorBesideWorker0) return {process};
  return process == 0 ? kCoordinator : Rank{process - 1};
}
// Of a job of so many processes.
inline int workers_of(int processes, Placement placement) {
  return placement == Placement::kCoordinatorApart ? processes - 1 : processes;
}

// The longest text of an end, in bytes.
inline constexpr std::size_t kMaxEndSize = 4096;

// The text of an end as it came: cut to kMaxEndSize, and what could steer a terminal replaced, that is the control
// characters of ASCII, and of Latin-1 as UTF-8 has them.
std::string end_text(std::span<const std::byte> bytes);

// What progress() reports. Each must be set; they may call send(), beat() and broadcast_end(), but not progress(). What
// one throws comes out of progress(); the link goes on with the next message at the next call.
struct LinkHandlers {
  // A frame came whole.
  std::function<void(Rank from, Rank to, Frame frame)> frame;
  // Something came that is no frame, or none that the job can send; it is dropped. `from` is the worker of the sending
  // process where the message tells no node that lives there.
  std::function<void(Rank from, Rank to, const std::string& problem)> refused;
  // Process `process` says that the run ends, and why: at most kMaxEndSize bytes without control characters.
  std::function<void(int process, const std::string& text)> end;
  // The link gave up on process `process`, for good: what waits for it, and what is sent to it later, is dropped. Once
  // a process.
  std::function<void(int process, const std::string& problem)> failed;
};

// What was handed to the network for one process, without signs of life and ends.
struct Carried {
  std::uint64_t frames = 0;  // of which the last byte was
  std::uint64_t bytes = 0;
};

class Link {
 public:
  virtual ~Link() = default;

  // This process, and how many there are.
  virtual int self() const = 0;
  virtual int size() const = 0;

  // Queues the frame, whose bytes are shared, and returns. Fails a check unless `from` lives in this process and `to`
  // in another.
  virtual void send(Rank from, Rank to, const Frame& frame) = 0;

  // Moves what can be moved without waiting, and reports what came. Returns whether anything moved. Throws RunError
  // when the link fails as a whole.
  virtual bool progress(const LinkHandlers& handlers) = 0;
  // How long this process may sleep before it has to call progress() again, unless the clock wakes it: 0, not at all;
  // infinity, until it is woken. `moved`: what progress() has just returned.
  virtual Seconds pause(bool moved) = 0;
  // Whether all that was to be sent to another process, ends included, has left, or that process is not there any more.
  virtual bool has_left(int process) const = 0;
  // The same of all others.
  bool idle() const;
  // What may hold up a call for good once a process is lost, as messages for people name it: "the MPI library". Empty
  // where every call returns.
  virtual std::string held_up_by() const = 0;

  // A sign of life: from process 0 to all others, from each other one to process 0. None to a process that has not
  // taken the one before.
  virtual void beat() = 0;
  // Tells all other processes that the run ends, past all that is queued. `text` is cut to kMaxEndSize bytes.
  virtual void broadcast_end(const std::string& text) = 0;

  // When the last message of any kind came from a process, or the next part of a long frame, on the clock of this
  // process; 0 when none did.
  virtual Seconds last_heard(int process) const = 0;
  virtual const Carried& carried(int process) const = 0;
};

}  // namespace laconic::node
