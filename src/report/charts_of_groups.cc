// The charts of several runs: a line for each group of runs that differ in their seed alone.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "report/chart_rows.h"
#include "report/page_data.h"

namespace laconic {
namespace {

// A group's measurements, of each step that all its runs have: one row of each run.
using RowsOfStep = std::vector<Json>;

std::vector<RowsOfStep> rows_by_step(const RunGroup& group) {
  std::vector<Json> runs;
  for (const PageRun& run : group.runs) runs.push_back(page_data(run));
  const auto has_finished = [](const Json& run) { return run.at("summary").value("finished", Json()) == true; };
  if (std::any_of(runs.begin(), runs.end(), has_finished)) std::erase_if(runs, std::not_fn(has_finished));
  std::map<double, RowsOfStep> steps;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (Json& row : runs[run].at("measurements")) {
      RowsOfStep& rows = steps[number_at(row, {"step"})];
      if (rows.size() == run) rows.push_back(std::move(row));
    }
  }
  std::vector<RowsOfStep> common;
  for (auto& [step, rows] : steps) {
    if (rows.size() == runs.size()) common.push_back(std::move(rows));
  }
  return common;
}

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// Over the runs; NaN unless all have a number.
template <typename Value>
double mean_of(const RowsOfStep& rows, Value value) {
  double sum = 0.0;
  for (const Json& row : rows) sum += value(row);
  return sum / static_cast<double>(rows.size());
}

class GroupCharts {
 public:
  explicit GroupCharts(std::span<const RunGroup> groups) : groups_(groups) {
    set_.title =
        "Comparison of " + std::to_string(groups.size()) + (groups.size() == 1 ? " group" : " groups") + " of runs";
    for (const RunGroup& group : groups) {
      steps_.push_back(rows_by_step(group));
      set_.positions.push_back(positions_of(steps_.back()));
      if (!steps_.back().empty() && steps_.back().front().size() > 1) {
        set_.band_text = "line: mean of n runs; band: lowest to highest of them";
      }
    }
  }

  ChartSet all() && {
    const std::string note = std::string(", ") + kOfMeasuredModel;
    for (const auto& [split, words] : {std::pair("validation", "Validation"), std::pair("test", "Test")}) {
      const std::string key = split;
      const std::string on = "On the " + key + " split" + note;
      add({.key = key + "_accuracy",
           .title = std::string(words) + " accuracy",
           .label = "accuracy",
           .note = on,
           .unit = ChartUnit::kFraction},
          [split = split](const Json& row) {
            return number_at(row, {split, "accuracy"});
          });
      add({.key = key + "_r2", .title = std::string(words) + " R2", .label = "R2", .note = on},
          [split = split](const Json& row) {
            return number_at(row, {split, "r2"});
          });
      add({.key = key + "_mae",
           .title = std::string(words) + " mean absolute error",
           .label = "mean absolute error",
           .note = on},
          [split = split](const Json& row) {
            return number_at(row, {split, "mae"});
          });
    }
    add({.key = "validation_loss",
         .title = "Validation loss",
         .label = "loss",
         .note = "On the validation split" + note},
        [](const Json& row) {
          return number_at(row, {"validation", "loss"});
        });
    add({.key = "test_loss", .title = "Test loss", .label = "loss", .note = "On the test split" + note},
        [](const Json& row) {
          return number_at(row, {"test", "loss"});
        });
    add({.key = "training_loss",
         .title = "Training loss",
         .label = "loss",
         .note = "In training, mean over the workers."},
        [](const Json& row) { return number_at(row, {"train_loss"}); });
    add_watched();
    add(consensus_chart(), [](const Json& row) { return number_at(row, {"consensus_distance"}); });
    add({.key = "bytes",
         .title = "Bytes",
         .label = "bytes sent",
         .note = "Sent so far by all workers, each frame counted once, headers in.",
         .unit = ChartUnit::kBytes},
        [](const Json& row) { return number_at(row, {"wire_bytes"}); });
    return std::move(set_);
  }

 private:
  static ChartPositions positions_of(const std::vector<RowsOfStep>& steps) {
    ChartPositions positions;
    for (std::size_t axis = 0; axis < kChartAxes; ++axis) {
      for (const RowsOfStep& rows : steps) {
        positions[axis].push_back(
            mean_of(rows, [&](const Json& row) { return place_along(row, static_cast<ChartAxis>(axis)); }));
      }
      if (!std::ranges::all_of(positions[axis], [](double place) { return std::isfinite(place); }))
        positions[axis] = {};
    }
    return positions;
  }

  template <typename Value>
  void add(Chart chart, Value value) {
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      const std::vector<RowsOfStep>& steps = steps_[group];
      if (steps.empty()) continue;
      ChartLine line{.name = name_of(groups_[group]), .runs = steps.front().size(), .positions = group, .style = group};
      for (const RowsOfStep& rows : steps) {
        double low = std::numeric_limits<double>::infinity();
        double high = -low;
        for (const Json& row : rows) {
          low = std::min(low, value(row));
          high = std::max(high, value(row));
        }
        const double mean = mean_of(rows, value);
        // A mean of equal numbers may be one rounding beside them.
        line.mean.push_back(std::isfinite(mean) ? std::clamp(mean, low, high) : kNothing);
        if (line.runs < 2) continue;
        line.low.push_back(std::isfinite(mean) ? low : kNothing);
        line.high.push_back(std::isfinite(mean) ? high : kNothing);
      }
      chart.lines.push_back(std::move(line));
    }
    add_chart(std::move(chart), set_);
  }

  static std::string name_of(const RunGroup& group) {
    return group.name + (group.marks.empty() ? "" : " " + group.marks);
  }

  void add_watched() {
    std::vector<std::string> names;
    for (const auto& steps : steps_) {
      for (const RowsOfStep& rows : steps) add_watched_names(rows, names);
    }
    for (const std::string& name : names) {
      Chart chart = watched_chart(name);
      if (name == kVarianceEstimate) {
        chart.title = "Variance estimate";
        chart.note = "What the workers know of their models’ variance. Always against steps or epochs.";
      }
      add(std::move(chart), [&](const Json& row) { return number_at(row, {"watched", name.c_str()}); });
    }
  }

  std::span<const RunGroup> groups_;
  std::vector<std::vector<RowsOfStep>> steps_;  // by group
  ChartSet set_;
};

}  // namespace

ChartSet charts_of(std::span<const RunGroup> groups) { return GroupCharts(groups).all(); }

}  // namespace laconic
