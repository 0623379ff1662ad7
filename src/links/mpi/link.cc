#include "links/mpi/link.h"

#include <algorithm>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "links/mpi/handles.h"
#include "links/mpi/waiter.h"
#include "runtimes/node/pieces.h"

namespace laconic::mpi {
namespace {

using node::Assembly;
using node::kLanes;
using node::Outbox;
using node::Outgoing;
using node::Part;

enum class Kind : int { kWhole, kOpening, kPiece, kAlive, kEnd };
constexpr int kKinds = 5;

// Messages with frames that the library holds for one process at a time. Enough that the next is there when one has
// left; what is behind them can still be passed by another lane.
constexpr int kWindow = 4;
// Receives that were begun and are not done, a process of the job. A sender that keeps to its window never gets there.
constexpr std::size_t kMaxReceives = 2 * kWindow;
// Messages taken in one call, so that a sender that never stops does not keep its receiver from everything else.
constexpr int kMaxTaken = 64;
// Buffers kept for the next receives.
constexpr std::size_t kKeptBuffers = 8;

int tag_of(Kind kind, std::size_t lane) {
  return static_cast<int>(kind) * static_cast<int>(kLanes) + static_cast<int>(lane);
}

Kind kind_of(Part part) {
  return part == Part::kWhole ? Kind::kWhole : part == Part::kOpening ? Kind::kOpening : Kind::kPiece;
}

Part part_of(Kind kind) {
  return kind == Kind::kWhole ? Part::kWhole : kind == Kind::kOpening ? Part::kOpening : Part::kPiece;
}

// A message that the library reads from.
struct Sending {
  int to = 0;
  Kind kind = Kind::kAlive;
  std::unique_ptr<Outgoing> message;  // of a frame: shares its bytes
  std::shared_ptr<const std::string> text;
};

using Buffer = std::unique_ptr<std::byte[]>;

// A message that the library writes to, or wrote to and that waits for those before it.
struct Receiving {
  int tag = 0;
  Buffer buffer;
  std::size_t size = 0;
  bool too_long = false;
  bool done = false;
};

// Requests and, in the same order, what belongs to them: the library wants the former in one piece.
template <class T>
struct Requests {
  std::vector<MPI_Request> requests;
  std::vector<T> items;
  void add(MPI_Request request, T item) {
    requests.push_back(request);
    items.push_back(std::move(item));
  }
  T take(std::size_t at) {
    T item = std::move(items[at]);
    if (at + 1 != items.size()) {
      items[at] = std::move(items.back());
      requests[at] = requests.back();
    }
    items.pop_back();
    requests.pop_back();
    return item;
  }
};

// The requests that are complete, as (index, error code), from the last to the first, so that each can be taken out.
std::vector<std::pair<std::size_t, int>> complete(std::vector<MPI_Request>& requests) {
  std::vector<std::pair<std::size_t, int>> found;
  if (requests.empty()) return found;
  std::vector<int> indices(requests.size());
  std::vector<MPI_Status> statuses(requests.size());
  int count = 0;
  const int code =
      MPI_Testsome(static_cast<int>(requests.size()), requests.data(), &count, indices.data(), statuses.data());
  int error_class = MPI_SUCCESS;
  if (code != MPI_SUCCESS) MPI_Error_class(code, &error_class);
  if (error_class != MPI_ERR_IN_STATUS) expect_success(code, "MPI_Testsome");
  if (count == MPI_UNDEFINED) return found;
  for (int i = 0; i < count; ++i) {
    const int error = code == MPI_SUCCESS ? MPI_SUCCESS : statuses[static_cast<std::size_t>(i)].MPI_ERROR;
    found.emplace_back(static_cast<std::size_t>(indices[static_cast<std::size_t>(i)]), error);
  }
  std::ranges::sort(found, std::ranges::greater());
  return found;
}

}  // namespace

// What the link knows of one other process.
struct Peer {
  Outbox outbox{kPieceSize};
  int in_window = 0;  // messages with frames that the library holds
  int ends = 0;       // and with ends
  bool alive_under_way = false;
  bool failed = false;
  node::Carried carried;
  std::vector<Assembly> assemblies;  // one a lane
  std::deque<std::shared_ptr<Receiving>> arrivals;
  Seconds heard;
};

struct MpiLink::State {
  State(Clock& of_process, std::uint64_t largest_payload) : clock(of_process), max_payload(largest_payload) {}

  MPI_Comm comm = MPI_COMM_NULL;
  int self = 0;
  int size = 1;
  Clock& clock;
  std::uint64_t max_payload;
  Waiter waiter;
  std::vector<Peer> peers;
  Requests<Sending> sends;
  Requests<std::shared_ptr<Receiving>> receives;
  std::vector<Buffer> buffers;
  std::vector<std::pair<int, std::string>> failures;  // not reported yet
  bool inside = false;

  Seconds now() const { return clock.now(); }
  bool is_busy() const;
  void fail(int process, const std::string& problem);
  bool post(Sending sending, std::span<const std::byte> bytes, std::size_t lane);
  bool complete_sends();
  bool start_sends();
  bool complete_receives();
  bool start_receive();
  bool report(const node::LinkHandlers& handlers);
  void deliver(int process, Receiving& message, const node::LinkHandlers& handlers);
  Buffer take_buffer();
};

void MpiLink::State::fail(int process, const std::string& problem) {
  Peer& peer = peers[static_cast<std::size_t>(process)];
  if (peer.failed) return;
  peer.failed = true;
  peer.outbox.clear();
  failures.emplace_back(process, problem);
}

// Hands a message to the library. False where it refuses, which fails the process that the message is for.
bool MpiLink::State::post(Sending sending, std::span<const std::byte> bytes, std::size_t lane) {
  MPI_Request request = MPI_REQUEST_NULL;
  const int code = MPI_Isend(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, sending.to,
                             tag_of(sending.kind, lane), comm, &request);
  if (code != MPI_SUCCESS) {
    fail(sending.to, error_text(code));
    return false;
  }
  Peer& peer = peers[static_cast<std::size_t>(sending.to)];
  if (sending.message) ++peer.in_window;
  if (sending.kind == Kind::kAlive) peer.alive_under_way = true;
  if (sending.kind == Kind::kEnd) ++peer.ends;
  sends.add(request, std::move(sending));
  return true;
}

bool MpiLink::State::complete_sends() {
  const auto done = complete(sends.requests);
  for (const auto& [index, error] : done) {
    const Sending sent = sends.take(index);
    Peer& peer = peers[static_cast<std::size_t>(sent.to)];
    if (sent.message) --peer.in_window;
    if (sent.kind == Kind::kAlive) peer.alive_under_way = false;
    if (sent.kind == Kind::kEnd) --peer.ends;
    if (error != MPI_SUCCESS) fail(sent.to, error_text(error));
  }
  return !done.empty();
}

bool MpiLink::State::start_sends() {
  bool moved = false;
  for (int to = 0; to < size; ++to) {
    Peer& peer = peers[static_cast<std::size_t>(to)];
    while (!peer.outbox.empty() && peer.in_window < kWindow) {
      auto message = std::make_unique<Outgoing>(peer.outbox.pop());
      const std::span<const std::byte> bytes = message->bytes();
      const std::size_t lane = message->lane();
      const bool is_last = message->is_last();
      const Kind kind = kind_of(message->part());
      if (!post({.to = to, .kind = kind, .message = std::move(message), .text = nullptr}, bytes, lane)) break;
      peer.carried.bytes += bytes.size();
      if (is_last) ++peer.carried.frames;
      moved = true;
    }
  }
  return moved;
}

bool MpiLink::State::complete_receives() {
  const auto done = complete(receives.requests);
  for (const auto& [index, error] : done) {
    const std::shared_ptr<Receiving> message = receives.take(index);
    message->done = true;
    expect_success(error, "MPI_Imrecv");
  }
  return !done.empty();
}

// Begins to receive the next message, if one is there.
bool MpiLink::State::start_receive() {
  if (receives.items.size() >= kMaxReceives * peers.size()) return false;
  int is_there = 0;
  MPI_Message handle = MPI_MESSAGE_NULL;
  MPI_Status status;
  expect_success(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &is_there, &handle, &status), "MPI_Improbe");
  if (is_there == 0) return false;
  int count = 0;
  expect_success(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count");
  auto message = std::make_shared<Receiving>();
  message->tag = status.MPI_TAG;
  message->too_long = count == MPI_UNDEFINED || static_cast<std::size_t>(count) > kPieceSize;
  message->size = count == MPI_UNDEFINED ? 0 : static_cast<std::size_t>(count);
  Peer& peer = peers[static_cast<std::size_t>(status.MPI_SOURCE)];
  peer.heard = now();
  peer.arrivals.push_back(message);
  if (count == MPI_UNDEFINED) {  // above 2 GiB: it stays where it is, and its sender waits
    message->done = true;
    return true;
  }
  // What is too long is received in full to be dropped. A receive that cuts it is no way: from shared memory Open
  // MPI 4.1 copies the whole message whatever the room.
  message->buffer = message->too_long ? std::make_unique_for_overwrite<std::byte[]>(message->size) : take_buffer();
  MPI_Request request = MPI_REQUEST_NULL;
  expect_success(MPI_Imrecv(message->buffer.get(), count, MPI_BYTE, &handle, &request), "MPI_Imrecv");
  receives.add(request, std::move(message));
  return true;
}

// Reports what came, in the order of each sender's messages.
bool MpiLink::State::report(const node::LinkHandlers& handlers) {
  bool moved = false;
  for (int process = 0; process < size; ++process) {
    Peer& peer = peers[static_cast<std::size_t>(process)];
    while (!peer.arrivals.empty() && peer.arrivals.front()->done) {
      const std::shared_ptr<Receiving> message = std::move(peer.arrivals.front());
      peer.arrivals.pop_front();
      peer.heard = now();
      moved = true;
      deliver(process, *message, handlers);
      if (!message->too_long && buffers.size() < kKeptBuffers) buffers.push_back(std::move(message->buffer));
    }
  }
  while (!failures.empty()) {
    const auto [process, problem] = std::move(failures.back());
    failures.pop_back();
    moved = true;
    handlers.failed(process, problem);
  }
  return moved;
}

void MpiLink::State::deliver(int process, Receiving& message, const node::LinkHandlers& handlers) {
  const auto lane = static_cast<std::size_t>(message.tag) % kLanes;
  const int kind = message.tag / static_cast<int>(kLanes);
  const node::Ends ends = node::ends_of(lane, process, self);
  const auto [from, to] = ends.exist ? std::pair(ends.from, ends.to) : std::pair(Rank{process}, Rank{self});
  if (!ends.exist || kind >= kKinds || message.too_long) {
    handlers.refused(
        from, to,
        "message: " + std::string(message.too_long ? "longer than a piece" : "no message of this program") + " (tag " +
            std::to_string(message.tag) + ")");
    return;
  }
  const std::span<const std::byte> bytes(message.buffer.get(), message.size);
  switch (static_cast<Kind>(kind)) {
    case Kind::kAlive:
      return;
    case Kind::kEnd:
      handlers.end(process, node::end_text(bytes));
      return;
    default:
      break;
  }
  Frame frame;
  try {
    Assembly& assembly = peers[static_cast<std::size_t>(process)].assemblies[lane];
    const auto wire = assembly.take(part_of(static_cast<Kind>(kind)), bytes);
    if (!wire) return;
    frame = Frame::decode(*wire, max_payload);
  } catch (const DecodeError& error) {
    handlers.refused(from, to, error.what());
    return;
  }
  handlers.frame(from, to, std::move(frame));
}

Buffer MpiLink::State::take_buffer() {
  if (buffers.empty()) return std::make_unique_for_overwrite<std::byte[]>(kPieceSize);
  Buffer buffer = std::move(buffers.back());
  buffers.pop_back();
  return buffer;
}

MpiLink::MpiLink(Environment& environment, Clock& clock, std::uint64_t max_payload)
    : state_(std::make_unique<State>(clock, max_payload)) {
  State& s = *state_;
  s.comm = environment.handles().comm;
  s.self = environment.rank();
  s.size = environment.size();
  s.peers.resize(static_cast<std::size_t>(s.size));
  for (Peer& peer : s.peers) peer.assemblies.assign(kLanes, Assembly(kPieceSize, max_payload + kMaxHeaderSize));
}

MpiLink::~MpiLink() {
  // The library goes on to read and write these, when it is ended if not before.
  if (!state_->sends.items.empty() || !state_->receives.items.empty()) static_cast<void>(state_.release());
}

void MpiLink::send(Rank from, Rank to, const Frame& frame) {
  State& s = *state_;
  LACONIC_CHECK(is_node(from, s.size) && node::process_of(from) == s.self,
                "node " << from.value << " does not live in process " << s.self);
  LACONIC_CHECK(is_node(to, s.size) && node::process_of(to) != s.self,
                "node " << to.value << " does not live in another process than " << s.self << " of " << s.size);
  Peer& peer = s.peers[static_cast<std::size_t>(node::process_of(to))];
  if (peer.failed) return;
  peer.outbox.push(node::lane_of(from, to), frame);
}

bool MpiLink::progress(const node::LinkHandlers& handlers) {
  State& s = *state_;
  LACONIC_CHECK(!s.inside, "progress() from a handler");
  LACONIC_CHECK(handlers.frame && handlers.refused && handlers.end && handlers.failed, "a handler is not set");
  struct Inside {
    explicit Inside(bool& flag) : flag_(flag) { flag_ = true; }
    ~Inside() { flag_ = false; }
    bool& flag_;
  } const inside(s.inside);

  bool moved = s.complete_sends();
  for (int taken = 0; taken < kMaxTaken && s.start_receive(); ++taken) moved = true;
  moved |= s.complete_receives();
  moved |= s.report(handlers);
  moved |= s.start_sends();  // answers of the handlers too
  return moved;
}

// Whether a message is under way between the processes in either direction, as far as this one knows: then the library
// may have more to move at the next call though nothing showed in this one.
bool MpiLink::State::is_busy() const {
  return !receives.items.empty() || std::ranges::any_of(peers, [](const Peer& peer) {
    return !peer.failed && (peer.in_window > 0 || peer.ends > 0 || !peer.outbox.empty());
  });
}

int MpiLink::self() const { return state_->self; }
int MpiLink::size() const { return state_->size; }

Seconds MpiLink::pause(bool moved) {
  return {std::chrono::duration<double>(state_->waiter.next(moved, state_->is_busy())).count()};
}

bool MpiLink::has_left(int process) const {
  const Peer& peer = state_->peers.at(static_cast<std::size_t>(process));
  return peer.failed || (peer.in_window == 0 && peer.ends == 0 && peer.outbox.empty());
}

void MpiLink::beat() {
  State& s = *state_;
  for (int to = 0; to < s.size; ++to) {
    const Peer& peer = s.peers[static_cast<std::size_t>(to)];
    if (to == s.self || (s.self != 0 && to != 0) || peer.alive_under_way || peer.failed) continue;
    s.post({.to = to, .kind = Kind::kAlive, .message = nullptr, .text = nullptr}, {}, 0);
  }
}

void MpiLink::broadcast_end(const std::string& text) {
  State& s = *state_;
  const auto shared = std::make_shared<const std::string>(text.substr(0, node::kMaxEndSize));
  for (int to = 0; to < s.size; ++to) {
    if (to == s.self || s.peers[static_cast<std::size_t>(to)].failed) continue;
    s.post({.to = to, .kind = Kind::kEnd, .message = nullptr, .text = shared}, std::as_bytes(std::span(*shared)), 0);
  }
}

Seconds MpiLink::last_heard(int process) const { return state_->peers.at(static_cast<std::size_t>(process)).heard; }

const node::Carried& MpiLink::carried(int process) const {
  return state_->peers.at(static_cast<std::size_t>(process)).carried;
}

}  // namespace laconic::mpi
