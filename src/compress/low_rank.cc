// low_rank: every matrix of the model as a product of two thin ones, by one step of power iteration (PowerSGD, Vogels
// et al. 2019, alg. 1). Biased.
//
//   M -> a tensor of n x m, its first dimension against the others      r -> rank
//   q := Gaussian m x r, or the q of the vector before (warm_start);  p := orthonormal basis of M q;  q := M^T p
//   C(M) = p q^T
//
// Where m > n the two sides change roles, so that the start is on the shorter one. From a Gaussian start
// omega >= 1 - (1 - 1/min(n, m))^r in expectation: a column adds at least 1/m of what the columns before it left
// (q^T (M^T M)^2 q >= (q^T M^T M q)^2 / q^T q). A warm start follows the directions that stay and has no bound.
//
//   body := (p q)* rest      p: r columns of n float32, q: r columns of m; rest: the other tensors as float32
//
// Tensors of one dimension, and those that two factors would not make smaller, are in the rest.
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "compress/compressor.h"
#include "compress/matrices.h"
#include "compress/message.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

using namespace compress;

struct Plan {
  std::size_t size = 0;  // d
  std::size_t rank = 0;
  std::vector<Matrix> matrices;
  std::vector<Run> rest;
  std::size_t floats = 0;  // in a message
};

Plan plan_of(const Layout& layout, std::size_t rank) {
  Matrices found = matrices_of(layout, rank);
  Plan plan{layout.size, rank, std::move(found.matrices), std::move(found.rest)};
  for (const Matrix& matrix : plan.matrices) plan.floats += rank * (matrix.rows + matrix.cols);
  for (const Run& run : plan.rest) plan.floats += run.size;
  return plan;
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * b[j];
  return sum;
}

// Makes the columns orthonormal (modified Gram-Schmidt, twice for the digits). A column that the ones before it explain
// becomes 0.
void orthonormalise(std::vector<std::vector<double>>& columns) {
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const double before = std::sqrt(dot(columns[c], columns[c]));
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t b = 0; b < c; ++b) {
        const double along = dot(columns[b], columns[c]);
        for (std::size_t j = 0; j < columns[c].size(); ++j) columns[c][j] -= along * columns[b][j];
      }
    }
    const double after = std::sqrt(dot(columns[c], columns[c]));
    const double factor = after > 1e-10 * before ? 1.0 / after : 0.0;
    for (double& value : columns[c]) value *= factor;
  }
}

class LowRank final : public Compressor {
 public:
  LowRank(const Plan& plan, bool warm_start) : plan_(plan), warm_start_(warm_start) {
    std::size_t starts = 0;
    for (const Matrix& matrix : plan_.matrices) starts += plan_.rank * matrix.shorter();
    starts_.assign(starts, 0.0F);
  }

  std::size_t prepare(std::span<const float> v, RandomStream& random) override {
    LACONIC_CHECK(v.size() == plan_.size, v.size() << " elements for " << plan_.size);
    if (!kernels::all_finite(v)) refuse_non_finite(v);
    floats_.resize(plan_.floats);
    std::span<float> message = floats_;
    std::span<float> starts = starts_;
    for (const Matrix& matrix : plan_.matrices) {
      const std::size_t start_size = plan_.rank * matrix.shorter();
      const std::size_t size = plan_.rank * (matrix.rows + matrix.cols);
      factorise(v.subspan(matrix.offset, matrix.size()), matrix, random, starts.first(start_size), message.first(size));
      starts = starts.subspan(start_size);
      message = message.subspan(size);
    }
    for (const Run& run : plan_.rest) {
      std::copy_n(v.begin() + static_cast<std::ptrdiff_t>(run.offset), run.size, message.begin());
      message = message.subspan(run.size);
    }
    if (!kernels::all_finite(floats_))
      throw RunError("compression: low_rank: a factor is beyond float32; training has diverged");
    if (!products_are_finite(floats_))
      throw RunError("compression: low_rank: a product of factors is beyond float32; training has diverged");
    return 1 + floats_.size() * sizeof(float);
  }

  void write(std::span<std::byte> out) override {
    LACONIC_CHECK(out.size() == 1 + floats_.size() * sizeof(float), out.size() << " bytes");
    out[0] = form();
    if (!floats_.empty()) std::memcpy(out.data() + 1, floats_.data(), out.size() - 1);
  }

  void decode_add(std::span<const std::byte> message, float weight, std::span<float> y) override {
    LACONIC_CHECK(y.size() == plan_.size, y.size() << " elements for " << plan_.size);
    ByteReader in(message, "compressed vector");
    if (std::byte{in.u8()} != form())
      in.fail("another operator's message; all nodes need the same operator and options");
    if (in.remaining() != plan_.floats * sizeof(float))
      in.fail(std::to_string(in.remaining()) + " bytes of factors instead of " +
              std::to_string(plan_.floats * sizeof(float)));
    std::vector<float> floats(plan_.floats);
    in.floats(floats);
    if (!kernels::all_finite(floats)) in.fail("a value that is not finite");
    if (!products_are_finite(floats)) in.fail("factors whose product is not finite");

    std::span<const float> rest = floats;
    for (const Matrix& matrix : plan_.matrices) {
      const std::size_t size = plan_.rank * (matrix.rows + matrix.cols);
      add_product(matrix, rest.first(size), weight, y.subspan(matrix.offset, matrix.size()));
      rest = rest.subspan(size);
    }
    for (const Run& run : plan_.rest) {
      kernels::axpy(weight, rest.first(run.size), y.subspan(run.offset, run.size));
      rest = rest.subspan(run.size);
    }
  }

  bool unbiased() const override { return false; }

  std::optional<double> omega(std::span<const float> v) const override {
    if (warm_start_) return std::nullopt;
    double explained = 0.0;
    for (const Run& run : plan_.rest) explained += kernels::squared_norm(v.subspan(run.offset, run.size));
    for (const Matrix& matrix : plan_.matrices) {
      const double left = std::pow(1.0 - 1.0 / static_cast<double>(matrix.shorter()), static_cast<double>(plan_.rank));
      explained += (1.0 - left) * kernels::squared_norm(v.subspan(matrix.offset, matrix.size()));
    }
    const double squares = kernels::squared_norm(v);
    return squares > 0.0 ? explained / squares : 1.0;
  }

  Information information() override {
    const std::array<std::size_t, 1> group = {floats_.size()};
    return {floats_.size(), make_float32(0, false)->entropy_bits(floats_, group, {})};
  }

  void archive(Archive& archive) override { archive.floats("low_rank starts", starts_); }

 private:
  static std::byte form() { return std::byte{static_cast<std::uint8_t>(Body::kLowRank)}; }

  // Both factors of M into `factors`, p before q; `start` holds the start's columns and then those of the next vector.
  void factorise(std::span<const float> values, const Matrix& matrix, RandomStream& random, std::span<float> start,
                 std::span<float> factors) const {
    const std::size_t rank = plan_.rank;
    const bool swapped = matrix.cols > matrix.rows;  // the start is on the side of the rows
    const std::size_t shorter = matrix.shorter();
    const std::size_t longer = std::max(matrix.rows, matrix.cols);
    std::vector<std::vector<double>> basis(rank, std::vector<double>(longer));
    for (std::size_t c = 0; c < rank; ++c) {
      const std::span<float> column = start.subspan(c * shorter, shorter);
      if (!warm_start_ || kernels::squared_norm(column) == 0.0) {
        for (float& value : column) value = static_cast<float>(random.gaussian());
      }
      multiply(values, matrix, swapped, column, basis[c]);
    }
    orthonormalise(basis);
    const std::span<float> p = factors.first(rank * matrix.rows);
    const std::span<float> q = factors.subspan(rank * matrix.rows);
    const std::span<float> orthonormal = swapped ? q : p;
    const std::span<float> other = swapped ? p : q;
    std::vector<double> sums(shorter);
    for (std::size_t c = 0; c < rank; ++c) {
      const std::span<float> column = orthonormal.subspan(c * longer, longer);
      std::transform(basis[c].begin(), basis[c].end(), column.begin(), [](double x) { return static_cast<float>(x); });
      multiply(values, matrix, !swapped, column, sums);
      std::transform(sums.begin(), sums.end(), other.begin() + static_cast<std::ptrdiff_t>(c * shorter),
                     [](double x) { return static_cast<float>(x); });
    }
    std::copy(other.begin(), other.end(), start.begin());
    // Only the direction matters for the next start; unit length keeps it in range.
    for (std::size_t c = 0; c < rank; ++c) {
      const std::span<float> column = start.subspan(c * shorter, shorter);
      const double norm = std::sqrt(kernels::squared_norm(column));
      for (float& value : column) value = norm > 0.0 ? static_cast<float>(value / norm) : 0.0F;
    }
  }

  // Whether no element of a product can be beyond float32.
  bool products_are_finite(std::span<const float> floats) const {
    for (const Matrix& matrix : plan_.matrices) {
      const std::span<const float> p = floats.first(plan_.rank * matrix.rows);
      const std::span<const float> q = floats.subspan(p.size(), plan_.rank * matrix.cols);
      if (std::sqrt(kernels::squared_norm(p)) * std::sqrt(kernels::squared_norm(q)) >
          static_cast<double>(std::numeric_limits<float>::max()))
        return false;
      floats = floats.subspan(p.size() + q.size());
    }
    return true;
  }

  // y += weight * p q^T, a piece of a row at a time: its sum over the columns in double, rounded once.
  void add_product(const Matrix& matrix, std::span<const float> factors, float weight, std::span<float> y) const {
    constexpr std::size_t kPiece = 1024;
    std::array<double, kPiece> sums;
    std::array<float, kPiece> values;
    const std::span<const float> p = factors.first(plan_.rank * matrix.rows);
    const std::span<const float> q = factors.subspan(p.size());
    for (std::size_t i = 0; i < matrix.rows; ++i) {
      for (std::size_t begin = 0; begin < matrix.cols; begin += kPiece) {
        const std::size_t size = std::min(kPiece, matrix.cols - begin);
        const std::span<double> sum = std::span(sums).first(size);
        const std::span<float> value = std::span(values).first(size);
        std::fill(sum.begin(), sum.end(), 0.0);
        for (std::size_t c = 0; c < plan_.rank; ++c) {
          kernels::accumulate(p[c * matrix.rows + i], q.subspan(c * matrix.cols + begin, size), sum);
        }
        kernels::finish_mean(sum, 1.0, value);
        kernels::axpy(weight, value, y.subspan(i * matrix.cols + begin, size));
      }
    }
  }

  Plan plan_;
  bool warm_start_;
  std::vector<float> starts_;  // of all matrices; a column of zeros is drawn anew
  std::vector<float> floats_;  // of the message prepared last
};

const std::vector<OptionSpec> kOptions = {
    {.name = "rank",
     .type = OptionType::kInteger,
     .default_value = "2",
     .minimum = 1,
     .maximum = 1024,
     .help = "columns of the two factors of a matrix"},
    {.name = "warm_start",
     .type = OptionType::kFlag,
     .default_value = "true",
     .help = "start from the factor of the previous vector instead of a random one"}};

CompressorFactory make(const Options& options, const Layout& layout) {
  const Plan plan = plan_of(layout, static_cast<std::size_t>(options.integer("rank")));
  return [plan, warm_start = options.flag("warm_start")] { return std::make_unique<LowRank>(plan, warm_start); };
}

}  // namespace

extern const CompressorRow kLowRank;
const CompressorRow kLowRank = {.name = "low_rank",
                                .help = "every matrix as a product of two thin ones",
                                .source = "Vogels et al. 2019 (PowerSGD), algorithm 1",
                                .options = kOptions,
                                .rank_option = "rank",
                                .make = make};

}  // namespace laconic
