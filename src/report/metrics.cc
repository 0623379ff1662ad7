#include "report/metrics.h"

#include "report/json.h"

namespace laconic {

Json to_json(const Tally& tally) {
  return {{"frames", tally.frames}, {"payload_bytes", tally.payload.value}, {"wire_bytes", tally.framed.value}};
}

Json to_json(const std::array<Tally, kTrafficKinds>& traffic) {
  Json json = Json::object();
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    if (traffic[kind].frames > 0) json[std::string(to_text(static_cast<Traffic>(kind)))] = to_json(traffic[kind]);
  }
  return json;
}

Json to_json(const Evaluation& evaluation) {
  Json json = {{"loss", evaluation.loss}};
  if (evaluation.regression) {
    json["r2"] = evaluation.regression->r2;
    json["mae"] = evaluation.regression->mean_absolute_error;
  } else {
    json["accuracy"] = evaluation.accuracy;
  }
  json["samples"] = evaluation.samples;
  return json;
}

Json to_json(const Prequential& prequential) {
  return {{"cumulative_loss", prequential.loss}, {"samples", prequential.samples}};
}

Json to_json(const WorkerAccuracy& accuracy) {
  Json json = {{"mean", accuracy.mean}, {"minimum", accuracy.minimum}, {"maximum", accuracy.maximum}};
  if (accuracy.sampled > 0) json["sampled"] = accuracy.sampled;
  return json;
}

Json to_json(const WorkerScore& score, bool of_numbers) {
  Json json = Json::object();
  if (score.test) json[of_numbers ? "test_r2" : "test_accuracy"] = *score.test;
  if (score.own_data) {
    json[of_numbers ? "own_r2" : "own_accuracy"] = *score.own_data;
    json["own_samples"] = score.own_samples;
  }
  return json;
}

std::string measurement_line(const Measurement& measurement, double epoch) {
  const Tally total = measurement.total();
  Json json = {{"type", "measurement"},
               {"step", measurement.step.value},
               {"epoch", epoch},
               {"time_s", measurement.time.value},
               {"train_loss", measurement.train_loss},
               {"test", to_json(measurement.test)}};
  if (measurement.validation.samples > 0) json["validation"] = to_json(measurement.validation);
  if (measurement.prequential.samples > 0) json["prequential"] = to_json(measurement.prequential);
  if (measurement.workers) json["workers"] = to_json(*measurement.workers);
  json["consensus_distance"] = measurement.consensus_distance;
  json["syncs"] = measurement.syncs;
  json["payload_bytes"] = total.payload.value;
  json["wire_bytes"] = total.framed.value;
  json["traffic"] = to_json(measurement.traffic);
  if (!measurement.watched.empty()) json["watched"] = measurement.watched;
  return json.dump();
}

std::string sync_line(Step step, double epoch, std::uint64_t syncs, const std::map<std::string, double>& watched,
                      std::optional<double> threshold) {
  Json json = {{"type", "sync"}, {"step", step.value}, {"epoch", epoch}, {"syncs", syncs}};
  if (!watched.empty()) json["watched"] = watched;
  if (threshold) json["threshold"] = *threshold;
  return json.dump();
}

}  // namespace laconic
