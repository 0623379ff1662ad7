// What every benchmark shares: the options --quick and --json, facts of the machine, medians of interleaved timings, a
// table with the goal beside each figure, and the JSON file.
//
//   int run(int argc, char** argv) {
//     bench::Harness harness("kernels", "Kernels against memcpy and OpenBLAS");
//     std::size_t size = 25'600'000;
//     harness.options().add_option("--size", size, "elements of a vector");
//     if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
//     harness.check("dot equals its reference", dot_is_right());
//     harness.add("dot / OpenBLAS sdot", fraction, "of its bytes/s", bench::at_least(.9));
//     return harness.finish();
//   }
//   int main(int argc, char** argv) { return bench::guarded(run, argc, argv); }
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace laconic::bench {

// The range that a figure is hoped to lie in, its ends included.
struct Goal {
  std::optional<double> low;
  std::optional<double> high;
  bool met(double value) const { return !(low && !(value >= *low)) && !(high && !(value <= *high)); }
  // ">= 0.9", "<= 12", "13.9 .. 18.7"
  std::string text() const;
};
Goal at_least(double low);
Goal at_most(double high);
Goal between(double low, double high);

class Harness {
 public:
  // `name` is the benchmark's name in the JSON; `title` heads the help and the table.
  Harness(std::string_view name, std::string_view title);

  // To add options of one's own before parse().
  CLI::App& options() { return options_; }
  // Reads the command line. Returns the exit code when the program should end at once (--help, bad usage: 2).
  std::optional<int> parse(int argc, char** argv);
  // Whether a short run is asked for: the same code on less work; its figures are only rough.
  bool quick() const { return quick_; }

  // A line of progress on standard error, so that standard output and the JSON hold results only.
  void progress(std::string_view text) const;
  // A figure. A goal makes it count as met or missed.
  void add(std::string_view figure, double value, std::string_view unit, std::optional<Goal> goal = std::nullopt);
  // A table of results, printed above the figures; null is an empty cell. Each row has as many cells as `columns`.
  void table(std::vector<std::string> columns, std::vector<std::vector<nlohmann::json>> rows);
  // Data for plots, into the JSON only, under "series".
  void series(std::string_view name, nlohmann::json points) { series_[std::string(name)] = std::move(points); }
  // Whether what was timed computes the right thing. A failed check fails the benchmark.
  void check(std::string_view statement, bool holds);
  // A fact of the machine or the set-up beside the ones every benchmark records ("threads", "simd").
  void fact(std::string_view name, nlohmann::json value) { machine_[std::string(name)] = std::move(value); }

  // Prints the table and writes the JSON. Returns the exit code: 0, or 1 when a check failed or the file could not be
  // written. A missed goal is a finding, not a failure.
  int finish() const;
  nlohmann::json json() const;

 private:
  struct Result {
    std::string name;
    double value;
    std::string unit;
    std::optional<Goal> goal;
  };
  struct Check {
    std::string statement;
    bool holds;
  };
  std::string name_;
  std::string title_;
  CLI::App options_;
  bool quick_ = false;
  std::string json_file_;
  nlohmann::json machine_;
  std::vector<std::string> columns_;
  std::vector<std::vector<nlohmann::json>> rows_;
  nlohmann::json series_;
  std::vector<Result> results_;
  std::vector<Check> checks_;
};

// The body of a benchmark's main: what `run` returns, or one line on standard error and 2 when it throws.
int guarded(int (*run)(int argc, char** argv), int argc, char** argv);

// Processor, its threads, memory, operating system, compiler, load when started.
nlohmann::json machine_facts();

// Seconds on a clock that never goes back.
double now();

double median(std::vector<double> values);

// Runs each of `bodies` once unmeasured, then all in turn `repetitions` times, so that noise of the machine falls on
// all of them alike. Returns for each body its times in seconds, one a repetition, in order.
std::vector<std::vector<double>> interleaved_times(std::span<const std::function<void()>> bodies, int repetitions);

// Keeps the compiler from dropping a computation whose result is not used.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace laconic::bench
