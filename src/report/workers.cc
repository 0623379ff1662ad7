#include "report/workers.h"

#include "report/json.h"

namespace laconic {

std::string workers_text(const WorkersRecord& record) {
  Json json = Json::object();
  if (!record.labels.empty()) json["labels"] = record.labels;
  if (!record.classes.empty()) json["classes"] = record.classes;
  if (!record.users.empty()) json["users"] = record.users;
  if (record.graph) {
    Json rounds = Json::array();
    for (const auto& links : record.graph->rounds) {
      Json round = Json::array();
      for (const auto& [from, to] : links) round.push_back({from, to});
      rounds.push_back(std::move(round));
    }
    json["graph"] = {{"nodes", record.graph->nodes},
                     {"directed", record.graph->directed},
                     {"period", record.graph->period},
                     {"rounds", std::move(rounds)}};
  }
  // Names are as a file has them, in whatever encoding.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace laconic
