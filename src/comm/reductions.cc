// The coordinator's side of collectives through it.
#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "comm/comm.h"
#include "kernels/vector_ops.h"

namespace laconic {

bool read_bit(std::span<const std::byte> payload, Rank from) {
  if (payload.size() != 1 || static_cast<unsigned>(payload[0]) > 1) {
    throw DecodeError("frame from " + node_name(from) + " (vote): not one byte of 0 or 1");
  }
  return payload[0] == std::byte{1};
}

Task<SharedVector> Reductions::serve(Round round, Arrival first) {
  if (Attendance* attendance = comm_.attendance()) {
    co_return co_await serve_present(*attendance, round, std::move(first));
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

// Over those who are present. Their parts are kept until it is known over whom the result is, and then added in the
// order of ranks, so that its bits depend on the set alone.
Task<SharedVector> Reductions::serve_present(Attendance& attendance, Round round, Arrival first) {
  co_await collect(attendance, round, std::move(first));
  dismiss_who_differs(attendance);
  const std::map<Rank, Frame> parts = std::exchange(parts_, {});
  if (parts.empty() || !attendance.is_enough()) {
    attendance.give_up(round);
    co_return SharedVector();
  }
  const Frame& any_part = parts.begin()->second;
  const Traffic traffic = any_part.header().traffic;
  const Tag tag = any_part.header().tag;
  const bool is_vote = tag == Tag::kReduceAny;
  const std::size_t size = any_part.payload().size() - kStandingSize;
  const Step step = decode_standing(any_part).step;
  const View& view = attendance.view();
  const std::vector<std::byte> trailer = encode_view(view, attendance.has_news(), comm_.world_size());
  const std::size_t count = is_vote ? 0 : size / sizeof(float);
  const bool weighted = tag == Tag::kReduceWeightedMean;
  Frame result;
  co_await comm_.compute(count, [&] {
    double divisor = 0.0;
    bool any = false;
    sum_.assign(count, 0.0);
    for (const auto& [rank, part] : parts) {
      const double weight = weighted ? weights_->of(rank) : 1.0;
      divisor += weight;
      if (is_vote) {
        any = part.payload()[0] == std::byte{1} || any;
      } else {
        kernels::accumulate(weight, part.floats(count, kStandingSize), sum_);
      }
    }
    if (tag == Tag::kReduceSum) divisor = 1.0;
    const FrameHeader header{traffic, Tag::kReduced, round};
    result = Frame(header, size + trailer.size(), [&](std::span<std::byte> out) {
      if (is_vote) {
        out[0] = std::byte{static_cast<unsigned char>(any ? 1 : 0)};
      } else {
        kernels::finish_mean(sum_, divisor, {reinterpret_cast<float*>(out.data()), count});
      }
      std::copy(trailer.begin(), trailer.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
    });
  });
  const bool changes_model = traffic == Traffic::kModel && !is_vote;
  if (changes_model && averaged_) averaged_(result.floats(count, trailer.size()));
  attendance.commit(round, step, result, changes_model);
  for (const auto& [rank, part] : parts) comm_.send(rank, result);
  if (is_vote) co_return SharedVector();
  co_return result.floats(count, trailer.size());
}

// The parts of all members that give one.
Task<void> Reductions::collect(Attendance& attendance, Round round, Arrival first) {
  attendance.begin(round, first.frame);
  const TagSet tags{Tag::kReduceMean, Tag::kReduceSum, Tag::kReduceAny, Tag::kReduceWeightedMean};
  const Seconds end = comm_.now() + comm_.collecting_deadline();
  parts_.clear();
  parts_[first.from] = std::move(first.frame);
  for (Rank rank{0}; rank.value < comm_.world_size(); ++rank.value) {
    if (parts_.contains(rank) || !attendance.view().contains(rank)) continue;
    const Pattern pattern{.from = rank, .tags = tags, .round = round, .may_be_late = true};
    const Seconds left{std::max(0.0, (end - comm_.now()).value)};
    std::optional<Arrival> arrival = co_await comm_.transport().receive(pattern, left);
    if (arrival) {
      parts_[rank] = std::move(arrival->frame);
    } else if (attendance.view().contains(rank)) {
      attendance.dismiss(rank, "its part did not come in time");
    }
  }
  std::erase_if(parts_, [&](const auto& part) { return !attendance.view().contains(part.first); });
}

// Most say what is right: a part of another collective, of another step or of another history is not mixed with theirs.
// Among as many, those with the lowest rank count.
void Reductions::dismiss_who_differs(Attendance& attendance) {
  struct Kind {
    std::uint8_t tag;
    std::uint8_t traffic;
    std::size_t size;
    Step step;
    auto operator<=>(const Kind&) const = default;
  };
  std::map<Kind, std::vector<Rank>> kinds;
  std::map<Rank, std::string> wrong;
  for (const auto& [rank, part] : parts_) {
    try {
      const FrameHeader header = part.header();
      const Standing standing = decode_standing(part);
      const std::size_t size = part.payload().size() - kStandingSize;
      if (header.tag == Tag::kReduceAny) {
        static_cast<void>(read_bit(part.payload().first(size), rank));
      } else if (size % sizeof(float) != 0) {
        throw DecodeError("its part is no vector of float32");
      }
      if (header.tag == Tag::kReduceWeightedMean && weights_ == nullptr) {
        throw DecodeError("all workers of this job weigh the same");
      }
      if (standing.history != attendance.history()) throw DecodeError("it has heard other results than the rest");
      kinds[{static_cast<std::uint8_t>(header.tag), static_cast<std::uint8_t>(header.traffic), size, standing.step}]
          .push_back(rank);
    } catch (const DecodeError& error) {
      wrong[rank] = error.what();
    }
  }
  const auto is_less = [](const auto& a, const auto& b) {
    const std::vector<Rank>& one = a.second;
    const std::vector<Rank>& other = b.second;
    return one.size() != other.size() ? one.size() < other.size() : one.front() > other.front();
  };
  const auto most = std::max_element(kinds.begin(), kinds.end(), is_less);
  for (auto kind = kinds.begin(); kind != kinds.end(); ++kind) {
    if (kind == most) continue;
    for (const Rank rank : kind->second) {
      wrong[rank] = "its part is of step " + std::to_string(kind->first.step.value) + " and " +
                    std::to_string(kind->first.size) + " bytes, and those of the rest are of step " +
                    std::to_string(most->first.step.value) + " and " + std::to_string(most->first.size);
    }
  }
  for (const auto& [rank, why] : wrong) {
    attendance.dismiss(rank, why);
    parts_.erase(rank);
  }
}

Task<void> serve_collectives(Comm& comm, SharedWeights weights) {
  const TagSet tags{Tag::kReduceMean, Tag::kReduceSum, Tag::kReduceAny, Tag::kReduceWeightedMean};
  Reductions reductions(comm, std::move(weights));
  for (;;) {
    const Arrival first = co_await comm.receive_when_idle(tags, comm.upcoming_round());
    co_await reductions.serve(comm.next_round(), first);
  }
}

}  // namespace laconic
