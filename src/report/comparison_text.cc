// Comparisons for people.
#include <algorithm>
#include <cmath>
#include <functional>

#include "report/comparison.h"
#include "report/format.h"
#include "report/score.h"

namespace laconic {
namespace {

std::string score_cell(const Spread& score, bool of_numbers) {
  if (score.count == 0) return "";
  std::string text = score_text(score.mean, of_numbers);
  if (score.deviation) text += " ±" + significant((of_numbers ? 1.0 : 100.0) * *score.deviation, 2);
  return text;
}

std::string count_cell(const Spread& spread) {
  if (spread.count == 0) return "";
  const bool is_whole = spread.mean == std::floor(spread.mean) && spread.mean < 1e15;
  return is_whole ? grouped(static_cast<std::uint64_t>(spread.mean)) : significant(spread.mean, 4);
}

std::string bytes_cell(const Spread& spread) {
  return spread.count == 0 ? "" : to_text(Bytes{static_cast<std::uint64_t>(std::llround(spread.mean))});
}

std::string number_cell(const Spread& spread, int digits = 3) {
  return spread.count == 0 ? "" : significant(spread.mean, digits);
}

// The columns that settings take, in the order of their first appearance.
std::vector<std::string> setting_keys(const Comparison& comparison) {
  std::vector<std::string> keys;
  for (const ComparedGroup& group : comparison.groups) {
    for (const auto& [key, value] : group.settings) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  return keys;
}

std::string setting(const ComparedGroup& group, const std::string& key) {
  for (const auto& [name, value] : group.settings) {
    if (name == key) return value;
  }
  return {};
}

class ComparisonTable {
 public:
  explicit ComparisonTable(const Comparison& comparison) : comparison_(comparison) {
    for (const ComparedGroup& group : comparison.groups) most_bytes_ = std::max(most_bytes_, group.wire_bytes.mean);
  }

  std::string text(std::size_t width) {
    add_names();
    add_scores();
    add_costs();
    add_ends();
    std::vector<Table::Column> heads;
    for (const Column& column : columns_) heads.push_back(column.head);
    Table table(std::move(heads));
    for (const std::size_t index : comparison_.ranking()) {
      std::vector<std::string> cells;
      for (const Column& column : columns_) cells.push_back(column.cell(comparison_.groups[index]));
      const std::string marks = comparison_.groups[index].marks();
      if (!marks.empty()) cells.front() += " " + marks;
      table.add_row(std::move(cells));
    }
    return table.text(width);
  }

 private:
  using Group = const ComparedGroup&;
  struct Column {
    Table::Column head;
    std::function<std::string(Group)> cell;
  };
  static constexpr auto kLeft = Table::Align::kLeft;

  void add(Table::Column head, std::function<std::string(Group)> cell) {
    columns_.push_back({std::move(head), std::move(cell)});
  }
  bool any(const std::function<bool(Group)>& has) const {
    return std::any_of(comparison_.groups.begin(), comparison_.groups.end(), has);
  }
  bool any_has(Spread ComparedGroup::*spread) const {
    return any([&](Group group) { return (group.*spread).count > 0; });
  }

  void add_names() {
    const std::vector<std::string> keys = setting_keys(comparison_);
    for (const std::string& key : keys) {
      add({key, kLeft}, [key](Group group) { return setting(group, key); });
    }
    if (keys.empty()) add({"runs of", kLeft}, [](Group group) { return group.name; });
    const bool is_told = std::find(keys.begin(), keys.end(), "strategy.name") != keys.end();
    const std::string& first = comparison_.groups.front().strategy;
    if (!is_told &&
        (any([&](Group group) { return group.strategy != first; }) || keys == std::vector<std::string>{"job"})) {
      add({"strategy", kLeft}, [](Group group) { return group.strategy; });
    }
    if (comparison_.has_groups_of_many()) {
      add({"runs"}, [](Group group) { return std::to_string(group.runs.size()); });
      if (any([](Group group) { return group.unfinished > 0; })) {
        add({"failed"}, [](Group group) { return std::to_string(group.unfinished); });
      }
    }
  }

  void add_scores() {
    for (const bool of_numbers : {false, true}) {
      const bool none = !any([&](Group group) { return group.test.count > 0 && group.of_numbers == of_numbers; });
      const bool no_scores = !any_has(&ComparedGroup::test);
      if (none && !(no_scores && !of_numbers)) continue;
      const std::string name(score_name(of_numbers));
      const auto cell = [of_numbers](Spread ComparedGroup::*spread) {
        return [of_numbers, spread](Group group) {
          return group.of_numbers == of_numbers ? score_cell(group.*spread, of_numbers) : std::string();
        };
      };
      if (any_has(&ComparedGroup::validation)) add({"validation " + name}, cell(&ComparedGroup::validation));
      add({"test " + name}, cell(&ComparedGroup::test));
      if (of_numbers) add({"MAE"}, [](Group group) { return number_cell(group.mae, 4); });
      if (any_has(&ComparedGroup::own_models)) add({"own models"}, cell(&ComparedGroup::own_models));
    }
    add({"test loss"}, [](Group group) { return number_cell(group.test_loss); });
  }

  void add_costs() {
    add({"on the wire"}, [](Group group) { return bytes_cell(group.wire_bytes); });
    add({"fewer bytes"}, [this](Group group) {
      return group.wire_bytes.mean > 0.0 ? significant(most_bytes_ / group.wire_bytes.mean) + "x" : "no bytes";
    });
    add({"steps"}, [](Group group) { return count_cell(group.steps); });
    add({"syncs"}, [](Group group) { return count_cell(group.syncs); });
    if (any_has(&ComparedGroup::paper_gb)) {
      add({"paper GB"}, [](Group group) { return number_cell(group.paper_gb); });
    }
    if (any_has(&ComparedGroup::joules)) add({"joules"}, [](Group group) { return number_cell(group.joules); });
    add({"time"}, [](Group group) { return to_text(Seconds{group.seconds.mean}); });
  }

  void add_ends() {
    if (comparison_.groups.size() > 1) {
      add({"front", kLeft}, [](Group group) { return std::string(group.on_pareto_front ? "*" : ""); });
    }
    if (comparison_.has_groups_of_many()) return;
    const auto figures = [this](Group group) -> const SummaryFigures& {
      return comparison_.runs[group.runs.front()].figures;
    };
    add({"trace hash", kLeft}, [figures](Group group) { return figures(group).trace_hash; });
    if (any([&](Group group) { return figures(group).end != "steps"; })) {
      add({"end", kLeft}, [figures](Group group) { return figures(group).end; });
    }
  }

  const Comparison& comparison_;
  std::vector<Column> columns_;
  double most_bytes_ = 0.0;
};

}  // namespace

std::string comparison_text(const Comparison& comparison, std::size_t width) {
  std::string text = ComparisonTable(comparison).text(width);
  const auto has_paper_bytes = [](const ComparedGroup& group) { return group.paper_gb.count > 0; };
  if (std::any_of(comparison.groups.begin(), comparison.groups.end(), has_paper_bytes)) {
    text += wrapped(
        "syncs: averages over all workers, or gossip rounds of worker 0. paper GB: whole models, as FDA's paper counts "
        "them for each step or each average, whatever was sent.",
        0, width);
  }
  for (const std::string& note : comparison.notes) text += wrapped(note, 0, width);
  return text;
}

}  // namespace laconic
