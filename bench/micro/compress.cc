// Compression at memory speed and near the entropy, on one thread. Encoding and decoding against what the memory
// allows (a dot product, which reads, and memcpy) and against libtorch's topk, each timed in turn with its peer in the
// same process; the bits of a set of indices against log2 C(d, k); the size of whole frames.
//
// Vectors: normal floats, and differences of models in training (LeNet-5 and VGG16*; the largest is those of VGG16*
// over consecutive ranges of steps, one behind the other). Encoding is prepare() and write() into a buffer that is
// there already. Time ratios are medians over the repetitions of a repetition's own ratio.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/random.h"
#include "comm/frame.h"
#include "compress/compressor.h"
#include "harness.h"
#include "kernels/vector_ops.h"
#include "model_differences.h"
#include "training/models/compute_threads.h"

namespace laconic::bench {
namespace {

constexpr std::size_t kLenetSize = 61706;
constexpr std::size_t kVgg16StarSize = 2592202;
constexpr std::size_t kLargest = 25600000;

using OptionTexts = std::map<std::string, std::string>;

std::unique_ptr<Compressor> make(std::string_view name, const OptionTexts& texts, const Layout& layout) {
  const CompressorRow& row = find_compressor(name);
  std::map<std::string, GivenOption> given;
  for (const auto& [option, text] : texts) given[option] = {.text = text, .where = "benchmark"};
  return row.make(Options(name, row.options, given), layout)();
}

// An operator with a buffer that its messages are written to, again and again.
class Codec {
 public:
  Codec(std::string_view name, const OptionTexts& texts, std::span<const float> v)
      : operator_(make(name, texts, flat_layout(v.size()))), v_(v) {}

  void encode() {
    RandomStream random(1, "bench codec");
    const std::size_t size = operator_->prepare(v_, random);
    if (message_.size() < size) message_.resize(size);
    size_ = size;
    operator_->write(std::span(message_).first(size));
    keep(message_.front());
  }
  void decode_add(float weight, std::span<float> y) { operator_->decode_add(message(), weight, y); }

  std::span<const std::byte> message() const { return std::span(message_).first(size_); }
  // C(v), decoded into zeros.
  std::vector<float> decoded() {
    std::vector<float> y(v_.size(), 0.0F);
    decode_add(1.0F, y);
    return y;
  }
  Compressor& compressor() { return *operator_; }

 private:
  std::unique_ptr<Compressor> operator_;
  std::span<const float> v_;
  std::vector<std::byte> message_;
  std::size_t size_ = 0;
};

struct Vector {
  std::string name;
  std::vector<float> values;
  bool random = false;   // whether its k largest lie anywhere with the same probability
  bool largest = false;  // the size that goals of speed are set for
};

std::vector<float> normal_floats(std::size_t size) {
  RandomStream stream(1, "bench compress", {size});
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(stream.gaussian());
  return values;
}

OptionTexts top_k_options(std::size_t k, const std::string& values = "float32") {
  return {{"k", std::to_string(k)}, {"scope", "model"}, {"values", values}};
}

std::size_t kept(std::size_t size, double density) {
  return static_cast<std::size_t>(density * static_cast<double>(size));
}

// The k largest magnitudes by sorting them all, of equal ones the lower index first; elsewhere 0.
std::vector<float> plain_top_k(std::span<const float> x, std::size_t k) {
  std::vector<std::uint64_t> keys(x.size());
  for (std::size_t j = 0; j < x.size(); ++j) {
    const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(std::fabs(x[j]));
    keys[j] = std::uint64_t{magnitude} << 32 | (0xffffffffU - static_cast<std::uint32_t>(j));
  }
  std::sort(keys.begin(), keys.end(), std::greater<>());
  std::vector<float> result(x.size(), 0.0F);
  for (std::size_t i = 0; i < k; ++i) {
    const std::uint32_t j = 0xffffffffU - static_cast<std::uint32_t>(keys[i]);
    result[j] = x[j];
  }
  return result;
}

// Round to nearest, ties to even, by the definition; x is a normal number of moderate size.
float plain_bfloat16(float x) {
  const auto below = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xffff0000U);
  const auto above = std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) & 0xffff0000U) + 0x10000U);
  const double to_below = std::fabs(static_cast<double>(x) - static_cast<double>(below));
  const double to_above = std::fabs(static_cast<double>(above) - static_cast<double>(x));
  if (to_below != to_above) return to_below < to_above ? below : above;
  return std::bit_cast<std::uint32_t>(below) >> 16 & 1U ? above : below;
}

// log2 C(n, k)
double set_bits(std::size_t n, std::size_t k) {
  const auto log_factorial = [](std::size_t m) { return std::lgamma(static_cast<long double>(m) + 1.0L); };
  return static_cast<double>((log_factorial(n) - log_factorial(k) - log_factorial(n - k)) / std::log(2.0L));
}

// The median of numerator / denominator, repetition by repetition.
double ratio(const std::vector<double>& numerator, const std::vector<double>& denominator) {
  std::vector<double> ratios;
  for (std::size_t r = 0; r < numerator.size(); ++r) ratios.push_back(numerator[r] / denominator[r]);
  return median(ratios);
}

void check_top_k(Harness& harness, const std::string& name, std::span<const float> x, std::size_t k) {
  Codec codec("top_k", top_k_options(k), x);
  codec.encode();
  const std::vector<float> expected = plain_top_k(x, k);
  const std::vector<float> decoded = codec.decoded();
  harness.check(fmt::format("{}: top_k of {} is what a full sort keeps, bit for bit", name, k),
                std::memcmp(decoded.data(), expected.data(), x.size() * sizeof(float)) == 0);
}

void check_dense(Harness& harness, const Vector& vector) {
  const std::vector<float>& x = vector.values;
  const auto d = static_cast<double>(x.size());
  long double absolute = 0.0L;
  long double squared = 0.0L;
  for (const float value : x) {
    absolute += std::fabs(static_cast<long double>(value));
    squared += static_cast<long double>(value) * value;
  }

  Codec sign("sign", {{"scope", "model"}}, x);
  sign.encode();
  std::vector<float> decoded = sign.decoded();
  const auto scale = static_cast<double>(absolute / d);
  bool right = true;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double expected = std::signbit(x[j]) ? -scale : scale;
    right = right && std::fabs(static_cast<double>(decoded[j]) - expected) <= 1e-6 * scale;
  }
  harness.check(vector.name + ": sign is the mean magnitude with every sign, to 1e-6", right);

  Codec bfloat16("bfloat16", {}, x);
  bfloat16.encode();
  decoded = bfloat16.decoded();
  right = true;
  for (std::size_t j = 0; j < x.size(); ++j) right = right && decoded[j] == plain_bfloat16(x[j]);
  harness.check(vector.name + ": bfloat16 is plain rounding", right);

  constexpr double kLevels = 15.0;
  Codec qsgd("qsgd", {{"levels", "15"}, {"unbiased", "true"}, {"scope", "model"}}, x);
  qsgd.encode();
  decoded = qsgd.decoded();
  const double step = std::sqrt(static_cast<double>(squared)) / kLevels;
  right = true;
  double error = 0.0;
  double variance = 0.0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double t = std::fabs(static_cast<double>(x[j])) / step;
    const double level = static_cast<double>(decoded[j]) * (std::signbit(x[j]) ? -1.0 : 1.0) / step;
    right = right && level >= std::floor(t - 1e-5) - 1e-5 && level <= std::floor(t + 1e-5) + 1.0 + 1e-5 &&
            std::fabs(level - std::round(level)) <= 1e-5;
    error += level - t;
    variance += (t - std::floor(t)) * (1.0 - (t - std::floor(t)));
  }
  harness.check(vector.name + ": qsgd takes one of the two levels around every value", right);
  // Beside chance, the float32 of what is sent has an error of its own.
  harness.check(vector.name + ": qsgd's errors add up to 0 within 6 standard deviations",
                std::fabs(error) <= 6.0 * std::sqrt(variance) + 1e-6 * static_cast<double>(absolute) / step);
}

// Rates of top_k beside at::topk and a dot product of the same vector.
void measure_selection(Harness& harness, const Vector& vector, int repetitions) {
  const std::vector<float>& x = vector.values;
  const std::size_t k = kept(x.size(), 0.01);
  const at::Tensor magnitudes =
      at::from_blob(const_cast<float*>(x.data()), {static_cast<std::int64_t>(x.size())}, at::kFloat).abs();
  Codec plain("top_k", top_k_options(k), x);
  Codec half("top_k", top_k_options(k, "bfloat16"), x);
  const std::vector<std::function<void()>> bodies = {
      [&] { keep(std::get<0>(at::topk(magnitudes, static_cast<std::int64_t>(k))).data_ptr()); },
      [&] { keep(kernels::dot(x, x)); }, [&] { plain.encode(); }, [&] { half.encode(); }};
  const std::vector<std::vector<double>> times = interleaved_times(bodies, repetitions);
  const double bytes = 4.0 * static_cast<double>(x.size());
  const auto goal = [&](double low) { return vector.largest ? std::optional(at_least(low)) : std::nullopt; };
  harness.add(vector.name + ": dot(x, x)", bytes / median(times[1]) / 1e9, "GB/s");
  harness.add(vector.name + ": top_k 1%, encode", bytes / median(times[2]) / 1e9, "GB/s");
  harness.add(vector.name + ": top_k 1%, encode / at::topk of |x|", ratio(times[0], times[2]), "x as fast",
              at_least(vector.largest ? 40 : 10));
  harness.add(vector.name + ": top_k 1%, encode / dot", ratio(times[1], times[2]), "of its read rate", goal(0.6));
  harness.add(vector.name + ": top_k 1% + bfloat16, encode / at::topk of |x|", ratio(times[0], times[3]), "x as fast");
  harness.add(vector.name + ": top_k 1% + bfloat16, encode / dot", ratio(times[1], times[3]), "of its read rate");
}

// Rates of the operators that send every coordinate.
void measure_dense(Harness& harness, const Vector& vector, int repetitions) {
  const std::vector<float>& x = vector.values;
  std::vector<float> y(x.size(), 0.0F);
  Codec sign("sign", {{"scope", "model"}}, x);
  Codec qsgd("qsgd", {{"levels", "15"}, {"scope", "model"}}, x);
  Codec bfloat16("bfloat16", {}, x);
  float weight = 1.0F;  // its sign turns, so that y does not grow
  const std::vector<std::function<void()>> bodies = {[&] { keep(kernels::dot(x, x)); },
                                                     [&] {
                                                       std::memcpy(y.data(), x.data(), x.size() * sizeof(float));
                                                       keep(y.front());
                                                     },
                                                     [&] { sign.encode(); },
                                                     [&] { sign.decode_add(weight = -weight, y); },
                                                     [&] { qsgd.encode(); },
                                                     [&] { qsgd.decode_add(weight, y); },
                                                     [&] { bfloat16.encode(); },
                                                     [&] { bfloat16.decode_add(weight, y); }};
  const std::vector<std::vector<double>> times = interleaved_times(bodies, repetitions);
  const double bytes = 4.0 * static_cast<double>(x.size());
  const auto goal = [&](double low) { return vector.largest ? std::optional(at_least(low)) : std::nullopt; };
  harness.add(vector.name + ": memcpy", bytes / median(times[1]) / 1e9, "GB/s copied");
  const auto add = [&](const std::string& name, std::size_t own, std::size_t peer, std::optional<Goal> wanted) {
    harness.add(vector.name + ": " + name + (peer == 0 ? " / dot" : " / memcpy"), ratio(times[peer], times[own]),
                peer == 0 ? "of its read rate" : "of its rate", wanted);
  };
  add("sign, encode", 2, 0, goal(0.8));
  add("sign, decode and add", 3, 1, goal(0.5));
  add("qsgd 4 bit, encode", 4, 0, goal(0.35));
  add("qsgd 4 bit, decode and add", 5, 1, std::nullopt);
  add("bfloat16, encode", 6, 1, goal(0.8));
  add("bfloat16, decode and add", 7, 1, std::nullopt);
}

// Decoding of sparse messages, whose time should go with k alone, and the bits of their indices.
void measure_sparse(Harness& harness, const Vector& vector, int repetitions) {
  const std::vector<float>& x = vector.values;
  const std::vector<std::pair<std::string, double>> densities = {{".1%", 0.001}, {"1%", 0.01}, {"10%", 0.1}};
  std::vector<float> y(x.size(), 0.0F);
  std::vector<std::unique_ptr<Codec>> codecs;
  std::vector<std::function<void()>> bodies;
  std::vector<std::size_t> counts;
  float weight = 1.0F;
  for (const auto& [text, density] : densities) {
    counts.push_back(kept(x.size(), density));
    codecs.push_back(std::make_unique<Codec>("top_k", top_k_options(counts.back()), x));
    codecs.back()->encode();
    bodies.emplace_back([&, codec = codecs.back().get()] { codec->decode_add(weight = -weight, y); });
  }
  // What adding alone takes, of entries that lie there ready.
  std::vector<std::vector<std::pair<std::uint32_t, float>>> entries(densities.size());
  for (std::size_t i = 0; i < densities.size(); ++i) {
    const std::vector<float> chosen = codecs[i]->decoded();
    for (std::size_t j = 0; j < chosen.size(); ++j) {
      if (chosen[j] != 0.0F) entries[i].emplace_back(static_cast<std::uint32_t>(j), chosen[j]);
    }
    bodies.emplace_back([&, &ready = entries[i]] {
      weight = -weight;
      for (const auto& [j, value] : ready) y[j] += weight * value;
      keep(y.front());
    });
  }
  const std::vector<std::vector<double>> times = interleaved_times(bodies, 2 * repetitions + 1);
  for (std::size_t i = 0; i < densities.size(); ++i) {
    harness.add(fmt::format("{}: top_k {}, decode and add", vector.name, densities[i].first),
                static_cast<double>(counts[i]) / median(times[i]) / 1e6, "M entries/s",
                vector.largest ? std::optional(at_least(100)) : std::nullopt);
    harness.add(fmt::format("{}: a plain loop over {} entries", vector.name, densities[i].first),
                static_cast<double>(entries[i].size()) / median(times[densities.size() + i]) / 1e6, "M entries/s");
  }
  for (std::size_t i = 1; i < densities.size(); ++i) {
    const double growth = static_cast<double>(counts[i]) / static_cast<double>(counts[i - 1]);
    harness.add(fmt::format("{}: time of an entry, {} / {}", vector.name, densities[i].first, densities[i - 1].first),
                ratio(times[i], times[i - 1]) / growth, "",
                vector.largest ? std::optional(at_most(1.2)) : std::nullopt);
  }
  for (std::size_t i = 0; i < densities.size(); ++i) {
    // Signs take one bit each and their scale four bytes; the rest is about the indices.
    Codec signs("top_k", top_k_options(counts[i], "sign"), x);
    signs.encode();
    const std::size_t bytes = signs.message().size() - sizeof(float) - (counts[i] + 7) / 8;
    const bool bounded = vector.random && x.size() >= kVgg16StarSize;
    harness.add(fmt::format("{}: index bits / log2 C(d, k), {}", vector.name, densities[i].first),
                8.0 * static_cast<double>(bytes) / set_bits(x.size(), counts[i]), "",
                bounded ? std::optional(at_most(1.03)) : std::nullopt);
  }
}

// A message as it travels, written into its frame.
Frame framed(Compressor& compressor, std::span<const float> v) {
  RandomStream random(1, "bench frame");
  const std::size_t size = compressor.prepare(v, random);
  const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kBroadcast, .round = {1000}};
  return {header, size, [&](std::span<std::byte> out) { compressor.write(out); }};
}

void measure_frame(Harness& harness, const Vector& vector) {
  const std::vector<float>& x = vector.values;
  Codec codec("top_k", top_k_options(kept(x.size(), 0.01), "bfloat16"), x);
  const Frame frame = framed(codec.compressor(), x);
  codec.encode();
  harness.check(
      vector.name + ": the frame's payload is the message",
      std::equal(frame.payload().begin(), frame.payload().end(), codec.message().begin(), codec.message().end()));
  harness.add(vector.name + ": top_k 1% + bfloat16, framed",
              4.0 * static_cast<double>(x.size()) / static_cast<double>(frame.wire_size().value),
              "x smaller than float32", vector.largest ? std::optional(at_least(130)) : std::nullopt);
}

// What a frame of a model costs beside its indices and values.
void measure_fixed_cost(Harness& harness, const Layout& layout, std::span<const float> v) {
  const double d = static_cast<double>(layout.size);
  const Goal goal = at_most(64.0 + 4.0 * static_cast<double>(layout.tensors.size()));
  double indices = 0.0;  // one of each tensor, in bits
  for (const TensorLayout& tensor : layout.tensors) indices += std::log2(static_cast<double>(tensor.size));
  const auto tensors = static_cast<double>(layout.tensors.size());
  const auto add = [&](const std::string& what, std::string_view name, const OptionTexts& texts, double content) {
    const std::unique_ptr<Compressor> compressor = make(name, texts, layout);
    const Bytes size = framed(*compressor, v).wire_size();
    harness.add(fmt::format("fixed cost of a frame, {}, {} tensors", what, layout.tensors.size()),
                static_cast<double>(size.value) - content, "bytes", goal);
  };
  add("none", "none", {}, 4.0 * d);
  add("bfloat16", "bfloat16", {}, 2.0 * d);
  add("sign of each tensor", "sign", {}, std::ceil(d / 8.0));
  add("top_k, 1 sign of each tensor", "top_k", {{"k", "1"}, {"values", "sign"}}, std::ceil((indices + tensors) / 8.0));
  add("top_k, 1 sign of the model", "top_k", {{"k", "1"}, {"scope", "model"}, {"values", "sign"}},
      std::ceil((std::log2(d) + 1.0) / 8.0));
}

void measure(Harness& harness, const Vector& vector, int repetitions) {
  harness.progress(fmt::format("{}: {} elements, {} repetitions", vector.name, vector.values.size(), repetitions));
  for (const double density : {0.001, 0.01, 0.1}) {
    check_top_k(harness, vector.name, vector.values, kept(vector.values.size(), density));
  }
  check_dense(harness, vector);
  measure_selection(harness, vector, repetitions);
  measure_dense(harness, vector, repetitions);
  measure_sparse(harness, vector, repetitions);
  measure_frame(harness, vector);
}

// "61,706", "2.59 M", "25.6 M"
std::string size_text(std::size_t size) {
  return size < 1000000 ? fmt::format("{},{:03}", size / 1000, size % 1000)
                        : fmt::format("{:.3g} M", static_cast<double>(size) / 1e6);
}

int run(int argc, char** argv) {
  Harness harness("compress",
                  "Compression: encoding and decoding against memory and at::topk, bits against the entropy");
  std::size_t largest = 0;
  int repetitions = 0;
  std::string data_dir;
  harness.options()
      .add_option("--size", largest, "elements of the largest vector (default 25600000, quick 6400000)")
      ->check(CLI::Range(kVgg16StarSize, std::size_t{1000000000}));
  harness.options()
      .add_option("--repetitions", repetitions, "timed runs of each operation (default 21, quick 5)")
      ->check(CLI::Range(1, 10000));
  harness.options().add_option("--data", data_dir, "folder with Fashion-MNIST (default: the Debian package's)");
  if (const std::optional<int> exit_code = harness.parse(argc, argv)) return *exit_code;
  if (largest == 0) largest = harness.quick() ? 6400000 : kLargest;
  if (repetitions == 0) repetitions = harness.quick() ? 5 : 21;
  use_one_thread_per_computation();
  harness.fact("threads", 1);
  harness.fact("simd", hwy::TargetName(hwy::SupportedTargets() & -hwy::SupportedTargets()));
  harness.fact("libtorch_threads", at::get_num_threads());

  // Magnitudes that many elements share: who is kept is then a question of the index.
  std::vector<float> rounded = normal_floats(kVgg16StarSize);
  for (float& value : rounded) value = std::round(4.0F * value) / 4.0F;
  check_top_k(harness, "normal rounded to quarters", rounded, kept(rounded.size(), 0.01));

  // Small vectors are over in microseconds: more of them.
  const auto measure_normal = [&](std::size_t size, int times) {
    measure(harness,
            {.name = "normal " + size_text(size),
             .values = normal_floats(size),
             .random = true,
             .largest = size == largest},
            times * repetitions);
  };
  measure_normal(kLenetSize, 20);
  measure_normal(kVgg16StarSize, 2);
  measure_normal(largest, 1);

  harness.progress("training LeNet-5");
  ModelDifferences lenet = train_differences("lenet5", data_dir, 20, 1, 40);
  measure(harness, {.name = "LeNet-5 " + size_text(kLenetSize), .values = std::move(lenet.ranges.front())},
          20 * repetitions);

  const std::size_t ranges = (largest + kVgg16StarSize - 1) / kVgg16StarSize;
  harness.progress(fmt::format("training VGG16*, {} ranges of steps", ranges));
  ModelDifferences vgg = train_differences("vgg16_star", data_dir, 5, ranges, 2);
  measure_fixed_cost(harness, vgg.layout, vgg.ranges.front());
  std::vector<float> joined;
  for (const std::vector<float>& range : vgg.ranges) joined.insert(joined.end(), range.begin(), range.end());
  joined.resize(largest);
  measure(harness, {.name = "VGG16* " + size_text(kVgg16StarSize), .values = std::move(vgg.ranges.back())},
          2 * repetitions);
  measure(harness, {.name = "VGG16* joined " + size_text(largest), .values = std::move(joined), .largest = true},
          repetitions);
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
