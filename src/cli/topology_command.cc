// `laconic topology`: what a graph looks like and what its mixing weights promise.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "report/format.h"
#include "topology/mixing.h"
#include "topology/schedule.h"
#include "topology/spectrum.h"
#include "topology/topology.h"

namespace laconic {
namespace {

constexpr std::array kUsualOmegas = {1.0, 0.5, 0.1, 0.01, 0.001};

std::string printed(const char* format, double number) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), format, number);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

// Gaps and gammas may be tiny: an exponent where plain digits would be mostly zeros.
std::string figure(double number) {
  if (number == 0.0) return "0";
  return std::abs(number) >= 1e-3 ? significant(number, 5) : printed("%.4e", number);
}

// An eigenvalue, which is zero where only rounding is left of it.
std::string eigenvalue_text(double eigenvalue) { return figure(std::abs(eigenvalue) < 1e-12 ? 0.0 : eigenvalue); }

std::string degrees_text(const Graph& graph) {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (std::uint32_t node = 0; node < graph.nodes(); ++node) least = std::min(least, graph.degree(node));
  const double mean = 2.0 * static_cast<double>(graph.edges().size()) / graph.nodes();
  return grouped(least) + " min, " + significant(mean) + " mean, " + grouped(graph.max_degree()) + " max";
}

// The least, mean and largest of counts.
class Span {
 public:
  void add(std::size_t count) {
    least_ = std::min(least_, count);
    most_ = std::max(most_, count);
    sum_ += static_cast<double>(count);
    ++number_;
  }
  std::string text() const {
    if (least_ == most_) return grouped(least_);
    return grouped(least_) + " min, " + significant(sum_ / static_cast<double>(number_)) + " mean, " + grouped(most_) +
           " max";
  }

 private:
  std::size_t least_ = std::numeric_limits<std::size_t>::max();
  std::size_t most_ = 0;
  double sum_ = 0.0;
  std::size_t number_ = 0;
};

std::string method_text(const Spectrum& spectrum) {
  if (spectrum.method == SpectrumMethod::kDense) return "all eigenvalues, dense";
  return "Lanczos, " + grouped(spectrum.steps) + " steps, eigenvalues within " + figure(spectrum.error);
}

// Nothing of gamma* is known for directed links, and their weights are the senders'.
ExitCode links_command(Console& console, const TopologyArguments& arguments) {
  if (arguments.omega) throw UsageError("--omega: gamma* is for undirected graphs only; remove it");
  if (arguments.weights != TopologyArguments{}.weights) {
    throw UsageError("--weights: over directed links each sender divides evenly; remove it");
  }
  const std::shared_ptr<const LinkSchedule> schedule = make_schedule(arguments.spec, std::nullopt, arguments.seed);
  const std::uint64_t period = schedule->period();
  if (arguments.dot) {
    if (period == 0)
      throw UsageError("--dot: each round of " + arguments.spec + " is another graph; take one that stays");
    console.out << graphviz_text(*schedule, arguments.spec) << std::flush;
    return ExitCode::kDone;
  }
  const std::uint64_t rounds = schedule->typical_rounds();
  Span links;
  Span out;
  Span in;
  bool doubly = true;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const std::shared_ptr<const LinkMatrix> here = schedule->at(round);
    links.add(here->links());
    doubly = doubly && here->doubly_stochastic();
    for (Rank node{0}; node.value < static_cast<std::int32_t>(schedule->nodes()); ++node.value) {
      out.add(here->receivers(node).size());
      in.add(here->senders(node).size());
    }
  }
  const auto line = [&](const std::string& name, const std::string& value) {
    console.out << "  " << name << std::string(14 - display_width(name), ' ') << value << "\n";
  };
  console.out << arguments.spec << "\n";
  line("nodes", grouped(schedule->nodes()));
  line("rounds", period == 0   ? "each drawn from the seed; of " + grouped(rounds) + ":"
                 : period == 1 ? "all the same"
                               : grouped(period) + ", again and again");
  line("links a round", links.text());
  line("receivers", out.text());
  line("senders", in.text());
  line("weights", doubly ? "what each node gets and keeps adds up to 1: averages need no push-sum"
                         : "what nodes get and keep does not add up to 1: averages need push-sum");
  if (period > 0 && schedule->nodes() <= kMaxMixingNodes) {
    const Mixing mixing = mixing_of(*schedule);
    line("averages", mixing.exact ? "exactly, after " + grouped(period) + (period == 1 ? " round" : " rounds")
                                  : "a round leaves " + figure(mixing.factor) + " of the distances, in the long run");
  } else if (period > 0) {
    line("averages", "not worked out for more than " + grouped(kMaxMixingNodes) + " nodes");
  }
  console.out << std::flush;
  return ExitCode::kDone;
}

}  // namespace

ExitCode topology_command(Console& console, const TopologyArguments& arguments) {
  const WeightsRow& weights = find_weights(arguments.weights);
  if (arguments.omega && !(*arguments.omega > 0.0 && *arguments.omega <= 1.0)) {
    throw UsageError("--omega: " + printed("%g", *arguments.omega) +
                     " is no quality of compression; it is above 0 and at most 1, and 1 without compression");
  }
  if (has_directed_links(arguments.spec)) return links_command(console, arguments);
  const Graph graph = make_topology(arguments.spec, std::nullopt, arguments.seed);
  if (arguments.dot) {
    console.out << graphviz_text(graph, arguments.spec) << std::flush;
    return ExitCode::kDone;
  }
  const Spectrum spectrum = spectrum_of(MixingMatrix(graph, weights));
  const auto line = [&](const std::string& name, const std::string& value) {
    console.out << "  " << name << std::string(12 - display_width(name), ' ') << value << "\n";
  };
  console.out << arguments.spec << "\n";
  if (!graph.origin().empty()) line("read as", graph.origin());
  line("nodes", grouped(graph.nodes()));
  line("edges", grouped(graph.edges().size()));
  line("degree", degrees_text(graph));
  line("weights", std::string(weights.name));
  line("delta", std::string(spectrum.converged ? "" : "under ") + figure(spectrum.delta) +
                    "  (spectral gap; lambda_2 " + eigenvalue_text(spectrum.lambda_2) + ", lambda_n " +
                    eigenvalue_text(spectrum.lambda_n) + ")");
  line("beta", figure(spectrum.beta));
  line("method", method_text(spectrum));
  if (!spectrum.converged) {
    line("", "not found in the steps allowed: the true delta and gamma* are smaller than shown");
  }
  if (spectrum.delta == 0.0) {
    line("", "gossip with these weights goes back and forth and never meets the average; take --weights metropolis");
  }
  Table table({{"omega"}, {"gamma*"}});
  const auto add = [&](double omega) {
    table.add_row({printed("%g", omega), figure(gamma_star(spectrum.delta, spectrum.beta, omega))});
  };
  if (arguments.omega) {
    add(*arguments.omega);
  } else {
    for (const double omega : kUsualOmegas) add(omega);
  }
  console.out << "\n" << table.text(console.width) << std::flush;
  return ExitCode::kDone;
}

}  // namespace laconic
