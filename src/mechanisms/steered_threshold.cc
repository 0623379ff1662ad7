#include "mechanisms/steered_threshold.h"

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"

namespace laconic {
namespace {

constexpr std::size_t kTally = 2;
constexpr std::size_t kTallyOfSome = 4;
constexpr double kNothing = -1.0;

}  // namespace

SteeredThreshold::SteeredThreshold(const Options& options, bool comes_and_goes)
    : options_(options), comes_and_goes_(comes_and_goes), value_(options.threshold) {
  if (options_.budget) budget_.emplace(*options_.budget, options_.check_every, options_.costs);
}

Task<void> SteeredThreshold::begin_check(Worker& self) {
  if (!budget_) co_return;
  checks_ = comes_and_goes_ ? number_of(self.step()) : checks_ + 1;
  if (budget_->unknown()) co_await tally(self, kNothing);
  value_ = budget_->threshold(checks_);
  if (std::isfinite(value_)) self.measured("threshold", value_);
}

Task<void> SteeredThreshold::end_check(Worker& self, bool synchronised, bool states_sent, double estimate) {
  if (!budget_) co_return;
  if (synchronised && !comes_and_goes_) budget_->synchronised(checks_, estimate);
  if (!synchronised && !states_sent) co_return;
  // What all spent without a synchronisation they know; who joins later would not.
  if (!synchronised && !comes_and_goes_) {
    budget_->spend(options_.state_cost);
    co_return;
  }
  co_await tally(self, synchronised ? estimate : kNothing);
  if (synchronised) self.measured("budget_used", budget_->used());
}

Task<void> SteeredThreshold::tally(Worker& self, double watched) {
  const std::uint64_t carried = self.comm().carried().value;
  const double now = self.comm().now().value;
  std::vector<float> own = {static_cast<float>(carried - carried_), static_cast<float>(now - now_)};
  if (comes_and_goes_) {
    const bool tells = std::exchange(has_told_, true) || budget_->unknown();
    own.push_back(1.0F);
    if (!tells) own.assign(own.size(), 0.0F);
    own.push_back(static_cast<float>(watched));
  }
  carried_ = carried;
  now_ = now;
  const SharedVector mean = co_await self.comm().all_reduce_mean(own, Traffic::kControl);
  take_tally(mean);
}

void SteeredThreshold::take_tally(std::span<const float> mean) {
  const double share = comes_and_goes_ ? static_cast<double>(mean[2]) : 1.0;  // of those who told
  if (share > 0.0) {
    spent_ += static_cast<double>(mean[0]) / share;
    seconds_ += static_cast<double>(mean[1]) / share;
  }
  if (comes_and_goes_ && mean[3] >= 0.0F) budget_->synchronised(checks_, static_cast<double>(mean[3]));
  budget_->tally(checks_, spent_, seconds_);
}

void SteeredThreshold::follow_tally(Step step, std::span<const float> mean) {
  if (mean.size() != kTallyOfSome) throw DecodeError("a tally of " + std::to_string(mean.size()) + " numbers");
  checks_ = number_of(step);
  take_tally(mean);
}

void SteeredThreshold::archive(Archive& archive) {
  if (!budget_) return;
  budget_->archive(archive);
  archive.value("fda.checks", checks_);
  archive.value("fda.carried", carried_);
  archive.value("fda.now", now_);
  archive.value("fda.spent", spent_);
  archive.value("fda.seconds", seconds_);
}

void SteeredThreshold::archive_common(Archive& archive) {
  if (!budget_) return;
  budget_->archive(archive);
  archive.value("fda.spent", spent_);
  archive.value("fda.seconds", seconds_);
}

std::uint64_t tally_payload(const StrategySetting& setting) {
  const std::size_t count = setting.comes_and_goes ? kTallyOfSome : kTally;
  return all_reduce_payload(setting.collective, setting.world_size, count).value;
}

}  // namespace laconic
