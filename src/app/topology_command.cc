// `laconic topology`: what a graph looks like and what its mixing weights promise.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <ostream>

#include "app/commands.h"
#include "base/error.h"
#include "report/format.h"
#include "topology/mixing.h"
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

std::string method_text(const Spectrum& spectrum) {
  if (spectrum.method == SpectrumMethod::kDense) return "all eigenvalues, dense";
  return "Lanczos, " + grouped(spectrum.steps) + " steps, eigenvalues within " + figure(spectrum.error);
}

}  // namespace

ExitCode topology_command(Console& console, const TopologyArguments& arguments) {
  const WeightsRow& weights = find_weights(arguments.weights);
  if (arguments.omega && !(*arguments.omega > 0.0 && *arguments.omega <= 1.0)) {
    throw UsageError("--omega: " + printed("%g", *arguments.omega) +
                     " is no quality of compression; it is above 0 and at most 1, and 1 without compression");
  }
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
