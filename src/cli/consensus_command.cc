// `laconic consensus`: gossip alone on vectors: how the distance from the average falls with rounds and with bytes.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "consensus/rate.h"
#include "consensus/tune.h"
#include "mechanisms/gossip.h"
#include "mechanisms/push_sum.h"
#include "report/format.h"
#include "strategies/registry.h"
#include "topology/spectrum.h"
#include "topology/topology.h"
#include "training/formats/safetensors.h"

namespace laconic {
namespace {

constexpr std::uint64_t kMostElements = std::uint64_t{1} << 30;  // of all nodes together

std::string printed(const char* format, double number) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), format, number);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::map<std::string, GivenOption> given_of(const std::map<std::string, std::string>& texts) {
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : texts) given[name] = {.text = text, .where = "--" + name};
  return given;
}

// The vectors, and how one is cut into tensors.
struct Subject {
  Layout layout;
  NodeVectors vectors;
};

// One tensor whose first axis counts the nodes, or a tensor of the same size for each node.
Subject file_subject(const std::string& path, std::size_t nodes) {
  const SafetensorsModel model = read_safetensors(path);
  const std::vector<TensorLayout>& tensors = model.layout.tensors;
  const auto same_size = [&](const TensorLayout& tensor) { return tensor.size == tensors.front().size; };
  const bool one = tensors.size() == 1 && !tensors.front().shape.empty() &&
                   tensors.front().shape.front() == static_cast<std::int64_t>(nodes);
  const bool many = tensors.size() == nodes && std::all_of(tensors.begin(), tensors.end(), same_size);
  if (!one && !many) {
    throw UsageError(path + ": holds neither one tensor of " + std::to_string(nodes) + " rows nor " +
                     std::to_string(nodes) + " tensors of one size, a vector for each node of the graph");
  }
  const std::size_t size = model.params.size() / nodes;
  Subject subject{.layout = flat_layout(size), .vectors = {}};
  for (std::size_t node = 0; node < nodes; ++node) {
    const auto begin = model.params.begin() + static_cast<std::ptrdiff_t>(node * size);
    subject.vectors.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(size));
    const auto bad = [](float value) { return !std::isfinite(value); };
    if (std::any_of(subject.vectors.back().begin(), subject.vectors.back().end(), bad)) {
      throw UsageError(path + ": the vector of node " + std::to_string(node) + " is not finite");
    }
  }
  return subject;
}

Subject make_subject(const Options& options, const ConsensusArguments& arguments, std::size_t nodes) {
  if (!arguments.file.empty()) {
    if (options.given("dimension")) throw UsageError("--dimension: has no meaning beside --file; remove it");
    return file_subject(arguments.file, nodes);
  }
  const std::size_t dimension = options.integer("dimension");
  if (dimension > kMostElements / nodes) {
    throw UsageError("--dimension: " + grouped(dimension) + " elements for each of " + grouped(nodes) +
                     " nodes; at most " + grouped(kMostElements / nodes));
  }
  return {.layout = flat_layout(dimension), .vectors = normal_vectors(nodes, dimension, options.integer("seed"))};
}

bool has_option(const StrategyRow& row, std::string_view name) {
  return std::any_of(row.options.begin(), row.options.end(), [&](const auto& spec) { return spec.name == name; });
}

Options strategy_options(const StrategyRow& row, const Options& options, std::span<const std::string> set, bool tune) {
  std::map<std::string, GivenOption> given;
  for (const std::string& assignment : set) {
    const std::size_t equals = std::min(assignment.find('='), assignment.size());
    const std::string name = assignment.substr(0, equals);
    if (equals == assignment.size()) throw UsageError("--set " + assignment + ": write NAME=VALUE");
    if (name == kGamma) throw UsageError("--set gamma: has an option of its own, --gamma");
    if (!has_option(row, name)) {
      std::string names;
      for (const OptionSpec& spec : row.options) names += (names.empty() ? "" : ", ") + std::string(spec.name);
      throw UsageError("--set " + name + ": strategy '" + std::string(row.name) + "' has " +
                       (names.empty() ? "no options" : "no such option; it has " + names));
    }
    if (given.contains(name)) throw UsageError("--set " + name + ": is given twice; keep one of them");
    given[name] = {.text = assignment.substr(equals + 1), .where = "--set"};
  }
  if (!has_gamma(row) && (tune || options.given(kGamma))) {
    throw UsageError(std::string(tune ? "--tune" : "--gamma") + ": strategy '" + std::string(row.name) +
                     "' has no gamma");
  }
  if (options.given(kGamma)) {
    if (tune) throw UsageError("--gamma: has no meaning beside --tune; give one of them");
    const double gamma = options.number(kGamma);
    if (!(gamma > 0.0)) throw UsageError("--gamma: 0 is not in (0, 1]: nobody would hear of anybody");
    given[std::string(kGamma)] = {.text = printed("%.9g", gamma), .where = "--gamma"};
  }
  return consensus_options(row, std::move(given));
}

CompressorFactory make_compressor(const CompressorRow& row, const ConsensusArguments& arguments, const Layout& layout) {
  for (const auto& [name, text] : arguments.operator_options) {
    const auto takes = [&](const OptionSpec& spec) { return spec.name == name; };
    if (std::none_of(row.options.begin(), row.options.end(), takes)) {
      throw UsageError("--" + name + ": operator " + std::string(row.name) + " has no such option");
    }
  }
  const Options options(row.name, row.options, given_of(arguments.operator_options));
  if (const OptionSpec* scheduled = options.scheduled()) {
    throw UsageError("--" + std::string(scheduled->name) +
                     ": gossip alone has no training over which it could change; "
                     "give one number, such as the smallest");
  }
  return row.make(options, layout);
}

void print_candidates(Console& console, const TuneResult& tuned) {
  Table table({{"gamma"}, {"end", Table::Align::kLeft}, {"rounds run"}, {"error then"}, {"rounds to target"}});
  for (const TuneCandidate& candidate : tuned.candidates) {
    table.add_row({printed("%.4g", candidate.gamma), std::string(to_text(candidate.end)), grouped(candidate.rounds_run),
                   printed("%.2e", candidate.error), candidate.rounds ? printed("%.1f", *candidate.rounds) : "-"});
  }
  console.out << table.text(console.width) << "gamma " << printed("%.4g", tuned.gamma) << " comes to "
              << printed("%.0e", tuned.target) << " of the start in " << printed("%.1f", tuned.rounds) << " rounds"
              << (tuned.bound_met ? "; the best so far: the search met the bound on its work" : "") << "\n\n";
}

void print_course(Console& console, const ConsensusRun& run) {
  Table table({{"error"}, {"rounds"}, {"payload"}, {"on the wire"}});
  for (int decade = 1; decade <= 30; ++decade) {
    const double error = std::pow(10.0, -decade);
    const auto cost = cost_of(run.records, error);
    if (!cost) break;
    const auto bytes = [](double count) { return to_text(Bytes{static_cast<std::uint64_t>(std::llround(count))}); };
    table.add_row({printed("%.0e", error), printed("%.1f", cost->rounds), bytes(cost->payload), bytes(cost->framed)});
  }
  const ConsensusRecord& last = run.last();
  table.add_row({printed("%.2e", last.error), grouped(last.round), to_text(last.payload), to_text(last.framed)});
  console.out << table.text(console.width);
}

void write_csv(const std::string& path, const ConsensusRun& run) {
  std::ofstream file(path);
  file << "round,error,payload_bytes,wire_bytes\n";
  for (const ConsensusRecord& record : run.records) {
    file << record.round << ',' << printed("%.9g", record.error) << ',' << record.payload.value << ','
         << record.framed.value << '\n';
  }
  file.close();
  if (!file) throw RunError(path + ": cannot be written; is the disk full?");
}

// The graph or the links that the strategy needs.
void choose_graph(ConsensusSetting& setting, const Options& options, const std::string& spec) {
  const Demands demands = setting.demands();
  if (demands.talks == Talks::kLinks) {
    if (options.given("weights")) {
      throw UsageError("--weights: over directed links each sender divides evenly; remove it");
    }
    if (!(options.number("up") > 0.0))
      throw UsageError("--up: with 0 no link is ever there; give a probability above 0");
    setting.links = make_schedule(spec, std::nullopt, setting.seed, options.number("up"));
    require_links_that_fit(*setting.strategy, demands, *setting.links);
  } else {
    if (options.given("up")) throw UsageError("--up: has a meaning for strategies over directed links only; remove it");
    setting.mixing = std::make_shared<const MixingMatrix>(make_topology(spec, std::nullopt, setting.seed),
                                                          find_weights(options.text("weights")));
  }
  if (setting.nodes() < 2) throw UsageError("'" + spec + "' has one node, which agrees with itself");
}

// What the graph promises for gossip without compression.
template <typename Line>
void print_promise(const Line& line, const ConsensusSetting& setting) {
  if (setting.mixing != nullptr) {
    const double delta = spectrum_of(*setting.mixing).delta;
    line("exact", printed("%.6f", (1.0 - delta) * (1.0 - delta)) + " at most without compression: (1 - delta)^2");
    return;
  }
  const LinkSchedule& links = *setting.links;
  if (links.period() == 0 || links.nodes() > kMaxMixingNodes) return;
  const Mixing mixing = mixing_of(links);
  line("exact", mixing.exact ? "after " + grouped(links.period()) + " rounds without compression"
                             : printed("%.6f", mixing.factor * mixing.factor) + " in the long run without compression");
}

std::string_view end_text(ConsensusRun::End end) {
  switch (end) {
    case ConsensusRun::End::kTarget:
      return "came to";
    case ConsensusRun::End::kRounds:
      return "all rounds done, at";
    case ConsensusRun::End::kDiverged:
      return "diverged, at";
    case ConsensusRun::End::kStopped:
      return "interrupted, at";
  }
  return "";
}

}  // namespace

std::span<const OptionSpec> consensus_command_options() {
  static const std::vector<OptionSpec> table = {
      {.name = "strategy", .default_value = "choco", .help = "a strategy that gossips on a graph or over links"},
      {.name = "operator", .default_value = "none", .help = "compression operator, for strategies that compress"},
      {.name = kGamma,
       .type = OptionType::kNumber,
       .default_value = "0.1",
       .minimum = 0,
       .maximum = 1,
       .help = "step towards the neighbours' average, in (0, 1]; default: the strategy's"},
      {.name = "rounds",
       .type = OptionType::kInteger,
       .default_value = "100000",
       .minimum = 1,
       .maximum = 1e9,
       .help = "maximum number of rounds"},
      {.name = "until",
       .type = OptionType::kNumber,
       .default_value = "1e-10",
       .minimum = 0,
       .maximum = 1,
       .help = "relative squared error at which to stop (--tune compares gammas at 1e-6, at 1e-2 where the strategy "
               "has a floor, or as it says)"},
      {.name = "dimension",
       .type = OptionType::kInteger,
       .default_value = "2000",
       .minimum = 1,
       .maximum = static_cast<double>(kMostElements),
       .help = "elements of each node's random normal vector"},
      {.name = "seed", .type = OptionType::kInteger, .default_value = "1", .help = "seed of everything random"},
      {.name = "weights", .default_value = "metropolis", .help = "mixing weights: metropolis, max_degree or uniform"},
      {.name = "up",
       .type = OptionType::kNumber,
       .default_value = "1",
       .minimum = 0,
       .maximum = 1,
       .help = "over directed links: probability that a link works in a round"}};
  return table;
}

ExitCode consensus_command(Console& console, const ConsensusArguments& arguments) {
  const Options options("", consensus_command_options(), given_of(arguments.options));
  const StrategyRow& row = find_strategy(options.text("strategy"));
  if (!default_demands(row).gossips()) {
    throw UsageError("--strategy: '" + std::string(row.name) + "' does not gossip; try choco");
  }
  if (row.groups != nullptr || row.gossip_alone != nullptr) {
    throw UsageError("--strategy: '" + std::string(row.name) + "' does more than gossip; try " +
                     (row.groups != nullptr ? "the one between its groups"
                                            : std::string(row.gossip_alone->name) + ", which gossips alike"));
  }
  const CompressorRow& op = find_compressor(options.text("operator"));
  const Options of_strategy = strategy_options(row, options, arguments.strategy_options, arguments.tune);
  const Demands demands = row.demands(of_strategy);
  const bool compresses = demands.compression == Compression::kRequired;
  if (!compresses && (options.given("operator") || !arguments.operator_options.empty())) {
    throw UsageError("--operator: strategy '" + std::string(row.name) +
                     (demands.compression == Compression::kOptional
                          ? "' is exact with and without an operator, so there is no error to measure; remove it"
                          : "' takes no operator; remove it"));
  }
  if (arguments.tune && op.depends_on_scale) {
    throw UsageError("--tune: " + std::string(op.name) +
                     " does another thing to small differences than to large ones; give --gamma");
  }
  ConsensusSetting setting{.strategy = &row, .options = of_strategy, .layout = {}, .seed = options.integer("seed")};
  choose_graph(setting, options, arguments.graph);
  const auto mixes = [](const Demands& of) { return of.gossip.mixes_untrained; };
  if (!mixes(demands)) {
    const OptionSpec* culprit = option_against(row, of_strategy, mixes);
    throw UsageError("--set" + (culprit == nullptr ? "" : " " + std::string(culprit->name)) + ": so set, " +
                     std::string(row.name) + " brings nothing together where nobody trains; remove it");
  }
  const Subject subject = make_subject(options, arguments, setting.nodes());
  setting.layout = subject.layout;
  if (compresses) setting.compressor = make_compressor(op, arguments, subject.layout);

  if (!arguments.csv.empty() && !std::ofstream(arguments.csv)) {
    throw UsageError("--csv: " + arguments.csv + " cannot be written; give a file in a folder that exists");
  }
  std::string head = arguments.graph + ", " + grouped(setting.nodes()) + " vectors of " + grouped(subject.layout.size) +
                     ": " + std::string(row.name) + (compresses ? " with " + std::string(op.name) : "");
  console.out << head << "\n\n" << std::flush;
  if (arguments.tune) {
    const TuneResult tuned = tune_gamma(setting, subject.vectors, {.interrupted = console.interrupted});
    print_candidates(console, tuned);
    setting.options = setting.options.with(kGamma, printed("%.9g", tuned.gamma));
  }
  const ConsensusRun run = run_consensus(
      setting, subject.vectors,
      {.rounds = options.integer("rounds"), .target = options.number("until"), .interrupted = console.interrupted});
  print_course(console, run);

  console.out << "\n";
  const auto line = [&](std::string name, const std::string& value) {
    name.resize(14, ' ');
    console.out << "  " << name << value << "\n";
  };
  if (has_gamma(row)) line("gamma", printed("%.4g", setting.options.number(kGamma)));
  if (const auto fit = fit_rate(run.records)) {
    line("factor", printed("%.6f", fit->factor) + " of the squared error a round, R^2 " +
                       printed("%.5f", fit->r_squared) + ", rounds " + grouped(fit->first_round) + " to " +
                       grouped(fit->last_round));
  }
  print_promise(line, setting);
  if (row.proof != nullptr) {
    const auto omega = setting.compressor()->omega(subject.vectors.front());
    if (omega && *omega > 0.0) {
      const GossipProof proof = row.proof(spectrum_of(*setting.mixing), *omega);
      line("proved", printed("%.6f", proof.factor) + " at gamma* = " + printed("%.3g", proof.gamma) +
                         ", for omega = " + printed("%.3g", *omega) + " as of the first vector");
    }
  }
  if (!arguments.csv.empty()) write_csv(arguments.csv, run);
  const ConsensusRecord& last = run.last();
  const std::string remedy = has_gamma(row) ? "take a smaller gamma" : "take an operator that loses less";
  console.out << end_text(run.end) << " " << printed("%.2e", last.error) << " of the start in " << grouped(last.round)
              << " rounds and " << to_text(last.framed)
              << (last.error > 1.0 ? "; the vectors are further apart than they were: " + remedy : "") << std::endl;
  return run.end == ConsensusRun::End::kDiverged || (run.end == ConsensusRun::End::kRounds && last.error > 1.0)
             ? ExitCode::kFailed
         : run.end == ConsensusRun::End::kStopped ? ExitCode::kInterrupted
                                                  : ExitCode::kDone;
}

}  // namespace laconic
