#include "comm/pulled_reduction.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

// Where there is nothing more to say: who is lost is dismissed with the reason for which it is.
constexpr const char* kLost = "it was lost while its part was pulled";

}  // namespace

// At a member: as Comm::member_exchange(), of an announcement.
Task<Frame> Comm::announced_exchange(const FrameHeader& header, std::span<const float> values) {
  const FrameHeader own = header;
  const auto pulled = [this, own, values](const Frame& request) -> Task<void> {
    const PieceRange range = decode_pull(request, values.size());
    Frame piece;
    co_await compute(range.count, [&] { piece = encode_pulled(own, values, range); });
    send(coordinator(), piece);
  };
  Frame part = encode_announcement(own, values.size(), standing(own));
  Asked asked = pulled;
  Frame result = co_await await_answer(std::move(part), Tag::kReduced, Tag::kPull, std::move(asked));
  membership_->heard(decode_view(result, values.size_bytes(), membership_->view(), world_size()), result);
  co_return result;
}

PulledReduction::PulledReduction(Comm& comm, Attendance& attendance, PresentExchange& exchange,
                                 const MeanWeights* weights)
    : comm_(comm),
      attendance_(attendance),
      exchange_(exchange),
      part_(decode_announcement(exchange.parts().begin()->second, comm.options().largest_part)),
      piece_(comm.options().piece),
      pieces_((part_.count + piece_ - 1) / piece_),
      draft_(part_.count * sizeof(float) + named_view_size(comm.world_size())) {
  weights_ = part_.of == Tag::kReduceWeightedMean ? weights : nullptr;
}

Task<Frame> PulledReduction::result(Round round) {
  for (;;) {
    const std::optional<Loss> loss = co_await add_all(round);
    if (!loss) break;
    exchange_.leave_out(loss->rank, loss->why);
    asked_.erase(loss->rank);
    if (!exchange_.goes_on()) co_return Frame();
  }
  const std::vector<std::byte> behind = exchange_.behind(/*named=*/false);
  const std::size_t size = part_.count * sizeof(float);
  std::ranges::copy(behind, draft_.payload().subspan(size).begin());
  const FrameHeader header{exchange_.parts().begin()->second.header().traffic, Tag::kReduced, round};
  Frame frame;
  co_await comm_.compute(part_.count, [&] { frame = draft_.finish(header, size + behind.size()); });
  co_return frame;
}

// From the first piece on. Returns who cannot be added, or nothing once all are.
Task<std::optional<PulledReduction::Loss>> PulledReduction::add_all(Round round) {
  double divisor = 0.0;
  for (const auto& [rank, part] : exchange_.parts()) {
    divisor += weight_of(rank);
    asked_[rank].next = 0;
    ask_ahead(rank, round);
  }
  if (part_.of == Tag::kReduceSum) divisor = 1.0;
  for (std::size_t piece = 0; piece < pieces_; ++piece) {
    const PieceRange range = range_of(piece);
    sum_.assign(range.count, 0.0);
    for (const auto& [rank, part] : exchange_.parts()) {
      // Of whoever is lost the rest will not come, and what still comes from the others would be in vain.
      for (const auto& [other, its_part] : exchange_.parts()) {
        const bool is_whole = piece + 1 == pieces_ && other < rank;
        if (is_whole || attendance_.is_there(other)) continue;
        co_return Loss{.rank = other, .why = kLost};
      }
      SharedVector values;
      std::optional<std::string> wrong = co_await take(rank, round, range, values);
      if (wrong) co_return Loss{.rank = rank, .why = std::move(*wrong)};
      const double weight = weight_of(rank);
      co_await comm_.compute(range.count, [&] { kernels::accumulate(weight, values, sum_); });
    }
    co_await comm_.compute(range.count, [&] {
      float* const first = reinterpret_cast<float*>(draft_.payload().data()) + range.first;
      kernels::finish_mean(sum_, divisor, {first, range.count});
    });
  }
  co_return std::nullopt;
}

// The elements `range` of the part of `rank`; what is wrong where they don't come. Answers to what was asked before, by
// an attempt that ended or a coordinator that died, are passed over.
Task<std::optional<std::string>> PulledReduction::take(Rank rank, Round round, PieceRange range, SharedVector& values) {
  const Seconds end = comm_.now() + comm_.collecting_deadline();
  const Pattern pattern{.from = rank, .tags = Tag::kPulled, .round = round, .may_be_late = true};
  for (;;) {
    if (!attendance_.is_there(rank)) co_return kLost;
    const Seconds left{std::max(0.0, (end - comm_.now()).value)};
    const std::optional<Arrival> arrival = co_await comm_.transport().receive(pattern, left);
    if (!arrival) co_return "a piece of its part did not come in time";
    Asked& asked = asked_[rank];
    if (asked.on_its_way > 0) --asked.on_its_way;
    ask_ahead(rank, round);
    std::optional<std::string> wrong;
    PieceRange came;
    try {
      came = decode_pulled(arrival->frame, part_.count);
      if (came.first % piece_ != 0 || came != range_of(came.first / piece_)) {
        throw DecodeError("it gave a piece that nobody asks for");
      }
    } catch (const DecodeError& error) {
      wrong = error.what();
    }
    if (wrong) co_return wrong;
    if (came != range) continue;
    values = arrival->frame.floats(range.count, kPlaceSize);
    co_return std::nullopt;
  }
}

void PulledReduction::ask_ahead(Rank rank, Round round) {
  Asked& asked = asked_[rank];
  for (; asked.next < pieces_ && asked.on_its_way < kPiecesAhead; ++asked.next, ++asked.on_its_way) {
    comm_.send(rank, encode_pull(round, range_of(asked.next)));
  }
}

PieceRange PulledReduction::range_of(std::size_t piece) const {
  const std::size_t first = piece * piece_;
  return {.first = first, .count = std::min(piece_, part_.count - first)};
}

}  // namespace laconic
