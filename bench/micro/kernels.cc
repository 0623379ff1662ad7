// The arithmetic of src/kernels against what the memory allows: bytes moved a second (read + written) as a fraction of
// what memcpy moves (kernels that write) or OpenBLAS's sdot on one thread (kernels that only read), each timed in turn
// with its peer in the same process; and the AMS sketch in coordinates a second.
#include <dlfcn.h>
#include <fmt/format.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/random.h"
#include "harness.h"
#include "kernels/sketch.h"
#include "kernels/vector_ops.h"

namespace laconic::bench {
namespace {

constexpr std::size_t kSketchRows = 5;
constexpr std::size_t kSketchCols = 250;
constexpr double kBandwidthGoal = 0.9;
constexpr double kSketchGoal = 150e6;

// OpenBLAS's dot product, looked up when run: a peer, not something to build against. Null where it is not installed.
using DotFunction = float (*)(int size, const float* x, int x_step, const float* y, int y_step);
DotFunction load_openblas_dot() {
  void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  using SetThreads = void (*)(int);
  const auto set_threads = reinterpret_cast<SetThreads>(dlsym(library, "openblas_set_num_threads"));
  if (set_threads != nullptr) set_threads(1);
  return reinterpret_cast<DotFunction>(dlsym(library, "cblas_sdot"));
}

std::vector<float> random_vector(std::size_t size, std::uint64_t index) {
  RandomStream stream(1, "bench", {index});
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(stream.uniform() - 0.5);
  return values;
}

bool near(double value, double expected, double tolerance) { return std::abs(value - expected) <= tolerance; }

// A kernel, the bytes it moves, and which peer it is measured by.
struct Row {
  std::string name;
  double bytes;
  bool writes;
  std::function<void()> body;
};

// The largest difference between a sketch and the same sums done plainly, relative to the mass of a row.
double sketch_error(const kernels::SketchTable& table, std::span<const float> params, std::span<const float> reference,
                    std::span<const float> sketch) {
  std::vector<double> sums(table.rows() * table.cols(), 0.0);
  double mass = 0.0;
  for (std::size_t j = 0; j < params.size(); ++j) {
    const double value = static_cast<double>(params[j]) - static_cast<double>(reference[j]);
    mass += std::abs(value);
    for (std::size_t row = 0; row < table.rows(); ++row) {
      const unsigned entry = table.entry(j, row);
      sums[row * table.cols() + entry / 2] += entry % 2 == 0 ? value : -value;
    }
  }
  double error = 0.0;
  for (std::size_t i = 0; i < sums.size(); ++i)
    error = std::max(error, std::abs(sums[i] - static_cast<double>(sketch[i])));
  return error / mass;
}

void measure_memory(Harness& harness, std::size_t size, std::size_t workers, int repetitions) {
  harness.progress(fmt::format("vectors of {} elements, {} repetitions", size, repetitions));
  const double d = static_cast<double>(size);
  std::vector<std::vector<float>> models;
  for (std::size_t k = 0; k < workers; ++k) models.push_back(random_vector(size, k));
  const std::vector<float>& a = models[0];
  const std::vector<float>& b = models[1];
  const std::vector<float>& c = models[2];
  std::vector<float> out(size, 0.0F);
  std::vector<double> sum(size, 0.0);
  const std::vector<std::span<const float>> views(models.begin(), models.end());
  const std::vector<double> weights(workers, 1.0);

  // What is timed is right, on the very same data.
  long double dot_reference = 0.0L;
  long double norm_reference = 0.0L;
  long double moved_reference = 0.0L;
  long double along_reference = 0.0L;
  long double mass = 0.0L;
  for (std::size_t j = 0; j < size; ++j) {
    const long double x = a[j];
    const long double y = b[j];
    const long double z = c[j];
    dot_reference += x * y;
    norm_reference += x * x;
    moved_reference += (x - y) * (x - y);
    along_reference += (x - y) * (y - z);
    mass += 1.0L;  // every product above is at most 1
  }
  const double tolerance =
      (d / kernels::kLanes + 8.0) * std::numeric_limits<double>::epsilon() * static_cast<double>(mass);
  const kernels::Drift drift = kernels::drift(a, b, c);
  harness.check("dot is the plain sum", near(kernels::dot(a, b), static_cast<double>(dot_reference), tolerance));
  harness.check("squared_norm is the plain sum",
                near(kernels::squared_norm(a), static_cast<double>(norm_reference), tolerance));
  harness.check("drift is the two plain sums",
                near(drift.squared_norm, static_cast<double>(moved_reference), tolerance) &&
                    near(drift.along, static_cast<double>(along_reference), tolerance));
  std::copy(b.begin(), b.end(), out.begin());
  kernels::axpy(0.25F, a, out);
  bool right = true;
  for (std::size_t j = 0; j < size; ++j) right = right && out[j] == b[j] + 0.25F * a[j];
  harness.check("axpy is the plain loop", right);
  for (const std::vector<float>& model : models) kernels::accumulate(1.0, model, sum);
  std::vector<float> mean(size);
  kernels::finish_mean(sum, static_cast<double>(workers), mean);
  right = true;
  for (std::size_t j = 0; j < size; ++j) {
    double plain = 0.0;
    for (const std::vector<float>& model : models) plain += static_cast<double>(model[j]);
    right = right && mean[j] == static_cast<float>(plain / static_cast<double>(workers));
  }
  harness.check("accumulate and finish_mean are the plain loop", right);
  kernels::weighted_mean(views, weights, out);
  harness.check("weighted_mean has the bits of accumulate and finish_mean", out == mean);

  const std::vector<Row> rows = {
      {"norm", 4 * d, false, [&] { keep(kernels::squared_norm(a)); }},
      {"dot", 8 * d, false, [&] { keep(kernels::dot(a, b)); }},
      {"fused drift pass", 12 * d, false, [&] { keep(kernels::drift(a, b, c)); }},
      {"axpy", 12 * d, true, [&] { kernels::axpy(1e-3F, a, out); }},
      {fmt::format("average of {}", workers), 4 * d * static_cast<double>(workers + 1), true,
       [&] { kernels::weighted_mean(views, weights, out); }},
      {"accumulate", 20 * d, true, [&] { kernels::accumulate(1.0, a, sum); }},
      {"finish_mean", 12 * d, true, [&] { kernels::finish_mean(sum, 8.0, out); }},
  };
  const DotFunction openblas_dot = load_openblas_dot();
  harness.fact("openblas", openblas_dot != nullptr);

  std::vector<std::function<void()>> bodies = {[&] {
    std::memcpy(out.data(), a.data(), size * sizeof(float));
    keep(out.front());
  }};
  if (openblas_dot != nullptr) {
    bodies.emplace_back([&] { keep(openblas_dot(static_cast<int>(size), a.data(), 1, b.data(), 1)); });
  }
  const std::size_t peers = bodies.size();
  for (const Row& row : rows) bodies.push_back(row.body);
  const std::vector<std::vector<double>> times = interleaved_times(bodies, repetitions);

  harness.add("memcpy", 8 * d / median(times[0]) / 1e9, "GB/s");
  if (openblas_dot != nullptr) harness.add("OpenBLAS sdot", 8 * d / median(times[1]) / 1e9, "GB/s");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const std::vector<double>& own = times[peers + i];
    harness.add(row.name, row.bytes / median(own) / 1e9, "GB/s");
    // Both peers move 8 d bytes. Repetition by repetition, so that a slow moment of the machine is in both.
    const std::size_t peer = row.writes ? 0 : peers - 1;
    std::vector<double> fractions;
    for (std::size_t r = 0; r < own.size(); ++r) fractions.push_back(row.bytes / own[r] * times[peer][r] / (8 * d));
    harness.add(row.name + (peer == 0 ? " / memcpy" : " / OpenBLAS sdot"), median(fractions), "of its bytes/s",
                at_least(kBandwidthGoal));
  }
}

void measure_sketch(Harness& harness, std::size_t size, int repetitions) {
  harness.progress(fmt::format("sketch of {} coordinates", size));
  const std::vector<float> params = random_vector(size, 100);
  const std::vector<float> reference = random_vector(size, 101);
  const double start = now();
  const kernels::SketchTable table(1, kSketchRows, kSketchCols, size);
  const double building = now() - start;
  std::vector<float> sketch(kSketchRows * kSketchCols);
  const std::vector<std::function<void()>> bodies = {
      [&] { keep(kernels::sketch_drift(table, params, reference, sketch)); }};
  const std::vector<std::vector<double>> times = interleaved_times(bodies, repetitions);
  harness.check(fmt::format("the sketch of {} coordinates is the plain sums, to float", size),
                sketch_error(table, params, reference, sketch) <= std::numeric_limits<float>::epsilon());
  harness.check(
      "its squared norm has the bits of squared_distance",
      kernels::sketch_drift(table, params, reference, sketch) == kernels::squared_distance(params, reference));
  harness.add(fmt::format("sketch {}x{}, d = {}", kSketchRows, kSketchCols, size),
              static_cast<double>(size) / median(times[0]) / 1e6, "M coordinates/s", at_least(kSketchGoal / 1e6));
  harness.add(fmt::format("sketch table, d = {}", size), building, "s");
}

int run(int argc, char** argv) {
  Harness harness("kernels", "Kernels: bytes a second against memcpy and OpenBLAS sdot, AMS sketch");
  std::size_t size = 0;
  std::size_t workers = 8;
  int repetitions = 0;
  harness.options()
      .add_option("--size", size, "elements of a vector (default 25600000, quick 6400000)")
      ->check(CLI::Range(std::size_t{1000}, std::size_t{1000000000}));
  harness.options().add_option("--workers", workers, "vectors in the average")->check(CLI::Range(3, 64));
  harness.options()
      .add_option("--repetitions", repetitions, "timed runs of each kernel (default 21, quick 5)")
      ->check(CLI::Range(1, 10000));
  if (const std::optional<int> exit_code = harness.parse(argc, argv)) return *exit_code;
  if (size == 0) size = harness.quick() ? 6400000 : 25600000;
  if (repetitions == 0) repetitions = harness.quick() ? 5 : 21;
  constexpr std::size_t kVgg16StarSize = 2592202;
  harness.fact("simd", hwy::TargetName(hwy::SupportedTargets() & -hwy::SupportedTargets()));
  measure_memory(harness, size, workers, repetitions);
  measure_sketch(harness, kVgg16StarSize, repetitions);
  measure_sketch(harness, size, repetitions);
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
