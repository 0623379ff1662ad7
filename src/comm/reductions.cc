// The coordinator's side of collectives through it.
#include <algorithm>
#include <utility>

#include "base/canary.h"
#include "base/error.h"
#include "comm/comm.h"
#include "comm/present_exchange.h"
#include "comm/pulled_reduction.h"
#include "kernels/vector_ops.h"

namespace laconic {

bool read_bit(std::span<const std::byte> payload, Rank from) {
  if (payload.size() != 1 || static_cast<unsigned>(payload[0]) > 1) {
    throw DecodeError("frame from " + node_name(from) + " (vote): not one byte of 0 or 1");
  }
  return payload[0] == std::byte{1};
}

Task<SharedVector> Reductions::serve(Round round, Arrival first, Follow follow) {
  if (Attendance* attendance = comm_.attendance()) {
    co_return co_await serve_present(*attendance, round, std::move(first), follow);
  }
  check_weights(first);
  const int world_size = comm_.world_size();
  const Tag tag = first.frame.header().tag;
  const Traffic traffic = first.frame.header().traffic;
  const std::size_t count = first.frame.payload().size() / sizeof(float);
  const bool weighted = tag == Tag::kReduceWeightedMean;
  bool any = false;
  for (Rank rank{0}; rank.value < world_size; ++rank.value) {
    Frame frame = first.frame;
    if (rank != first.from) frame = co_await comm_.receive(rank, tag, round, comm_.collecting_deadline());
    if (tag == Tag::kReduceAny) {
      any = read_bit(frame.payload(), rank) || any;
    } else {
      const SharedVector part = frame.floats(count);
      const auto add = [&] {
        if (rank.value == 0) sum_.assign(count, 0.0);
        kernels::accumulate(weighted ? weights_->of(rank) : 1.0, part, sum_);
      };
      if (is_worth_a_hop(count)) {
        co_await comm_.compute(count, add);
      } else {
        add();  // a coroutine for each part shows where there are many workers
      }
    }
  }
  const FrameHeader header{traffic, Tag::kReduced, round};
  Frame frame;
  if (tag == Tag::kReduceAny) {
    const std::byte verdict{static_cast<unsigned char>(any ? 1 : 0)};
    frame = Frame(header, std::span(&verdict, 1));
  } else {
    const double divisor = weighted ? weights_->sum() : tag == Tag::kReduceMean ? world_size : 1.0;
    co_await comm_.compute(count, [&] {
      frame = Frame::of_floats(header, count, [&](std::span<float> out) { kernels::finish_mean(sum_, divisor, out); });
    });
  }
  for (Rank rank{0}; rank.value < world_size; ++rank.value) comm_.send(rank, frame);
  if (tag == Tag::kReduceAny) co_return SharedVector();
  co_return frame.floats(count);
}

void Reductions::check_weights(const Arrival& first) const {
  const Tag tag = first.frame.header().tag;
  if (tag != Tag::kReduceWeightedMean || weights_ != nullptr) return;
  throw DecodeError("frame from " + comm_.name(first.from) + " (" + std::string(to_text(tag)) +
                    "): all workers of this job weigh the same");
}

const TagSet& reduction_tags() {
  static const TagSet tags{Tag::kReduceMean, Tag::kReduceSum, Tag::kReduceAny, Tag::kReduceWeightedMean,
                           Tag::kAnnouncedPart};
  return tags;
}

// Over those who are present. Their parts are kept, or pulled, once it is known over whom the result is, and added in
// the order of ranks, so that its bits depend on the set alone.
Task<SharedVector> Reductions::serve_present(Attendance& attendance, Round round, Arrival first, const Follow& follow) {
  PresentExchange exchange(comm_, attendance);
  const bool goes_on = co_await exchange.collect(
      round, std::move(first), reduction_tags(),
      [this](Rank rank, const Frame& part, std::size_t size) { return look_at(rank, part, size); });
  if (!goes_on) co_return SharedVector();
  const Frame any_part = exchange.parts().begin()->second;
  const Tag tag = any_part.header().tag;
  std::size_t count = 0;
  Frame frame;
  if (tag == Tag::kAnnouncedPart) {
    count = decode_announcement(any_part, comm_.options().largest_part).count;
    PulledReduction pulled(comm_, attendance, exchange, weights_.get());
    frame = co_await pulled.result(round);
    if (frame.wire().empty()) co_return SharedVector();
  } else {
    if (tag != Tag::kReduceAny) count = (any_part.payload().size() - standing_size(any_part)) / sizeof(float);
    frame = co_await add_whole_parts(exchange, round);
  }
  SharedVector values;
  if (tag != Tag::kReduceAny) values = frame.floats(count, frame.payload().size() - count * sizeof(float));
  const Traffic traffic = any_part.header().traffic;
  bool changes_common = traffic == Traffic::kModel;
  if (follow) {
    const CollectiveResult result{.step = exchange.step(), .traffic = traffic, .values = values};
    changes_common = co_await follow(result);
  }
  exchange.commit(frame, changes_common);
  co_return values;
}

Task<Frame> Reductions::add_whole_parts(const PresentExchange& exchange, Round round) {
  const Frame& any_part = exchange.parts().begin()->second;
  const Tag tag = any_part.header().tag;
  const bool is_vote = tag == Tag::kReduceAny;
  const std::size_t size = any_part.payload().size() - standing_size(any_part);
  const std::vector<std::byte> trailer = exchange.behind(/*named=*/false);
  const std::size_t count = is_vote ? 0 : size / sizeof(float);
  const bool weighted = tag == Tag::kReduceWeightedMean;
  Frame frame;
  co_await comm_.compute(count, [&] {
    double divisor = 0.0;
    bool any = false;
    sum_.assign(count, 0.0);
    for (const auto& [rank, part] : exchange.parts()) {
      double weight = weighted ? weights_->of(rank) : 1.0;
      if (canary(Canary::kDoubleCount) && comm_.attendance()->has_news() && &part == &any_part) weight *= 2.0;
      divisor += weight;
      if (is_vote) {
        any = part.payload()[0] == std::byte{1} || any;
      } else {
        kernels::accumulate(weight, part.floats(count, standing_size(part)), sum_);
      }
    }
    if (canary(Canary::kMeanOverAll)) divisor = weighted ? weights_->sum() : comm_.world_size();
    if (tag == Tag::kReduceSum) divisor = 1.0;
    const FrameHeader header{any_part.header().traffic, Tag::kReduced, round};
    frame = Frame(header, size + trailer.size(), [&](std::span<std::byte> out) {
      if (is_vote) {
        out[0] = std::byte{static_cast<unsigned char>(any ? 1 : 0)};
      } else {
        kernels::finish_mean(sum_, divisor, {reinterpret_cast<float*>(out.data()), count});
      }
      std::copy(trailer.begin(), trailer.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
    });
  });
  co_return frame;
}

// What parts have to be alike in, beside tag and step: traffic and size, and of announcements what is announced. Throws
// DecodeError.
std::uint64_t Reductions::look_at(Rank rank, const Frame& part, std::size_t size) const {
  const FrameHeader header = part.header();
  Tag of = header.tag;
  if (of == Tag::kAnnouncedPart) {
    const Announcement announced = decode_announcement(part, comm_.options().largest_part);
    of = announced.of;
    size = announced.count * sizeof(float);
  } else if (of == Tag::kReduceAny) {
    static_cast<void>(read_bit(part.payload().first(size), rank));
  } else if (size % sizeof(float) != 0) {
    throw DecodeError("its part is no vector of float32");
  }
  if (of == Tag::kReduceWeightedMean && weights_ == nullptr) {
    throw DecodeError("all workers of this job weigh the same");
  }
  return (std::uint64_t{size} * kTrafficKinds + static_cast<std::uint64_t>(header.traffic)) * kTags +
         static_cast<std::uint64_t>(of);
}

Task<void> serve_collectives(Comm& comm, SharedWeights weights) {
  Reductions reductions(comm, std::move(weights));
  for (;;) {
    const Arrival first = co_await comm.receive_when_idle(reduction_tags(), comm.upcoming_round());
    co_await reductions.serve(comm.next_round(), first);
  }
}

}  // namespace laconic
