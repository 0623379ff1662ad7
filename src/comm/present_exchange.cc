#include "comm/present_exchange.h"

#include <algorithm>
#include <utility>

#include "base/canary.h"
#include "base/error.h"

namespace laconic {

Task<bool> PresentExchange::collect(Round round, Arrival first, TagSet tags, Look look) {
  round_ = round;
  attendance_.begin(first.frame);
  const Seconds end = comm_.now() + comm_.collecting_deadline();
  parts_.clear();
  parts_[first.from] = std::move(first.frame);
  for (Rank rank{0}; rank.value < comm_.world_size(); ++rank.value) {
    if (parts_.contains(rank) || !attendance_.view().contains(rank)) continue;
    const Pattern pattern{.from = rank, .tags = tags, .round = round, .may_be_late = true};
    const Seconds left{std::max(0.0, (end - comm_.now()).value)};
    std::optional<Arrival> arrival = co_await comm_.transport().receive(pattern, left);
    if (arrival) {
      parts_[rank] = std::move(arrival->frame);
    } else if (attendance_.view().contains(rank)) {
      attendance_.dismiss(rank, "its part did not come in time");
    }
  }
  std::erase_if(parts_, [&](const auto& part) {
    return !attendance_.view().contains(part.first) && !canary(Canary::kStalePart);
  });
  leave_out_who_differs(look);
  co_return goes_on();
}

void PresentExchange::leave_out(Rank rank, const std::string& why) {
  attendance_.dismiss(rank, why);
  parts_.erase(rank);
}

bool PresentExchange::goes_on() {
  if (!parts_.empty() && attendance_.is_enough()) return true;
  give_up();
  return false;
}

void PresentExchange::give_up() {
  parts_.clear();
  attendance_.give_up();
}

std::vector<std::byte> PresentExchange::behind(bool named) const {
  return encode_view(view(), named || attendance_.has_news(), comm_.world_size());
}

void PresentExchange::commit(const Frame& answer, bool changes_common) {
  attendance_.commit(round_, step_, answer, changes_common);
  for (const auto& [rank, part] : parts_) comm_.send(rank, answer);
}

// Most say what is right: a part of another collective, of another step or of another history is not mixed with theirs.
// Among as many, those with the lowest rank count.
void PresentExchange::leave_out_who_differs(const Look& look) {
  struct Kind {
    std::uint8_t tag;
    std::uint64_t looks;
    Step step;
    auto operator<=>(const Kind&) const = default;
  };
  std::map<Kind, std::vector<Rank>> kinds;
  std::map<Rank, std::string> wrong;
  for (const auto& [rank, part] : parts_) {
    try {
      const Standing standing = decode_standing(part);
      const std::uint64_t looks = look(rank, part, part.payload().size() - kStandingSize);
      if (standing.history != attendance_.history()) throw DecodeError("it has heard other results than the rest");
      kinds[{static_cast<std::uint8_t>(part.header().tag), looks, standing.step}].push_back(rank);
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
  const auto text = [&](const auto& kind) {
    return "of step " + std::to_string(kind.first.step.value) + " and " +
           std::to_string(parts_.at(kind.second.front()).payload().size() - kStandingSize) + " bytes";
  };
  for (auto kind = kinds.begin(); kind != kinds.end(); ++kind) {
    if (kind == most) {
      step_ = kind->first.step;
      continue;
    }
    for (const Rank rank : kind->second) {
      wrong[rank] = "its part is " + text(*kind) + ", and those of the rest are " + text(*most);
    }
  }
  for (const auto& [rank, why] : wrong) leave_out(rank, why);
}

}  // namespace laconic
