// Communication of one node: messages with deadlines and the collectives, written once on send and receive.
//
// Costs, for n floats, K workers, counted over all workers, in payload bytes:
//   star  4n K up to the coordinator and 4n K down                    two latencies
//   ring  4n (K-1) to reduce and 4n (K-1) to gather                   2 (K-1) latencies
//   tree  4n (K-1) up and 4n (K-1) down                               2 ceil(log2 K) latencies
// Where workers come and go, the star, over the k that are present: a byte more up for each of them, 9 of a model or a
// gradient, and a few more down where the view is another (attendance.h). A vector of more than a piece of p floats is
// pulled (pulled_reduction.h): 9 bytes more up to announce it, and for each of its ceil(n/p) pieces 12 bytes down and 8
// more up; two latencies more.
// All workers get the same bits, and a sum's order depends on ranks only: star adds in the order of ranks in double and
// rounds once; ring and tree add in float32 in the order of their edges. A weighted mean costs the same bytes: through
// the coordinator parts go as they are, and it weighs them; on ring and tree each worker multiplies its own part first
// (mean_weights.h).
//
// The thread that runs the protocol also carries messages and signs of life. So what goes over whole vectors (sums,
// copies, frames that are filled) is handed to a processor, one piece of arithmetic at a time and each awaited, so that
// which thread does it changes no bit. A vector that is short is not worth that (kWorthAHop).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/archive.h"
#include "comm/attendance.h"
#include "comm/frame.h"
#include "comm/mean_weights.h"
#include "comm/processor.h"
#include "comm/transport.h"

namespace laconic {

enum class Collective {
  kStar,  // through the coordinator
  kRing,  // between the workers: a ring, and a tree for vectors of at most kTreeLimit elements
};
inline constexpr std::size_t kTreeLimit = 2048;

struct CommOptions {
  Collective collective = Collective::kStar;
  // How long any peer may keep this node waiting. Who collects for others waits half as long, so that it, who knows
  // which peer is missing, gives up before those who wait for it.
  Seconds deadline{600.0};
  // Where workers come and go: the floats of a piece in which larger vectors are pulled, the same on all nodes; and the
  // bytes that a vector may have whose size only its members say.
  std::size_t piece = std::size_t{1} << 18;
  std::uint64_t largest_part = kMaxPayloadSize - (std::uint64_t{1} << 20);
};

// What one member gave to a gather.
struct Contribution {
  Rank from;
  Frame frame;
};

class Comm {
 public:
  // `transport` and `processor` outlive the Comm. The processor is not one that computes gradients: a collective goes on
  // while a worker's step is computed. Every node of a job calls the same collectives in the same order: they are
  // numbered. `first`: where the numbers begin.
  Comm(Transport& transport, Processor& processor, const CommOptions& options, Round first = {})
      : transport_(transport), processor_(processor), options_(options), rounds_(first.value) {}

  // What it is made of, for a Comm over some of the nodes.
  Transport& transport() { return transport_; }
  Processor& processor() { return processor_; }
  const CommOptions& options() const { return options_; }

  Rank self() const { return transport_.self(); }
  int world_size() const { return transport_.world_size(); }
  Rank coordinator() const { return transport_.coordinator(); }
  // What messages for people call a node.
  std::string name(Rank node) const { return transport_.name(node); }
  // What this node has sent and received so far, framed.
  Bytes carried() const { return transport_.carried(); }
  Seconds now() const { return transport_.now(); }
  Task<void> sleep(Seconds span) { return transport_.sleep(span); }

  // Arithmetic on vectors of `elements` numbers, on the processor, or in place where they are few; free of time on the
  // runtime's clock. What `work` reads and writes stays alive until the returned task is done.
  Task<void> compute(std::size_t elements, std::function<void()> work);

  void send(Rank to, const Frame& frame) { transport_.send(to, frame); }
  // Where workers come and go: who is present, as a worker knows it and as the coordinator decides it. Null: all are,
  // always. They outlive the Comm. Collectives go through the coordinator then.
  void set_membership(Membership* membership) { membership_ = membership; }
  void set_attendance(Attendance* attendance) { attendance_ = attendance; }
  Attendance* attendance() const { return attendance_; }
  // At a member: the part whose result it waits for, and the newest result that it has heard; empty frames where there
  // is none. So a coordinator that was started again can be told again.
  const Frame& pending_part() const { return pending_part_; }
  const Frame& newest_result() const { return newest_result_; }
  bool is_member() const { return membership_ != nullptr; }
  // At a member: whom the newest result was over.
  const View& present() const { return membership_->view(); }
  // Goes on as who has taken part in all rounds before `round`.
  void resume_at(Round round) { rounds_ = round.value; }

  // Makes the frame of these floats and sends it. They stay as they are until the returned task is done.
  Task<void> send_floats(Rank to, FrameHeader header, std::span<const float> values);
  // Throws PeerLost that names both nodes and what was awaited when the deadline passes.
  Task<Frame> receive(Rank from, Tag tag, Round round) { return receive(from, tag, round, options_.deadline); }
  Task<Frame> receive(Rank from, Tag tag, Round round, Seconds patience);
  // How long one that collects for others waits.
  Seconds collecting_deadline() const { return {options_.deadline.value / 2.0}; }
  // Waits without a deadline, for a node to which nobody owes anything. A node may be ended there and begun anew from
  // its archive, so it waits for upcoming_round() and takes next_round() once the frame has come.
  Task<Arrival> receive_when_idle(TagSet tags, Round round);

  // A frame that is there already, the oldest from anyone; nothing where none is. For exchanges that wait for nobody.
  Task<std::optional<Arrival>> poll(Tag tag, Round round);

  // Collectives over all workers; only workers call them, and with the star the coordinator serves them
  // (serve_collectives). `values` stay as they are until the returned task is done. Throw PeerLost when a peer is late
  // and DecodeError when one sent something else.
  Task<SharedVector> all_reduce_mean(std::span<const float> values, Traffic traffic);
  // By the workers' weights, which the coordinator has as well; of weights that are alike the plain mean.
  Task<SharedVector> all_reduce_mean(std::span<const float> values, const MeanWeights& weights, Traffic traffic);
  Task<SharedVector> all_reduce_sum(std::span<const float> values, Traffic traffic);
  // Logical or; one byte instead of a float.
  Task<bool> all_reduce_any(bool value, Traffic traffic);

  // Collects one frame (Tag::kGather, `round`) from each of `group`, waiting at most the collecting deadline in
  // all. Who is late is absent from the result, which is in the order of `group`.
  Task<std::vector<Contribution>> gather(std::span<const Rank> group, Round round) {
    return gather(group, round, now() + collecting_deadline());
  }
  // The same until the moment `end`, for who gathers several times while others wait.
  Task<std::vector<Contribution>> gather(std::span<const Rank> group, Round round, Seconds end);
  // The same where nobody owes anything until a first frame has come: waits for that as receive_when_idle() does.
  Task<std::vector<Contribution>> gather_when_idle(std::span<const Rank> group, Round round);
  // Sends the same frame to each of `group` but itself.
  void broadcast(std::span<const Rank> group, const Frame& frame);

  // For exchanges that a strategy writes itself where workers come and go: what goes behind a member's part. Empty
  // where all are present always.
  std::vector<std::byte> standing(const FrameHeader& header);
  // Sends a member's part, standing() behind it, and waits for the answer (Tag::kBroadcast), however long: behind its
  // payload are named_view_size() bytes, or decision_size() where it has a decision. Throws Dismissed.
  Task<Frame> exchange_present(Frame part);
  // The same where the coordinator may ask for more (Tag::kAsk) before it answers, and ask again: what the member does then.
  using Asked = std::function<Task<void>(const Frame& ask)>;
  Task<Frame> exchange_present(Frame part, Asked asked);
  // At a member that owes nothing and is owed something: the coordinator's next frame, however long. Throws Dismissed.
  Task<Frame> receive_as_member(Tag tag, Round round);
  // At a member: how many processes of the coordinator it has heard.
  std::uint32_t coordinators() const { return membership_->coordinators(); }

  // The round of the next exchange on every node alike; for exchanges that a strategy writes itself.
  Round next_round() { return {rounds_++}; }
  // The round that next_round() will return.
  Round upcoming_round() const { return {rounds_}; }

  // Position in the sequence of collectives.
  void archive(Archive& archive);

 private:
  Task<SharedVector> star(std::span<const float> values, Tag tag, Traffic traffic);
  // What ring and tree multiply by: a worker its own part, and who has the sum of all that. Unset: nothing.
  struct Factors {
    std::optional<float> own = {};
    std::optional<float> all = {};
  };
  Task<Frame> member_exchange(const FrameHeader& header, std::span<const std::byte> payload);
  // `ask`: the tag of what is `asked` before the answer comes; where that is empty nothing is.
  Task<Frame> await_answer(Frame part, Tag answer, Tag ask, Asked asked);
  Task<Frame> announced_exchange(const FrameHeader& header, std::span<const float> values);  // pulled_reduction.cc
  Task<SharedVector> ring(std::span<const float> values, Factors factors, Traffic traffic);
  Task<SharedVector> tree(std::span<const float> values, Factors factors, Traffic traffic);
  Task<SharedVector> all_reduce(std::span<const float> values, Tag tag, Factors factors, Traffic traffic);
  // How much longer a node waits for its child of 2^level workers in the tree, having begun at `since`: less for lower
  // levels, so that who is next to a missing worker gives up first.
  Seconds tree_patience(Seconds since, int level) const;

  Transport& transport_;
  Processor& processor_;
  CommOptions options_;
  std::uint64_t rounds_;
  Membership* membership_ = nullptr;
  Attendance* attendance_ = nullptr;
  Frame pending_part_;
  Frame newest_result_;
};

class PresentExchange;

// The vote of one byte that `from` sent; throws DecodeError.
bool read_bit(std::span<const std::byte> payload, Rank from);

// The tags of parts of reductions.
const TagSet& reduction_tags();

// The coordinator's side of the star: serves reductions until the runtime ends it. `weights`: of weighted means; null:
// the job has none.
Task<void> serve_collectives(Comm& comm, SharedWeights weights = {});

// The result of a collective over those who are present.
struct CollectiveResult {
  Step step;
  Traffic traffic = Traffic::kModel;
  SharedVector values = {};  // empty: of a vote
};
// What the coordinator's strategy does with a result before anybody hears of it. It returns whether what workers have in
// common (Strategy::archive_common) is another than before. Between its last wait and its end it changes that, and not
// earlier: a worker may join while it waits. Without one, every mean of models is what workers have in common.
using Follow = std::function<Task<bool>(const CollectiveResult& result)>;

// The same, one reduction at a time, for a coordinator that serves other exchanges too: frames of reduction_tags().
class Reductions {
 public:
  // `comm` outlives this.
  explicit Reductions(Comm& comm, SharedWeights weights = {}) : comm_(comm), weights_(std::move(weights)) {}
  // The reduction of `round`, whose first part has come. Returns its result; nothing where that is a vote, or where too
  // few are present and there is none. Throws DecodeError for a weighted mean where there are no weights.
  // `follow`: where workers come and go.
  Task<SharedVector> serve(Round round, Arrival first, Follow follow = {});

 private:
  Task<SharedVector> serve_present(Attendance& attendance, Round round, Arrival first, const Follow& follow);
  Task<Frame> add_whole_parts(const PresentExchange& exchange, Round round);
  std::uint64_t look_at(Rank rank, const Frame& part, std::size_t size) const;
  void check_weights(const Arrival& first) const;

  Comm& comm_;
  SharedWeights weights_;
  std::vector<double> sum_;
};

// Payload bytes of one all-reduce of `count` floats over all workers, by the costs above.
Bytes all_reduce_payload(Collective collective, int world_size, std::size_t count);
// The same for all_reduce_any.
Bytes any_payload(Collective collective, int world_size);
// How long an all-reduce that is too small to fill the links takes, where a message takes `latency`.
Seconds small_exchange_time(Collective collective, int world_size, Seconds latency);

}  // namespace laconic
