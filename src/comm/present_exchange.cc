#include "comm/present_exchange.h"

#include <algorithm>
#include <utility>

#include "base/canary.h"
#include "base/error.h"
#include "comm/pulled_parts.h"

namespace laconic {

Task<bool> PresentExchange::collect(Round round, Arrival first, TagSet tags, Look look) {
  round_ = round;
  attendance_.begin(first.frame);
  const Seconds end = comm_.now() + comm_.collecting_deadline();
  parts_.clear();
  parts_[first.from] = std::move(first.frame);
  for (Rank rank{0}; rank.value < comm_.world_size(); ++rank.value) {
    if (parts_.contains(rank) || !attendance_.view().contains(rank)) continue;
    // Who was lost while another was waited for is not waited for.
    const Seconds last = end + attendance_.allowance(rank);
    const double left = attendance_.is_there(rank) ? (last - comm_.now()).value : 0.0;
    const Pattern pattern{.from = rank, .tags = tags, .round = round, .may_be_late = true};
    const Seconds patience{std::max(0.0, left)};
    std::optional<Arrival> arrival = co_await comm_.transport().receive(pattern, patience);
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

Task<std::map<Rank, Frame>> PresentExchange::replies(std::vector<Rank> some, Seconds end) {
  std::map<Rank, Frame> replies;
  for (const Rank rank : some) {
    if (!parts_.contains(rank)) continue;
    const Pattern pattern{.from = rank, .tags = Tag::kGather, .round = round_, .may_be_late = true};
    const double left = attendance_.is_there(rank) ? (end - comm_.now()).value : 0.0;
    const Seconds patience{std::max(0.0, left)};
    std::optional<Arrival> arrival = co_await comm_.transport().receive(pattern, patience);
    if (arrival) {
      replies[rank] = std::move(arrival->frame);
    } else {
      leave_out(rank, "it did not send in time what it was asked for");
    }
  }
  co_return replies;
}

std::vector<std::byte> PresentExchange::behind(std::uint32_t decision) const {
  return encode_decision(decision, view(), comm_.world_size());
}

std::vector<std::byte> PresentExchange::behind(bool named) const {
  return encode_view(view(), named || attendance_.has_news(), comm_.world_size());
}

void PresentExchange::commit(const Frame& answer, bool changes_common) {
  std::vector<Rank> all;
  for (const auto& [rank, part] : parts_) all.push_back(rank);
  const Answer one{.frame = answer, .to = std::move(all)};
  commit(std::span(&one, 1), changes_common);
}

void PresentExchange::commit(std::span<const Answer> answers, bool changes_common) {
  attendance_.commit(round_, step_, answers, changes_common);
  for (const Answer& answer : answers) {
    for (const Rank rank : answer.to) comm_.send(rank, answer.frame);
  }
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
      const SaidStanding standing = decode_standing(part, attendance_.step());
      const std::uint64_t looks = look(rank, part, part.payload().size() - standing_size(part));
      if (standing.history.value_or(attendance_.history()) != attendance_.history())
        throw DecodeError("it has heard other results than the rest");
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
    const Frame& part = parts_.at(kind.second.front());
    const bool is_announced = part.header().tag == Tag::kAnnouncedPart;
    const std::size_t bytes = is_announced ? decode_announcement(part, kMaxPayloadSize).count * sizeof(float)
                                           : part.payload().size() - standing_size(part);
    return "of step " + std::to_string(kind.first.step.value) + " and " + std::to_string(bytes) + " bytes" +
           (is_announced ? ", announced" : "");
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
