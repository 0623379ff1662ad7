// Frames, and signs of life, between the processes of an MPI job.
//
// Process r is worker r; process 0 is the coordinator too, which is node `size`. Only messages from one process to
// another are used, and only calls that return at once: a collective of the library's, or a send that waits for its
// receiver, could not be given up when a peer is lost. The library moves data only inside of its calls, so somebody has
// to call progress() again and again (see Waiter), and one thread makes all calls.
//
//   tag  := 4 * kind + lane
//   kind := 0 whole, 1 opening, 2 piece      pieces.h
//         | 3 alive                          empty, in lane 0
//         | 4 end                            a text, in lane 0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/ids.h"
#include "base/units.h"
#include "comm/frame.h"
#include "links/mpi/environment.h"

namespace laconic::mpi {

// The longest text of an end, in bytes.
inline constexpr std::size_t kMaxEndSize = 4096;

// What progress() reports. Each must be set; they may call send(), beat() and broadcast_end(), but not progress(). What
// one throws comes out of progress(); the link goes on with the next message at the next call.
struct Handlers {
  // A frame came whole. Frames from one node to another come in the order sent.
  std::function<void(Rank from, Rank to, Frame frame)> frame;
  // Something came that is no frame, or none that the job can send; it is dropped. `from` is the worker of the sending
  // process where the message tells no node that lives there.
  std::function<void(Rank from, Rank to, const std::string& problem)> refused;
  // Process `process` says that the run ends, and why: at most kMaxEndSize bytes without control characters.
  std::function<void(int process, const std::string& text)> end;
  // The library gave up on process `process`, for good: what waits for it, and what is sent to it later, is dropped.
  // Once a process. Most losses show in silence only: see last_heard.
  std::function<void(int process, const std::string& problem)> failed;
};

// What was handed to the library for one process, without signs of life and ends.
struct Carried {
  std::uint64_t frames = 0;  // of which the last byte was
  std::uint64_t bytes = 0;   // of frames, and 8 more for each that travels in pieces
};

class Link {
 public:
  // `environment` outlives the link. Every process makes as many links, in the same order, and only one at a time.
  // Frames of more than `max_payload` bytes are refused when they arrive.
  Link(Environment& environment, std::uint64_t max_payload);
  // Drops what is on its way; flush() first. What the library may still read is left to it.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Queues the frame, whose bytes are shared, and returns. Fails a check unless `from` lives in this process and `to`
  // in another.
  void send(Rank from, Rank to, const Frame& frame);

  // Moves what can be moved without waiting, and reports what came. Returns whether anything moved. Throws RunError
  // when the library fails as a whole.
  bool progress(const Handlers& handlers);
  // Whether a message is under way between the processes in either direction, as far as this one knows: then the
  // library may have more to move at the next call though nothing showed in this one.
  bool is_busy() const;
  // Whether all that was to be sent to processes that are still there, ends included, has left.
  bool idle() const;
  // progress() until idle(), at most for `limit`. Returns idle().
  bool flush(Seconds limit, const Handlers& handlers);

  // A sign of life: from process 0 to all others, from each other one to process 0. None to a process that has not
  // taken the one before.
  void beat();
  // Tells all other processes that the run ends, past all that is queued. `text` is cut to kMaxEndSize bytes.
  void broadcast_end(const std::string& text);

  // Time since the link was made.
  Seconds now() const;
  // When the last message of any kind came from a process, or the next part of a long frame; 0 when none did.
  Seconds last_heard(int process) const;
  const Carried& carried(int process) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace laconic::mpi
