#include "cli/codec_measurement.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "base/random.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

// Messages are made until the standard error of their mean omega is this part of it,
constexpr double kWantedError = 0.05;
// or so many were made, or so many elements were gone through: a bound of the work instead of one of the time, so that
// the figures are the same on every machine.
constexpr std::uint64_t kMostMessages = 100000;
constexpr std::uint64_t kMostElements = 16000000000;
// How often an element is gone through for a message; for one that carries nothing it is once.
constexpr std::uint64_t kPassesPerMessage = 10;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Mean and standard error of numbers that come one after the other (Welford 1962).
class Mean {
 public:
  void add(double value) {
    ++count_;
    const double distance = value - mean_;
    mean_ += distance / static_cast<double>(count_);
    squares_ += distance * (value - mean_);
  }
  double value() const { return mean_; }
  double error() const {
    const auto count = static_cast<double>(count_);
    return count_ > 1 ? std::sqrt(squares_ / (count - 1.0) / count) : 0.0;
  }

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0.0;
  double squares_ = 0.0;
};

// Messages of one operator and vector.
class CodecMeasurement {
 public:
  CodecMeasurement(const CompressorFactory& factory, bool by_chance, std::span<const float> v,
                   const CodecMessages& messages)
      : factory_(factory), by_chance_(by_chance), v_(v), wanted_(messages), y_(v_.size()) {}

  CodecFigures figures() {
    lose();
    if (!nonempty_.empty()) time();
    return figures_;
  }

 private:
  // Message number `index`, into the buffer.
  std::size_t encode(Compressor& compressor, std::uint64_t index) {
    RandomStream random(wanted_.seed, "codec message", {index});
    const std::size_t size = compressor.prepare(v_, random);
    if (buffer_.size() < size) buffer_.resize(size);
    compressor.write(std::span(buffer_).first(size));
    return size;
  }

  // How many messages are measured at least: what takes a moment, or what was asked for.
  std::uint64_t repetitions() const {
    return wanted_.repetitions.value_or(std::clamp<std::uint64_t>(10000000 / v_.size(), 3, 100));
  }

  // Whether the message made last, number `index`, carries any coordinate; an empty one decodes to nothing. The entropy
  // takes longer than all the rest: it is asked for until as many nonempty messages are known as are timed, and the
  // size of an empty one is known.
  bool is_nonempty(Compressor& compressor, std::uint64_t index, std::size_t size) {
    if (size == empty_size_) return false;
    const bool enough = nonempty_.size() >= repetitions();
    if (enough && (empty_size_ || !by_chance_)) return true;
    const Compressor::Information information = compressor.information();
    if (information.coordinates == 0) {
      empty_size_ = size;
      return false;
    }
    entropy_.add(information.entropy_bits);
    if (!enough) nonempty_.push_back(index);
    return true;
  }

  // What messages of fresh operators lose, and how long they are.
  void lose() {
    const double squares = kernels::squared_norm(v_);
    Mean kept;
    Mean bytes;
    std::uint64_t carried = 0;
    std::uint64_t passes = 0;
    std::uint64_t messages = 0;
    const auto enough = [&] {
      if (messages < repetitions()) return false;
      if (wanted_.repetitions || squares == 0.0) return true;
      if (messages >= kMostMessages || passes * v_.size() >= kMostElements) return true;
      // Where no message carries something though it could, nothing is known of the mean yet.
      return kept.error() <= kWantedError * std::fabs(kept.value()) && !(by_chance_ && nonempty_.empty());
    };
    for (; !enough(); ++messages) {
      const std::unique_ptr<Compressor> compressor = factory_();
      const std::size_t size = encode(*compressor, messages);
      bytes.add(static_cast<double>(size));
      if (messages == 0) {
        figures_.proven = compressor->omega(v_);
        figures_.unbiased = compressor->unbiased();
      }
      if (!is_nonempty(*compressor, messages, size)) {
        kept.add(0.0);
        passes += 1;
        continue;
      }
      ++carried;
      passes += kPassesPerMessage;
      std::fill(y_.begin(), y_.end(), 0.0F);
      compressor->decode_add(std::span(buffer_).first(size), 1.0F, y_);
      if (squares > 0.0) kept.add(1.0 - kernels::squared_distance(y_, v_) / squares);
    }
    figures_.bytes = bytes.value();
    figures_.entropy_bits = entropy_.value() * static_cast<double>(carried) / static_cast<double>(messages);
    if (squares == 0.0) return;
    // Below that it is the rounding of the sums.
    figures_.omega = std::fabs(kept.value()) > 1e-12 ? kept.value() : 0.0;
    const bool tells = !by_chance_ || (messages > 1 && !nonempty_.empty());
    figures_.omega_error = tells ? kept.error() : std::numeric_limits<double>::quiet_NaN();
  }

  // How long messages of a single operator take, those that carry nothing left out.
  void time() {
    const std::unique_ptr<Compressor> compressor = factory_();
    std::vector<double> encoding;
    std::vector<double> decoding;
    encode(*compressor, nonempty_.front());
    for (std::uint64_t i = 0; i < repetitions(); ++i) {
      using Clock = std::chrono::steady_clock;
      const auto start = Clock::now();
      const std::size_t size = encode(*compressor, nonempty_[i % nonempty_.size()]);
      const auto between = Clock::now();
      // Forth and back, so that the sums do not grow.
      compressor->decode_add(std::span(buffer_).first(size), i % 2 == 0 ? 1.0F : -1.0F, y_);
      const auto end = Clock::now();
      encoding.push_back(std::chrono::duration<double>(between - start).count());
      decoding.push_back(std::chrono::duration<double>(end - between).count());
    }
    figures_.encode_seconds = median(encoding);
    figures_.decode_seconds = median(decoding);
  }

  const CompressorFactory& factory_;
  bool by_chance_;
  std::span<const float> v_;
  CodecMessages wanted_;
  std::vector<float> y_;
  std::vector<std::byte> buffer_;
  std::vector<std::uint64_t> nonempty_;    // messages that carry something, as many as are timed
  std::optional<std::size_t> empty_size_;  // of those that carry nothing
  Mean entropy_;                           // of those that carry something, bits
  CodecFigures figures_;
};

}  // namespace

CodecFigures measure_codec(const CompressorFactory& factory, bool by_chance, std::span<const float> v,
                           const CodecMessages& messages) {
  return CodecMeasurement(factory, by_chance, v, messages).figures();
}

}  // namespace laconic
