#include "harness.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace laconic::bench {
namespace {

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string cell_text(const nlohmann::json& cell) {
  if (cell.is_null()) return "";
  if (cell.is_string()) return cell.get<std::string>();
  return cell.is_number_float() ? fmt::format("{:.4g}", cell.get<double>()) : cell.dump();
}

// Columns as wide as need be: the first begins at the left, the others end at the right.
void print_table(const std::vector<std::string>& columns, const std::vector<std::vector<nlohmann::json>>& rows) {
  std::vector<std::vector<std::string>> lines = {columns};
  for (const auto& row : rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (const nlohmann::json& cell : row) line.push_back(cell_text(cell));
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], line.at(i).size());
  }
  for (const auto& line : lines) {
    fmt::print("{:<{}}", line[0], widths[0]);
    for (std::size_t i = 1; i < widths.size(); ++i) fmt::print("  {:>{}}", line[i], widths[i]);
    fmt::print("\n");
  }
}

}  // namespace

std::string Goal::text() const {
  if (low && high) return fmt::format("{:.4g} .. {:.4g}", *low, *high);
  if (low) return fmt::format(">= {:.4g}", *low);
  if (high) return fmt::format("<= {:.4g}", *high);
  return {};
}

Goal at_least(double low) { return {.low = low, .high = std::nullopt}; }
Goal at_most(double high) { return {.low = std::nullopt, .high = high}; }
Goal between(double low, double high) { return {.low = low, .high = high}; }

int guarded(int (*run)(int argc, char** argv), int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: error: %s\n", argv[0], error.what());
    return 2;
  }
}

nlohmann::json machine_facts() {
  nlohmann::json facts;
  facts["processor"] = processor_name();
  facts["hardware_threads"] = std::thread::hardware_concurrency();
  facts["memory_bytes"] = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  utsname system{};
  if (uname(&system) == 0) facts["system"] = fmt::format("{} {}", system.sysname, system.release);
#ifdef __clang__
  facts["compiler"] = __VERSION__;
#else
  facts["compiler"] = "g++ " __VERSION__;
#endif
#ifdef NDEBUG
  facts["assertions"] = false;
#else
  facts["assertions"] = true;
#endif
  double load = 0.0;
  if (getloadavg(&load, 1) == 1) facts["load_at_start"] = load;
  return facts;
}

Harness::Harness(std::string_view name, std::string_view title)
    : name_(name), title_(title), options_(title_, name_), machine_(machine_facts()) {
  options_.add_flag("--quick", quick_, "less work, rough figures");
  options_.add_option("--json", json_file_, "write the results to this file");
}

std::optional<int> Harness::parse(int argc, char** argv) {
  try {
    options_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return options_.exit(error) == 0 ? 0 : 2;
  }
  // Before the work and not after it.
  if (!json_file_.empty() && !std::ofstream(json_file_, std::ios::app)) {
    progress("cannot write " + json_file_ + "; give --json a file in a directory that exists");
    return 2;
  }
  return std::nullopt;
}

void Harness::progress(std::string_view text) const { fmt::print(stderr, "{}: {}\n", name_, text); }

void Harness::add(std::string_view figure, double value, std::string_view unit, std::optional<Goal> goal) {
  results_.push_back({std::string(figure), value, std::string(unit), goal});
}

void Harness::table(std::vector<std::string> columns, std::vector<std::vector<nlohmann::json>> rows) {
  columns_ = std::move(columns);
  rows_ = std::move(rows);
}

void Harness::check(std::string_view statement, bool holds) { checks_.push_back({std::string(statement), holds}); }

nlohmann::json Harness::json() const {
  nlohmann::json results = nlohmann::json::array();
  for (const Result& result : results_) {
    nlohmann::json row;
    row["name"] = result.name;
    // JSON has no NaN and no infinity: null says that there is no figure.
    row["value"] = std::isfinite(result.value) ? nlohmann::json(result.value) : nlohmann::json(nullptr);
    row["unit"] = result.unit;
    row["goal"] = result.goal ? nlohmann::json(result.goal->text()) : nlohmann::json(nullptr);
    const bool judged = result.goal && std::isfinite(result.value);
    row["met"] = judged ? nlohmann::json(result.goal->met(result.value)) : nlohmann::json(nullptr);
    results.push_back(std::move(row));
  }
  nlohmann::json checks = nlohmann::json::array();
  for (const Check& check : checks_) {
    nlohmann::json row;
    row["statement"] = check.statement;
    row["holds"] = check.holds;
    checks.push_back(std::move(row));
  }
  nlohmann::json root;
  root["benchmark"] = name_;
  root["quick"] = quick_;
  root["machine"] = machine_;
  root["checks"] = std::move(checks);
  root["results"] = std::move(results);
  if (!columns_.empty()) {
    root["table"]["columns"] = columns_;
    root["table"]["rows"] = rows_;
  }
  if (!series_.is_null()) root["series"] = series_;
  return root;
}

int Harness::finish() const {
  fmt::print("{}{}\n", title_, quick_ ? " (quick: rough figures)" : "");
  for (const auto& [name, value] : machine_.items()) {
    fmt::print("  {}: {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  if (!columns_.empty()) print_table(columns_, rows_);
  std::size_t widest_name = 0;
  std::size_t widest_unit = 0;
  for (const Result& result : results_) {
    widest_name = std::max(widest_name, result.name.size());
    widest_unit = std::max(widest_unit, result.unit.size());
  }
  for (const Result& result : results_) {
    if (std::isnan(result.value)) {
      fmt::print("{:<{}}  {:>12}\n", result.name, widest_name, "no figure");
      continue;
    }
    const std::string verdict =
        result.goal ? fmt::format("{:>14}  {}", result.goal->text(), result.goal->met(result.value) ? "met" : "MISSED")
                    : "";
    fmt::print("{:<{}}  {:>12.5g}  {:<{}}{}\n", result.name, widest_name, result.value, result.unit, widest_unit,
               verdict);
  }
  bool right = true;
  for (const Check& check : checks_) {
    fmt::print("check: {}: {}\n", check.statement, check.holds ? "holds" : "FAILS");
    right = right && check.holds;
  }
  if (!json_file_.empty()) {
    std::ofstream file(json_file_);
    file << json().dump(2) << '\n';
    file.close();
    if (!file) {
      fmt::print(stderr, "{}: cannot write {}; give --json a file in a directory that exists\n", name_, json_file_);
      return 1;
    }
  }
  return right ? 0 : 1;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double median(std::vector<double> values) {
  if (values.empty()) return std::nan("");
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

std::vector<std::vector<double>> interleaved_times(std::span<const std::function<void()>> bodies, int repetitions) {
  for (const auto& body : bodies) body();
  std::vector<std::vector<double>> times(bodies.size());
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      const double start = now();
      bodies[i]();
      times[i].push_back(now() - start);
    }
  }
  return times;
}

}  // namespace laconic::bench
