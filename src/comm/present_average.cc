#include "comm/present_average.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace laconic {

std::vector<Rank> PresentAverage::those_there() const {
  std::vector<Rank> result;
  for (const Rank rank : attendance_.view().members) {
    if (attendance_.is_there(rank)) result.push_back(rank);
  }
  return result;
}

Task<std::vector<Contribution>> PresentAverage::replies(std::vector<Rank> some, Seconds end) {
  std::vector<Contribution> replies;
  for (const Rank rank : some) {
    const Pattern pattern{.from = rank, .tags = Tag::kGather, .round = Round{0}, .may_be_late = true};
    const bool was_there = attendance_.is_there(rank);
    const double left = was_there ? (end + attendance_.allowance(rank) - comm_.now()).value : 0.0;
    const Seconds patience{std::max(0.0, left)};
    std::optional<Arrival> arrival = co_await comm_.transport().receive(pattern, patience);
    if (arrival) {
      replies.push_back({.from = rank, .frame = std::move(arrival->frame)});
    } else if (attendance_.is_there(rank)) {
      leave_out(rank, "it did not send in time what it was asked for");
    }
  }
  co_return replies;
}

std::vector<std::byte> PresentAverage::behind(std::vector<Rank> members) const {
  const View view{.number = attendance_.view().number, .members = std::move(members)};
  return encode_view(view, true, comm_.world_size());
}

void PresentAverage::commit(Step newest, const Frame& mean, std::vector<Rank> members, bool changes_common) {
  const Answer answer{.frame = mean, .to = std::move(members)};
  attendance_.commit(Round{0}, newest, std::span(&answer, 1), changes_common);
  for (const Rank rank : answer.to) comm_.send(rank, mean);
}

}  // namespace laconic
