// Frames, and signs of life, between the processes of an MPI job: runtimes/node/link.h over messages.
//
// Only messages from one process to another are used, and only calls that return at once: a collective of the
// library's, or a send that waits for its receiver, could not be given up when a peer is lost. The library moves data
// only inside of its calls and shows nothing to wait on, so it is polled (Waiter).
//
//   tag  := 4 * kind + lane
//   kind := 0 whole, 1 opening, 2 piece      runtimes/node/pieces.h
//         | 3 alive                          empty, in lane 0
//         | 4 end                            a text, in lane 0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "links/mpi/environment.h"
#include "runtimes/node/clock.h"
#include "runtimes/node/link.h"

namespace laconic::mpi {

// On a link of 10 Mbit/s a piece takes 0.4 s.
inline constexpr std::size_t kPieceSize = std::size_t{512} << 10;

class MpiLink final : public node::Link {
 public:
  // `environment` and `clock` outlive the link. Every process makes as many links, in the same order, and only one at a
  // time. Frames of more than `max_payload` bytes are refused when they arrive.
  MpiLink(Environment& environment, Clock& clock, std::uint64_t max_payload);
  // Drops what is on its way. What the library may still read is left to it.
  ~MpiLink() override;
  MpiLink(const MpiLink&) = delete;
  MpiLink& operator=(const MpiLink&) = delete;

  int self() const override;
  int size() const override;
  void send(Rank from, Rank to, const Frame& frame) override;
  bool progress(const node::LinkHandlers& handlers) override;
  Seconds pause(bool moved) override;
  bool has_left(int process) const override;
  // Some libraries do not come back from a call once a peer has died (Open MPI 4.1 over TCP).
  std::string held_up_by() const override { return std::string(kLibrary); }
  void beat() override;
  void broadcast_end(const std::string& text) override;
  Seconds last_heard(int process) const override;
  // `bytes`: of frames, and 8 more for each that travels in pieces.
  const node::Carried& carried(int process) const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace laconic::mpi
