#include "report/progress.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "report/format.h"
#include "report/score.h"

namespace laconic {

std::string live_line(const ProgressState& state, std::size_t width) {
  struct Field {
    std::string text;
    int need;  // the higher, the longer it stays
  };
  std::vector<Field> fields;
  fields.push_back({state.job, 1});
  fields.push_back({"step " + grouped(state.step) + "/" + grouped(state.steps), 7});
  if (state.loss) fields.push_back({"loss " + significant(*state.loss), 4});
  if (!state.score.empty()) fields.push_back({state.score, 6});
  fields.push_back({"sent " + to_text(state.wire), 5});
  fields.push_back({"syncs " + grouped(state.syncs), 2});
  if (state.step > 0) {
    const double left = static_cast<double>(state.steps - std::min(state.step, state.steps));
    fields.push_back({"ETA " + clock_text({state.elapsed.value / static_cast<double>(state.step) * left}), 3});
  }
  for (;;) {
    std::string line;
    for (const Field& field : fields) line += (line.empty() ? "" : "  ") + field.text;
    if (display_width(line) <= width || fields.size() == 1) return std::string(clipped(line, width));
    fields.erase(
        std::min_element(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.need < b.need; }));
  }
}

std::string measurement_text(const Measurement& measurement, std::uint64_t steps, double epoch) {
  std::string text =
      fmt::format("step {}/{}  epoch {}  train loss {}  test loss {}  {}", grouped(measurement.step.value),
                  grouped(steps), significant(epoch), significant(measurement.train_loss),
                  significant(measurement.test.loss), named_score(measurement.test));
  const bool of_numbers = measurement.test.regression.has_value();
  if (of_numbers) text += "  MAE " + significant(measurement.test.regression->mean_absolute_error);
  if (measurement.validation.samples > 0) text += "  validation " + score_text(measurement.validation);
  if (measurement.workers) text += "  own models " + score_text(measurement.workers->mean, of_numbers);
  return fmt::format("{}  sent {}  syncs {}  time {}", text, to_text(measurement.total().framed),
                     grouped(measurement.syncs), to_text(measurement.time));
}

}  // namespace laconic
