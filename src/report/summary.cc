#include "report/summary.h"

#include "base/error.h"
#include "report/class_metrics.h"
#include "report/format.h"
#include "report/json.h"

namespace laconic {
namespace {

// Of more the matrix is no reading.
constexpr std::size_t kMostClassesInSummary = 100;

Json node_json(const Summary::Node& node) {
  return {{"sent", to_json(node.sent)},
          {"received", to_json(node.received)},
          {"refused_frames", node.refused},
          {"lost_frames", node.lost},
          {"doubled_frames", node.doubled}};
}

Json worker_json(const Summary& summary, std::size_t rank) {
  Json json = node_json(summary.nodes[rank]);
  if (summary.newest && rank < summary.newest->by_worker.size()) {
    json.update(to_json(summary.newest->by_worker[rank], summary.newest->test.regression.has_value()));
  }
  if (rank < summary.own_users.size()) json["own_users"] = summary.own_users[rank];
  return json;
}

std::string_view source_word(Summary::Source source) {
  switch (source) {
    case Summary::Source::kStart:
      return "start";
    case Summary::Source::kMeasured:
      return "measured";
    case Summary::Source::kAverageAtEnd:
      return "average at the end";
    case Summary::Source::kSynchronised:
      return "last synchronised";
    case Summary::Source::kOfWorker0:
      return "worker 0 at the end";
  }
  return "";
}

// Over all nodes.
std::uint64_t sum_of(const Summary& summary, std::uint64_t Summary::Node::*count) {
  std::uint64_t sum = summary.coordinator.*count;
  for (const Summary::Node& node : summary.nodes) sum += node.*count;
  return sum;
}

std::optional<double> optional_number(const Json& json, const char* section, const char* key) {
  if (!json.contains(section) || !json.at(section).is_object()) return std::nullopt;
  const Json& object = json.at(section);
  if (!object.contains(key) || !object.at(key).is_number()) return std::nullopt;
  return object.at(key).get<double>();
}

}  // namespace

Tally Summary::total() const {
  Tally sum;
  for (const Tally& tally : traffic) sum += tally;
  return sum;
}

std::uint64_t Summary::refused() const { return sum_of(*this, &Node::refused); }
std::uint64_t Summary::lost() const { return sum_of(*this, &Node::lost); }
std::uint64_t Summary::doubled() const { return sum_of(*this, &Node::doubled); }

std::string_view to_text(Summary::End end) {
  switch (end) {
    case Summary::End::kSteps:
      return "steps";
    case Summary::End::kUntil:
      return "until";
    case Summary::End::kPatience:
      return "patience";
    case Summary::End::kInterrupted:
      return "interrupted";
    case Summary::End::kFailed:
      return "failed";
  }
  return "";
}

void add_ledger(const Ledger& ledger, Summary& summary) {
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    summary.traffic[kind] = ledger.total(static_cast<Traffic>(kind));
  }
  const auto node = [&](Rank rank) {
    return Summary::Node{.sent = ledger.sent(rank),
                         .received = ledger.received(rank),
                         .refused = ledger.refused(rank),
                         .lost = ledger.lost(rank),
                         .doubled = ledger.doubled(rank)};
  };
  summary.local = ledger.local();
  summary.nodes.clear();
  for (Rank rank{0}; rank.value < ledger.world_size(); ++rank.value) summary.nodes.push_back(node(rank));
  summary.coordinator = node(ledger.coordinator());
}

std::string summary_text(const Summary& summary) {
  Json json = {{"program", "laconic " + summary.program_version},
               {"runtime", summary.runtime == Summary::Runtime::kProcesses ? "mpi" : "simulator"},
               {"job", summary.job},
               {"strategy", summary.strategy},
               {"model", summary.model},
               {"dataset", summary.dataset},
               {"seed", summary.seed},
               {"workers", summary.workers},
               {"parameters", summary.parameters},
               {"end", to_text(summary.end)},
               {"finished", summary.finished()}};
  if (!summary.data.empty()) json["data"] = summary.data;
  if (!summary.classes.empty()) json["classes"] = summary.classes;
  if (summary.tuned_gamma) json["tuned_gamma"] = *summary.tuned_gamma;
  if (!summary.error.empty()) json["error"] = summary.error;
  json["planned_steps"] = summary.planned_steps;
  json["steps"] = summary.steps;
  json["epochs"] = summary.epochs;
  json["syncs"] = summary.syncs;
  if (summary.syncs > 0) json["syncs_are"] = summary.syncs_are_gossip ? "gossip rounds of worker 0" : "averages";
  if (!summary.drifts.empty()) json["drifts"] = summary.drifts;
  json["time_s"] = summary.time.value;
  json["wall_s"] = summary.wall_seconds;
  if (summary.resumed_step) json["resumed_step"] = *summary.resumed_step;
  if (summary.runtime == Summary::Runtime::kSimulator) json["trace_hash"] = hex(summary.trace_hash);
  if (summary.model_step) {
    json["model_step"] = *summary.model_step;
    json["model_source"] = source_word(summary.model_source);
  }
  if (summary.best) {
    json["best"] = {{"step", summary.best->step},
                    {"split", summary.best->by_validation ? "validation" : "test"},
                    {summary.best->of_numbers ? "r2" : "accuracy", summary.best->score},
                    {"loss", summary.best->loss},
                    {"stored", summary.best->is_stored}};
  }
  if (summary.newest) {
    const Measurement& newest = *summary.newest;
    json["measured_step"] = newest.step.value;
    json["train_loss"] = newest.train_loss;
    json["test"] = to_json(newest.test);
    if (newest.validation.samples > 0) json["validation"] = to_json(newest.validation);
    if (newest.prequential.samples > 0) json["prequential"] = to_json(newest.prequential);
    if (newest.workers) json[newest.test.regression ? "workers_r2" : "workers_accuracy"] = to_json(*newest.workers);
    json["consensus_distance"] = newest.consensus_distance;
    if (const ClassesOf classes = classes_of(newest); classes.evaluation != nullptr) {
      json["classification"] =
          classification_json(*classes.evaluation, classes.split, summary.classes, kMostClassesInSummary);
    }
  }
  if (summary.best_score) {
    const bool of_numbers = summary.newest && summary.newest->test.regression;
    json[of_numbers ? "best_test_r2" : "best_test_accuracy"] = *summary.best_score;
  }
  const Tally total = summary.total();
  json["payload_bytes"] = total.payload.value;
  json["wire_bytes"] = total.framed.value;
  if (!summary.has_all_nodes) json["bytes_of"] = "process 0";
  if (summary.local.frames > 0) json["local_bytes"] = summary.local.framed.value;
  if (summary.paper_gb) json["paper_gb"] = *summary.paper_gb;
  if (summary.joules) json["joules"] = *summary.joules;
  json["refused_frames"] = summary.refused();
  json["lost_frames"] = summary.lost();
  json["doubled_frames"] = summary.doubled();
  json["traffic"] = to_json(summary.traffic);
  json["by_worker"] = Json::array();
  for (std::size_t rank = 0; rank < summary.nodes.size(); ++rank)
    json["by_worker"].push_back(worker_json(summary, rank));
  json["coordinator"] = node_json(summary.coordinator);
  return indented(json) + "\n";
}

SummaryFigures read_summary(std::string_view text) {
  constexpr std::string_view kProgram = "laconic ";
  try {
    const Json json = Json::parse(text);
    SummaryFigures figures;
    const std::string program = json.at("program").get<std::string>();
    if (!program.starts_with(kProgram)) throw DecodeError("written by '" + program + "'");
    figures.program_version = program.substr(kProgram.size());
    figures.job = json.at("job").get<std::string>();
    figures.strategy = json.at("strategy").get<std::string>();
    figures.dataset = json.value("dataset", "");
    figures.data = json.value("data", "");
    figures.runtime = json.value("runtime", "simulator");
    figures.seed = std::to_string(json.value("seed", std::uint64_t{0}));
    figures.finished = json.at("finished").get<bool>();
    figures.end = json.at("end").get<std::string>();
    figures.accuracy = optional_number(json, "test", "accuracy");
    figures.r2 = optional_number(json, "test", "r2");
    figures.mae = optional_number(json, "test", "mae");
    figures.loss = optional_number(json, "test", "loss");
    figures.validation_accuracy = optional_number(json, "validation", "accuracy");
    figures.validation_r2 = optional_number(json, "validation", "r2");
    figures.validation_loss = optional_number(json, "validation", "loss");
    figures.workers_accuracy = optional_number(json, "workers_accuracy", "mean");
    figures.workers_r2 = optional_number(json, "workers_r2", "mean");
    figures.steps = json.at("steps").get<std::uint64_t>();
    figures.syncs = json.at("syncs").get<std::uint64_t>();
    figures.payload_bytes = json.at("payload_bytes").get<std::uint64_t>();
    figures.wire_bytes = json.at("wire_bytes").get<std::uint64_t>();
    if (json.contains("paper_gb")) figures.paper_gb = json.at("paper_gb").get<double>();
    if (json.contains("joules")) figures.joules = json.at("joules").get<double>();
    figures.time = {json.at("time_s").get<double>()};
    if (json.contains("trace_hash")) figures.trace_hash = json.at("trace_hash").get<std::string>();
    return figures;
  } catch (const Json::parse_error&) {
    throw DecodeError("is no JSON: it is cut, or was changed");
  } catch (const Json::exception& error) {
    // Without the library's "[json.exception.out_of_range.403] ".
    const std::string_view what = error.what();
    const std::size_t name = what.find("] ");
    throw DecodeError("no summary of a run: " + std::string(name == what.npos ? what : what.substr(name + 2)));
  }
}

}  // namespace laconic
