#include "report/comparison.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "report/score.h"

namespace laconic {
namespace {

using Figures = const SummaryFigures&;

std::optional<double> validation_score(Figures run) {
  return run.validation_r2 ? run.validation_r2 : run.validation_accuracy;
}
std::optional<double> test_score(Figures run) { return run.r2 ? run.r2 : run.accuracy; }

template <typename Figure>
Spread spread_over(const std::vector<const SummaryFigures*>& runs, Figure figure) {
  std::vector<double> figures;
  for (const SummaryFigures* run : runs) {
    if (const std::optional<double> value = figure(*run)) figures.push_back(*value);
  }
  return spread_of(figures);
}

ComparedGroup group_of(std::span<const ComparedRun> all, std::vector<std::size_t> members) {
  ComparedGroup group;
  const ComparedRun& first = all[members.front()];
  group.name = first.group;
  group.settings = first.settings;
  group.strategy = first.figures.strategy;
  std::vector<const SummaryFigures*> runs;
  for (const std::size_t run : members) {
    if (all[run].figures.finished) runs.push_back(&all[run].figures);
  }
  group.unfinished = members.size() - runs.size();
  if (runs.empty()) {
    for (const std::size_t run : members) runs.push_back(&all[run].figures);
  }
  group.runs = std::move(members);
  group.of_numbers = std::any_of(runs.begin(), runs.end(), [](const auto* run) { return run->r2.has_value(); });
  group.validation = spread_over(runs, validation_score);
  group.validation_loss = spread_over(runs, [](Figures run) { return run.validation_loss; });
  group.test = spread_over(runs, test_score);
  group.test_loss = spread_over(runs, [](Figures run) { return run.loss; });
  group.mae = spread_over(runs, [](Figures run) { return run.mae; });
  group.own_models =
      spread_over(runs, [](Figures run) { return run.workers_r2 ? run.workers_r2 : run.workers_accuracy; });
  group.paper_gb = spread_over(runs, [](Figures run) { return run.paper_gb; });
  group.joules = spread_over(runs, [](Figures run) { return run.joules; });
  const auto of = [&](auto figure) {
    return spread_over(runs, [&](Figures run) { return std::optional(static_cast<double>(figure(run))); });
  };
  group.payload_bytes = of([](Figures run) { return run.payload_bytes; });
  group.wire_bytes = of([](Figures run) { return run.wire_bytes; });
  group.steps = of([](Figures run) { return run.steps; });
  group.syncs = of([](Figures run) { return run.syncs; });
  group.seconds = of([](Figures run) { return run.time.value; });
  return group;
}

// What most groups have of a property, the first among equals.
std::string most_common(const std::vector<std::string>& values) {
  std::map<std::string, std::size_t> counts;
  for (const std::string& value : values) ++counts[value];
  const auto rarer = [&](const std::string& a, const std::string& b) { return counts[a] < counts[b]; };
  return *std::max_element(values.begin(), values.end(), rarer);
}

// Marks the groups that have a run with another value of a property than most groups have, and gives that common value.
std::string mark_others(Comparison& comparison, const std::function<std::string(Figures)>& property,
                        bool ComparedGroup::*mark) {
  std::vector<std::string> values;
  for (const ComparedGroup& group : comparison.groups) {
    values.push_back(property(comparison.runs[group.runs.front()].figures));
  }
  const std::string common = most_common(values);
  for (ComparedGroup& group : comparison.groups) {
    group.*mark = std::any_of(group.runs.begin(), group.runs.end(),
                              [&](std::size_t run) { return property(comparison.runs[run].figures) != common; });
  }
  return common;
}

bool any_marked(const Comparison& comparison, bool ComparedGroup::*mark) {
  return std::any_of(comparison.groups.begin(), comparison.groups.end(),
                     [&](const ComparedGroup& group) { return group.*mark; });
}

// Results of older versions do not tell which samples the test split had: their data set's name has to do for all.
void mark_other_data(Comparison& comparison) {
  const bool all_tell = std::all_of(comparison.runs.begin(), comparison.runs.end(),
                                    [](const ComparedRun& run) { return !run.figures.data.empty(); });
  const auto data = [&](Figures run) {
    const char* scored = run.r2 ? " numbers" : " classes";
    return run.dataset + scored + (all_tell ? " " + run.data : std::string());
  };
  const std::string common = mark_others(comparison, data, &ComparedGroup::has_other_data);
  if (!any_marked(comparison, &ComparedGroup::has_other_data)) return;
  const std::string name = common.substr(0, common.find(' '));
  std::string others;
  bool same_name = false;
  for (const ComparedGroup& group : comparison.groups) {
    if (!group.has_other_data) continue;
    const std::string& other = comparison.runs[group.runs.front()].figures.dataset;
    same_name = same_name || other == name;
    if (other != name && others.find(other) == std::string::npos) others += (others.empty() ? "" : ", ") + other;
  }
  comparison.notes.push_back("† Measured on other test data (" +
                             (same_name ? "other samples of " + name + (others.empty() ? "" : ", ") : std::string()) +
                             others + ") than the other rows (" + name + "): not ranked, scores do not compare.");
}

void mark_other_clock(Comparison& comparison) {
  const std::string common = mark_others(
      comparison, [](Figures run) { return run.runtime; }, &ComparedGroup::has_other_clock);
  if (!any_marked(comparison, &ComparedGroup::has_other_clock)) return;
  comparison.notes.emplace_back(
      common == "mpi" ? "‡ Simulated time; the other rows have real time over MPI. Times do not compare."
                      : "‡ Real time over MPI; the other rows have simulated time. Times do not compare.");
}

void mark_other_version(Comparison& comparison) {
  const std::string common = mark_others(
      comparison, [](Figures run) { return run.program_version; }, &ComparedGroup::has_other_version);
  if (!any_marked(comparison, &ComparedGroup::has_other_version)) return;
  comparison.notes.push_back("§ Results of another version of laconic than " + common +
                             ", which the other rows are of; run the job again to be sure.");
}

bool is_rankable(const ComparedGroup& group) {
  return group.unfinished == 0 && group.test.count == group.runs.size() && !group.has_other_data;
}

const Spread& ranking_score(const Comparison& comparison, const ComparedGroup& group) {
  return comparison.ranked_by == Comparison::RankedBy::kValidation ? group.validation : group.test;
}

bool beats(double score_a, double bytes_a, double score_b, double bytes_b) {
  return score_a >= score_b && bytes_a <= bytes_b && (score_a > score_b || bytes_a < bytes_b);
}

// "a", "a, b", "a, b and 5 others".
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 3; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > 3) text += " and " + std::to_string(names.size() - 3) + " others";
  return text;
}

void rank(Comparison& comparison) {
  std::vector<std::size_t> ranked;
  std::vector<std::string> without_validation;
  bool of_numbers = false;
  for (std::size_t i = 0; i < comparison.groups.size(); ++i) {
    const ComparedGroup& group = comparison.groups[i];
    if (!is_rankable(group)) continue;
    ranked.push_back(i);
    of_numbers = group.of_numbers;
    if (group.validation.count != group.runs.size()) without_validation.push_back(group.name);
  }
  if (ranked.empty()) return;
  comparison.ranked_by = without_validation.empty() ? Comparison::RankedBy::kValidation : Comparison::RankedBy::kTest;
  const auto score = [&](std::size_t i) { return ranking_score(comparison, comparison.groups[i]).mean; };
  const auto bytes = [&](std::size_t i) { return comparison.groups[i].wire_bytes.mean; };
  std::stable_sort(ranked.begin(), ranked.end(), [&](std::size_t a, std::size_t b) {
    return score(a) > score(b) || (score(a) == score(b) && bytes(a) < bytes(b));
  });
  for (std::size_t place = 0; place < ranked.size(); ++place) {
    ComparedGroup& group = comparison.groups[ranked[place]];
    group.rank = place + 1;
    group.on_pareto_front = std::none_of(ranked.begin(), ranked.end(), [&](std::size_t other) {
      return beats(score(other), bytes(other), score(ranked[place]), bytes(ranked[place]));
    });
  }
  if (comparison.groups.size() < 2) return;
  const std::string name(score_name(of_numbers));
  if (without_validation.empty()) {
    comparison.notes.push_back("Ranked by validation " + name + ".");
  } else {
    const bool none = without_validation.size() == ranked.size();
    comparison.notes.push_back("Ranked by test " + name + ", as " +
                               (none ? std::string("there are no validation data")
                                     : "there are no validation data for " + listed(without_validation)) +
                               "; to choose by this table, set data.validation, such as 0.1.");
  }
  const std::string split = without_validation.empty() ? "validation " : "test ";
  comparison.notes.push_back("*: no other row has at least this " + split + name + " with at most these bytes.");
}

}  // namespace

Spread spread_of(std::span<const double> figures) {
  Spread spread;
  spread.count = figures.size();
  if (figures.empty()) return spread;
  spread.minimum = *std::min_element(figures.begin(), figures.end());
  spread.maximum = *std::max_element(figures.begin(), figures.end());
  const auto count = static_cast<double>(figures.size());
  double sum = 0.0;
  for (const double figure : figures) sum += figure;
  // A mean of equal numbers may be one rounding beside them.
  spread.mean = std::clamp(sum / count, spread.minimum, spread.maximum);
  if (figures.size() < 2) return spread;
  double squares = 0.0;
  for (const double figure : figures) squares += (figure - spread.mean) * (figure - spread.mean);
  spread.deviation = std::sqrt(squares / (count - 1.0));
  return spread;
}

std::string ComparedGroup::marks() const {
  return std::string(has_other_data ? "†" : "") + (has_other_clock ? "‡" : "") + (has_other_version ? "§" : "");
}

std::vector<std::size_t> Comparison::ranking() const {
  std::vector<std::size_t> order(groups.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto place = [&](std::size_t i) { return groups[i].rank.value_or(groups.size() + 1); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
  return order;
}

bool Comparison::has_groups_of_many() const {
  return std::any_of(groups.begin(), groups.end(), [](const ComparedGroup& group) { return group.runs.size() > 1; });
}

Comparison compare_runs(std::vector<ComparedRun> runs) {
  Comparison comparison;
  comparison.runs = std::move(runs);
  std::map<std::string, std::size_t> known;
  std::vector<std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const auto [place, is_new] = known.emplace(comparison.runs[i].group, members.size());
    if (is_new) members.emplace_back();
    members[place->second].push_back(i);
  }
  for (std::vector<std::size_t>& group : members) {
    comparison.groups.push_back(group_of(comparison.runs, std::move(group)));
  }
  if (comparison.has_groups_of_many()) {
    comparison.notes.emplace_back("Means over the seeds, ± the standard deviation of the sample.");
  }
  if (comparison.groups.size() > 1) {
    mark_other_data(comparison);
    mark_other_clock(comparison);
    mark_other_version(comparison);
  }
  rank(comparison);
  return comparison;
}

}  // namespace laconic
