#include "mechanisms/budget.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace laconic {
namespace {

constexpr std::string_view kWord = "budget";  // of a threshold that follows from one
constexpr double kHeader = 9.0;               // bytes of a frame's header, as a rule
constexpr double kSlack = 0.05;               // of what is allowed

[[noreturn]] void refuse(std::string_view text) {
  throw UsageError("'" + std::string(text) +
                   "' is no budget: give bytes for a number of steps or for a time, what a worker may send and "
                   "receive, such as \"20 MB/1000 steps\" or \"1 MB/min\"");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "1000 steps", "step"; nothing for another unit.
std::optional<double> parse_steps(std::string_view text) {
  if (text == "step") return 1.0;
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit = trimmed({end, static_cast<std::size_t>(text.data() + text.size() - end)});
  if (error != std::errc() || (unit != "steps" && unit != "step") || count == 0) return std::nullopt;
  return static_cast<double>(count);
}

// Whether a strategy is set by a threshold or a budget.
bool takes_budget(const StrategyRow& row) {
  return std::any_of(row.options.begin(), row.options.end(),
                     [](const OptionSpec& spec) { return spec.name == "budget"; });
}

}  // namespace

BudgetRate parse_budget(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) refuse(text);
  BudgetRate rate;
  const std::string_view span = trimmed(text.substr(slash + 1));
  try {
    rate.bytes = static_cast<double>(parse_bytes(trimmed(text.substr(0, slash))).value);
    if (const auto steps = parse_steps(span)) {
      rate.span = *steps;
    } else {
      rate.of_time = true;
      const bool counted = !span.empty() && (std::isdigit(static_cast<unsigned char>(span.front())) != 0);
      rate.span = parse_seconds(counted ? std::string(span) : "1 " + std::string(span)).value;
    }
  } catch (const UsageError&) {
    refuse(text);
  }
  if (!(rate.bytes > 0.0) || !(rate.span > 0.0) || !std::isfinite(rate.span)) refuse(text);
  return rate;
}

Budget::Budget(const BudgetRate& rate, std::uint64_t check_every, const Costs& costs)
    : rate_(rate), check_every_(static_cast<double>(check_every)), costs_(costs), seconds_per_check_(costs.seconds) {}

double Budget::allowed(double check) const {
  if (!rate_.of_time) return rate_.bytes / rate_.span * check * check_every_;
  const double seconds = seconds_ + seconds_per_check_ * (check - static_cast<double>(tally_check_));
  return rate_.bytes / rate_.span * seconds;
}

double Budget::saved(double check) const {
  return allowed(check) - spent_ - costs_.check * (check - static_cast<double>(tally_check_));
}

double Budget::free() const {
  const double a_check = rate_.bytes / rate_.span * (rate_.of_time ? seconds_per_check_ : check_every_);
  // Where checks alone use the budget up, nothing is free: hardly ever.
  return std::max(a_check - costs_.check, 1e-9 * (a_check + costs_.check));
}

double Budget::goal() const {
  const double apart = costs_.synchronisation / free();
  const double goal = apart - saved(static_cast<double>(last_check_)) / (2.0 * free());
  return std::clamp(goal, apart / 4.0, 4.0 * apart);
}

double Budget::threshold(std::uint64_t check) const {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  const auto now = static_cast<double>(check);
  const double saved_now = saved(now);
  if (growth_ == 0.0) return saved_now >= costs_.synchronisation ? 0.0 : kNever;
  // A budget of ten synchronisations would miss its mark by one if it could be that far behind.
  const double slack = kSlack * allowed(now);
  if (saved_now >= 1.5 * costs_.synchronisation + slack) return 0.0;
  if (saved_now <= -costs_.synchronisation - slack) return kNever;
  const double aim = goal();
  if (aim <= 1.0) return 0.0;
  const double checks = now - static_cast<double>(last_check_);
  const double late = 1.5 * aim;
  return growth_ * aim * (checks > late ? (late / checks) * (late / checks) : 1.0);
}

void Budget::synchronised(std::uint64_t check, double watched) {
  const auto checks = static_cast<double>(check - last_check_);
  if (watched > 0.0 && std::isfinite(watched) && checks > 0.0) {
    const double growth = watched / checks;
    growth_ = growth_ == 0.0 ? growth : std::sqrt(growth_) * std::sqrt(growth);
  }
  last_check_ = check;
  spent_ += costs_.synchronisation;  // until a tally says what it was
  due_ = true;
}

void Budget::tally(std::uint64_t check, double spent, double seconds) {
  if (check > tally_check_) {
    const double per_check = (seconds - seconds_) / static_cast<double>(check - tally_check_);
    // The first check has no exchange before it.
    const bool first = tally_check_ == 0;
    if (!first) seconds_per_check_ = 0.5 * (seconds_per_check_ + per_check);
    if (first && seconds_per_check_ == 0.0) seconds_per_check_ = per_check;
  }
  if (due_) {
    const double checks = costs_.check * static_cast<double>(check - cost_from_);
    const double cost = spent - spent_at_last_ - checks - more_;
    more_ = 0.0;
    if (cost > 0.0) {
      costs_.synchronisation = learnt_cost_ ? 0.5 * (costs_.synchronisation + cost) : cost;
      learnt_cost_ = true;
    }
    spent_at_last_ = spent;
    cost_from_ = check;
    due_ = false;
  }
  tally_check_ = check;
  spent_ = spent;
  seconds_ = seconds;
}

void Budget::spend(double bytes) {
  spent_ += bytes;
  more_ += bytes;
}

double Budget::used() const {
  const double may = allowed(static_cast<double>(tally_check_));
  return may > 0.0 ? spent_ / may : 0.0;
}

void Budget::archive(Archive& archive) {
  archive.value("budget.check_cost", costs_.check);
  archive.value("budget.cost", costs_.synchronisation);
  archive.value("budget.learnt", learnt_cost_);
  archive.value("budget.tally", tally_check_);
  archive.value("budget.spent", spent_);
  archive.value("budget.seconds", seconds_);
  archive.value("budget.seconds_per_check", seconds_per_check_);
  archive.value("budget.spent_at_last", spent_at_last_);
  archive.value("budget.more", more_);
  archive.value("budget.due", due_);
  archive.value("budget.last", last_check_);
  archive.value("budget.cost_from", cost_from_);
  archive.value("budget.growth", growth_);
}

OptionSpec threshold_option(std::string_view help) {
  return {.name = "threshold",
          .type = OptionType::kNumber,
          .default_value = kWord,
          .minimum = 0,
          .choices = {kWord},
          .help = help};
}

OptionSpec budget_option() {
  return {.name = "budget",
          .default_value = "",
          .help =
              "instead of a threshold: what a worker may send and receive, such as \"20 MB/1000 steps\" or \"1 "
              "MB/min\"; the threshold then follows from it"};
}

void check_threshold_or_budget(const Options& options, std::string_view help) {
  const bool steered = options.is_word("threshold");
  const std::string& budget = options.text("budget");
  if (steered && budget.empty()) {
    throw UsageError("'strategy.threshold' is missing: " + std::string(help) +
                     "; or give strategy.budget, such as \"20 MB/1000 steps\"");
  }
  if (!steered && !budget.empty()) {
    throw UsageError(options.place("budget") + ": there is a threshold too; remove one of them");
  }
  if (!steered) return;
  try {
    parse_budget(budget);
  } catch (const UsageError& error) {
    throw UsageError(options.place("budget") + ": " + error.what());
  }
}

bool holds_budget(const Options& options) { return options.is_word("threshold"); }

bool has_budget(const StrategyRow& row, const Options& options) { return takes_budget(row) && holds_budget(options); }

std::optional<BudgetRate> read_budget(const Options& options) {
  if (!holds_budget(options)) return std::nullopt;
  return parse_budget(options.text("budget"));
}

const std::string& budget_text(const Options& options) { return options.text("budget"); }

std::optional<double> fixed_threshold(const StrategyRow& row, const Options& options) {
  if (!takes_budget(row) || holds_budget(options)) return std::nullopt;
  return options.number("threshold");
}

Options with_threshold(const Options& options, const std::string& threshold) {
  return options.with("budget", "").with("threshold", threshold);
}

double exchange_cost(std::uint64_t payload, const StrategySetting& setting) {
  const auto workers = static_cast<double>(setting.world_size);
  // Every byte is sent and received once; of what goes through the coordinator one end is a worker's.
  const bool star = setting.collective == Collective::kStar;
  const double frames = star ? 2.0 : 4.0 * (workers - 1.0) / workers;
  return static_cast<double>(payload) * (star ? 1.0 : 2.0) / workers + frames * kHeader;
}

Budget::Costs costs_by(const TrafficFormula& formula, const StrategySetting& setting, std::uint64_t checks) {
  const auto sum = [](const std::array<std::uint64_t, kTrafficKinds>& bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0});
  };
  const std::uint64_t of_checks = sum(formula.per_step) * setting.steps + sum(formula.per_run);
  return {.check = exchange_cost(of_checks / std::max<std::uint64_t>(checks, 1), setting),
          .synchronisation = exchange_cost(sum(formula.per_sync), setting),
          .seconds =
              setting.step_time.value > 0.0 && checks > 0
                  ? setting.step_time.value * static_cast<double>(setting.steps / checks) + setting.exchange_time.value
                  : 0.0};
}

void require_enough(const Options& options, const BudgetRate& rate, const StrategySetting& setting,
                    std::uint64_t checks, const Budget::Costs& costs) {
  if (checks == 0) {
    throw UsageError(options.place("budget") + ": in " + std::to_string(setting.steps) +
                     " steps there is no check, and without one no synchronisation; take a smaller check_every");
  }
  const double length = rate.of_time ? costs.seconds * static_cast<double>(checks) : static_cast<double>(setting.steps);
  const double spans = length / rate.span;
  if (!(spans > 0.0)) return;  // how long a step takes is not known before
  const double least = costs.check * static_cast<double>(checks) + costs.synchronisation;
  if (rate.bytes * spans >= least) return;
  const std::string& text = options.text("budget");
  // Rounded up, so that what is named works.
  const Bytes smallest{static_cast<std::uint64_t>(1.02 * least / spans) + 1};
  throw UsageError(
      options.place("budget") + ": " + text + " is " + to_text(Bytes{static_cast<std::uint64_t>(rate.bytes * spans)}) +
      " a worker in the whole run, but " + std::to_string(checks) + " checks and a single synchronisation take " +
      to_text(Bytes{static_cast<std::uint64_t>(least)}) + "; the smallest budget that works is \"" + to_text(smallest) +
      text.substr(text.find('/')) + "\"" + (checks > 1 ? ", or check less often (check_every)" : ""));
}

}  // namespace laconic
