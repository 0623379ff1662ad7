// The charts of one run.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "report/chart_rows.h"
#include "report/page_data.h"

namespace laconic {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

using Value = std::function<double(const Json& row)>;

class RunCharts {
 public:
  explicit RunCharts(const PageRun& run) : run_(page_data(run)), job_(run.job) {
    set_.title = run.name;
    set_.positions.push_back(positions_of(rows(), kChartAxes));
  }

  ChartSet all() && {
    const auto has = [&](const char* score) {
      return std::ranges::any_of(rows(), [&](const Json& row) {
        return std::isfinite(number_at(row, {"test", score}));
      });
    };
    if (has("r2")) {
      add_scores("r2", "R2", ChartUnit::kNumber);
      add({.key = "mae", .title = "Mean absolute error", .label = "mean absolute error", .note = score_note()},
          {{"test", of({"test", "mae"})}, {"validation", of({"validation", "mae"})}});
    }
    if (has("accuracy") || !has("r2")) add_scores("accuracy", "Accuracy", ChartUnit::kFraction);
    add({.key = "loss",
         .title = "Loss",
         .label = "loss",
         .note = "In training, mean over the workers, and on the held-out splits."},
        {{"training", of({"train_loss"})}, {"test", of({"test", "loss"})}, {"validation", of({"validation", "loss"})}});
    add_watched();
    add(consensus_chart(), {{"distance", of({"consensus_distance"})}});
    add_bytes();
    return std::move(set_);
  }

 private:
  const Json& rows() const { return run_.at("measurements"); }

  static std::string score_note() { return std::string("On the held-out splits, ") + kOfMeasuredModel; }

  static Value of(std::initializer_list<const char*> path) {
    return [path = std::vector(path)](const Json& row) {
      return path.size() == 1 ? number_at(row, {path[0]}) : number_at(row, {path[0], path[1]});
    };
  }

  // Along the first `axes` of the axes; where a row has no place, the axis is left empty.
  static ChartPositions positions_of(const Json& rows, std::size_t axes) {
    ChartPositions positions;
    for (std::size_t axis = 0; axis < axes; ++axis) {
      for (const Json& row : rows) positions[axis].push_back(place_along(row, static_cast<ChartAxis>(axis)));
      if (!std::ranges::all_of(positions[axis], [](double place) { return std::isfinite(place); }))
        positions[axis] = {};
    }
    return positions;
  }

  void add(Chart chart, const std::vector<std::pair<std::string, Value>>& lines) {
    for (const auto& [name, value] : lines) {
      ChartLine line{.name = name, .style = chart.lines.size()};
      for (const Json& row : rows()) line.mean.push_back(value(row));
      chart.lines.push_back(std::move(line));
    }
    add_chart(std::move(chart), set_);
  }

  // A worker's own models are scored as the average is.
  void add_scores(const char* score, const char* title, ChartUnit unit) {
    const auto own = [score](const char* which) {
      return [score, which](const Json& row) {
        const bool is_of_score = std::isfinite(number_at(row, {"test", score}));
        return is_of_score ? number_at(row, {"workers", which}) : kNothing;
      };
    };
    add({.key = score, .title = title, .label = score, .note = score_note(), .unit = unit},
        {{"test", of({"test", score})},
         {"validation", of({"validation", score})},
         {"own models, mean", own("mean")},
         {"own models, least", own("minimum")},
         {"own models, most", own("maximum")}});
  }

  void add_bytes() {
    std::vector<std::string> kinds;
    for (const Json& row : rows()) {
      for (const auto& [kind, tally] : row.at("traffic").items()) {
        if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
      }
    }
    std::vector<std::pair<std::string, Value>> lines = {{"all", of({"wire_bytes"})}};
    if (kinds.size() > 1) {
      for (const std::string& kind : kinds) {
        lines.emplace_back(kind, [kind](const Json& row) {
          return number_at(row, {"traffic", kind.c_str(), "wire_bytes"});
        });
      }
    }
    add({.key = "bytes",
         .title = "Bytes",
         .label = "bytes sent",
         .note = "Sent so far by all, each frame counted once, headers in.",
         .unit = ChartUnit::kBytes},
        lines);
  }

  // A threshold that the job gives and nothing changes.
  std::optional<double> fixed_threshold() const {
    constexpr std::string_view kKey = "\nthreshold = ";
    const std::size_t section = ("\n" + job_).find("\n[strategy]\n");
    if (section == std::string::npos) return std::nullopt;
    std::string_view text = std::string_view(job_).substr(section);
    text = text.substr(0, text.find("\n["));
    const std::size_t key = text.find(kKey);
    if (key == std::string_view::npos) return std::nullopt;
    text.remove_prefix(key + kKey.size());
    double threshold = 0.0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threshold);
    const bool is_whole = end == text.data() + text.size() || *end == '\n';
    return error == std::errc() && is_whole && threshold > 0.0 ? std::optional(threshold) : std::nullopt;
  }

  void add_watched() {
    const Json& syncs = run_.at("syncs");
    std::vector<std::string> names;
    add_watched_names(rows(), names);
    add_watched_names(syncs, names);
    if (names.empty()) return;
    // Measurements and synchronisations in their order.
    Json both = rows();
    both.insert(both.end(), syncs.begin(), syncs.end());
    std::stable_sort(both.begin(), both.end(), [](const Json& a, const Json& b) {
      return place_along(a, ChartAxis::kSteps) < place_along(b, ChartAxis::kSteps);
    });
    const std::size_t of_both = set_.positions.size();
    set_.positions.push_back(positions_of(both, 2));
    set_.positions.push_back(positions_of(syncs, 2));
    const std::optional<double> threshold = fixed_threshold();
    for (const std::string& name : names) {
      const bool is_estimate = name == kVarianceEstimate;
      Chart chart = watched_chart(name);
      if (is_estimate) {
        chart.title = "Variance estimate and threshold";
        chart.note =
            "What the workers know of their models’ variance; a synchronisation follows where it exceeds the "
            "threshold. "
            "Always against steps or epochs.";
      }
      ChartLine value{.name = is_estimate ? "estimate" : chart.label, .positions = of_both, .style = 0};
      ChartLine limit{.name = "threshold", .positions = of_both, .style = 1, .kind = ChartLine::Kind::kStairs};
      ChartLine marks{
          .name = "synchronisations", .positions = of_both + 1, .style = 2, .kind = ChartLine::Kind::kMarks};
      for (const Json& row : both) {
        value.mean.push_back(number_at(row, {"watched", name.c_str()}));
        const double moving = number_at(row, {"threshold"});
        const double stored = std::isfinite(moving) ? moving : number_at(row, {"watched", "threshold"});
        const bool has_value = std::isfinite(value.mean.back());
        limit.mean.push_back(!threshold ? stored : has_value ? *threshold : kNothing);
      }
      for (const Json& row : syncs) marks.mean.push_back(number_at(row, {"watched", name.c_str()}));
      chart.lines = {std::move(value), std::move(limit), std::move(marks)};
      add_chart(std::move(chart), set_);
    }
  }

  Json run_;
  std::string job_;
  ChartSet set_;
};

}  // namespace

ChartSet charts_of(const PageRun& run) { return RunCharts(run).all(); }

}  // namespace laconic
