// Summaries for people.
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "report/class_metrics.h"
#include "report/format.h"
#include "report/score.h"
#include "report/summary.h"

namespace laconic {
namespace {

std::string head_line(const Summary& summary) {
  switch (summary.end) {
    case Summary::End::kSteps:
      return summary.job + ": all steps taken";
    case Summary::End::kUntil:
      return summary.job + ": reached what it was to reach";
    case Summary::End::kPatience:
      return fmt::format("{}: stopped, as {} measurements in a row were no better than that of step {}", summary.job,
                         grouped(summary.patience), summary.best ? grouped(summary.best->step) : "0");
    case Summary::End::kInterrupted:
      return summary.job + ": interrupted; these are the results until then";
    case Summary::End::kFailed:
      return summary.job + ": failed: " + summary.error;
  }
  return {};
}

std::string kinds_text(const Summary& summary) {
  std::string text;
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    const Tally& tally = summary.traffic[kind];
    if (tally.frames == 0) continue;
    text +=
        (text.empty() ? "" : ", ") + std::string(to_text(static_cast<Traffic>(kind))) + " " + to_text(tally.payload);
  }
  return text;
}

// Which model was measured: over processes the average only where the job asks for it.
std::string model_text(const Summary& summary) {
  if (summary.runtime == Summary::Runtime::kSimulator || summary.average) return "average model";
  if (summary.syncs > 0 && summary.syncs_are_gossip) return "model of worker 0 after its last gossip round";
  return summary.syncs > 0 ? "model that worker 0 last synchronised" : "model of worker 0, which nothing synchronised";
}

std::string syncs_text(const Summary& summary) {
  if (summary.syncs == 0) return "0";
  return grouped(summary.syncs) + (summary.syncs_are_gossip ? ", rounds in which worker 0 gossiped with neighbours"
                                                            : ", averages over all workers");
}

std::string_view source_text(Summary::Source source, bool older) {
  switch (source) {
    case Summary::Source::kStart:
    case Summary::Source::kMeasured:
      return older ? ", the newest that was measured and whose losses were finite" : "";
    case Summary::Source::kAverageAtEnd:
      return ", the average of the workers' models at the end";
    case Summary::Source::kSynchronised:
      return ", the newest that was synchronised";
    case Summary::Source::kOfWorker0:
      return ", worker 0's own at the end";
  }
  return "";
}

// A test split that has chosen a model no longer says how good it is.
std::string best_text(const Summary::Best& best) {
  return fmt::format("that of step {}: {} {}, loss {} on the {}", grouped(best.step), score_name(best.of_numbers),
                     score_text(best.score, best.of_numbers), significant(best.loss),
                     best.by_validation ? "validation split"
                                        : "test split; to publish figures choose by validation (data.validation)");
}

// What the workers' own models are worth on the samples that each trains on, or empty.
std::string own_data_text(const Measurement& measurement) {
  std::vector<double> scores;
  std::size_t worst = 0;
  for (std::size_t rank = 0; rank < measurement.by_worker.size(); ++rank) {
    const std::optional<double>& score = measurement.by_worker[rank].own_data;
    if (!score) continue;
    if (scores.empty() || *score < *std::ranges::min_element(scores)) worst = rank;
    scores.push_back(*score);
  }
  if (scores.empty()) return {};
  const WorkerAccuracy all = WorkerAccuracy::of(scores);
  const auto text = [&](double score) { return score_text(score, measurement.test.regression.has_value()); };
  return fmt::format("{} on average, from {} (worker {}) to {}: each worker's model on the samples it trains on",
                     text(all.mean), text(all.minimum), worst, text(all.maximum));
}

}  // namespace

std::string_view paper_note(std::string_view strategy) {
  return strategy == "fda" ? "8 d K bytes for the start and for each sync, and the states of the checks"
                           : "8 d K bytes for each step";
}

std::string summary_for_people(const Summary& summary) {
  std::string text = head_line(summary) + "\n";
  const auto line = [&](std::string label, const std::string& value) {
    label.resize(14, ' ');
    text += "  " + label + value + "\n";
  };
  if (summary.newest) {
    const Measurement& newest = *summary.newest;
    const bool of_numbers = newest.test.regression.has_value();
    line(std::string(score_name(of_numbers)),
         score_text(newest.test) + " of the " + model_text(summary) + " at step " + grouped(newest.step.value) +
             (summary.best_score ? " (best " + score_text(*summary.best_score, of_numbers) + ")" : ""));
    if (of_numbers) {
      line("MAE",
           significant(newest.test.regression->mean_absolute_error, 4) + ", mean absolute error on the test set");
    }
    if (newest.workers) {
      const WorkerAccuracy& own = *newest.workers;
      line("own models", score_text(own.mean, of_numbers) + " on average, from " + score_text(own.minimum, of_numbers) +
                             " to " + score_text(own.maximum, of_numbers) +
                             (own.sampled == 0 ? ""
                                               : ", of " + grouped(own.sampled) + " of " + grouped(summary.workers) +
                                                     " workers, drawn at random"));
    }
    if (const std::string text = own_data_text(newest); !text.empty()) line("own data", text);
    if (const ClassesOf classes = classes_of(newest); classes.evaluation != nullptr) {
      line("classes", classes_text(*classes.evaluation->confusion, summary.classes));
    }
    if (newest.validation.samples > 0) {
      line("validation", score_text(newest.validation) + ", loss " + significant(newest.validation.loss));
    }
    line("loss", significant(newest.test.loss) + " on the test set, " + significant(newest.train_loss) +
                     " in training since the measurement before");
    if (const Prequential& tested = newest.prequential; tested.samples > 0) {
      line("cumulative",
           fmt::format("loss {} of {} samples tested, then trained on; {} each", significant(tested.loss),
                       grouped(tested.samples), significant(tested.loss / static_cast<double>(tested.samples))));
    }
  }
  const std::string by = summary.workers == 1 ? "one worker" : "each of " + grouped(summary.workers) + " workers";
  line("steps", fmt::format("{} of {} by {} ({} epochs)", grouped(summary.steps), grouped(summary.planned_steps), by,
                            significant(summary.epochs)));
  if (summary.model_step && (!summary.finished() || *summary.model_step < summary.steps)) {
    const bool older = *summary.model_step < summary.steps;
    line("model", *summary.model_step == 0 ? "stored is the start, as no later model was measured before the end"
                                           : fmt::format("stored is that of step {}{}", grouped(*summary.model_step),
                                                         source_text(summary.model_source, older)));
  }
  if (summary.best && summary.best->is_stored) line("best model", best_text(*summary.best));
  line("syncs", syncs_text(summary));
  const Tally total = summary.total();
  const std::string kinds = kinds_text(summary);
  line("sent", fmt::format("{} on the wire in {} frames; payload {}{}{}", to_text(total.framed), grouped(total.frames),
                           to_text(total.payload), kinds.empty() ? "" : " (" + kinds + ")",
                           summary.has_all_nodes ? "" : "; by process 0 alone, as the others could not tell any more"));
  if (summary.local.frames > 0) {
    line("local", to_text(summary.local.framed) + " of it between worker 0 and the coordinator beside it, in memory");
  }
  if (summary.lost() + summary.doubled() > 0) {
    line("faults", grouped(summary.lost()) + " frames lost, " + grouped(summary.doubled()) + " doubled");
  }
  if (summary.refused() > 0) line("refused", grouped(summary.refused()) + " damaged frames");
  if (summary.paper_gb) {
    line("paper bytes", significant(*summary.paper_gb) + " GB as FDA's paper counts: " +
                            std::string(paper_note(summary.strategy)) + ", whatever was sent");
  }
  if (summary.joules) line("energy", significant(*summary.joules) + " J, by the job's [energy]");
  const bool is_real = summary.runtime == Summary::Runtime::kProcesses;
  const std::string here = clock_text({summary.wall_seconds});
  const std::string whole = to_text(summary.time) + (is_real ? " without evaluations" : " on the job's network");
  if (summary.resumed_step) {
    line("time",
         whole + " from step 0; " + here + " here since the run went on after step " + grouped(*summary.resumed_step));
  } else {
    line("time", whole + ", " + here + (is_real ? " in all" : " here"));
  }
  if (!is_real) line("trace hash", hex(summary.trace_hash));
  return text;
}

}  // namespace laconic
