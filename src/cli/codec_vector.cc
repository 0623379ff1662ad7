#include "cli/codec_vector.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "base/spelling.h"
#include "compress/compressor.h"
#include "kernels/vector_ops.h"
#include "report/format.h"
#include "training/formats/safetensors.h"

namespace laconic {
namespace {

constexpr std::uint64_t kDefaultSize = 1000000;
constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << 32) - 1;  // what an index can say
// What an element takes at most: the vector, what is decoded, the message, and an operator's own scratch memory.
constexpr std::uint64_t kBytesPerElement = 60;

constexpr std::array<std::string_view, 6> kDistributions = {"normal",   "uniform", "heavy_tailed",
                                                            "constant", "one_hot", "zero"};

std::uint64_t whole_number(const std::string& option, const std::string& text, std::uint64_t minimum,
                           std::uint64_t maximum) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < minimum || number > maximum) {
    throw UsageError(option + ": '" + text + "' is not a whole number from " + std::to_string(minimum) + " to " +
                     std::to_string(maximum));
  }
  return number;
}

// Refuses more elements than indices can name or the machine's memory can hold, before they are made.
void check_size(std::uint64_t elements, const std::string& place) {
  const auto memory =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t most = std::min(kMaxSize, memory / kBytesPerElement);
  if (elements > most) {
    throw UsageError(place + ": " + grouped(elements) + " elements; this machine has room for " + grouped(most));
  }
}

float draw(RandomStream& stream, std::string_view distribution) {
  if (distribution == "normal") return static_cast<float>(stream.gaussian());
  if (distribution == "uniform") return static_cast<float>(2.0 * stream.uniform() - 1.0);
  // Pareto's tail with exponent 3/2 on both sides: the variance is infinite.
  const double magnitude = std::pow(1.0 - stream.uniform(), -2.0 / 3.0);
  return static_cast<float>(stream.below(2) == 0 ? magnitude : -magnitude);
}

CodecVector drawn_vector(const CodecArguments& arguments, const CodecNumbers& numbers) {
  const std::string distribution = arguments.distribution.empty() ? "normal" : arguments.distribution;
  if (std::find(kDistributions.begin(), kDistributions.end(), distribution) == kDistributions.end()) {
    throw UsageError("--distribution: '" + distribution + "' is not one of: " + listed(kDistributions) +
                     did_you_mean(distribution, kDistributions));
  }
  const std::uint64_t size = numbers.random.value_or(kDefaultSize);
  check_size(size, "--random");
  CodecVector vector{.layout = flat_layout(size), .values = std::vector<float>(size, 0.0F), .text = {}};
  RandomStream stream(numbers.seed, "codec vector");
  if (distribution == "one_hot") {
    vector.values[stream.below(size)] = 1.0F;
  } else if (distribution == "constant") {
    std::fill(vector.values.begin(), vector.values.end(), 1.0F);
  } else if (distribution != "zero") {
    for (float& value : vector.values) value = draw(stream, distribution);
  }
  vector.text =
      grouped(size) + " floats, " + distribution + ", seed " + std::to_string(numbers.seed) + ", as one tensor";
  return vector;
}

SafetensorsModel load(const std::string& path) {
  std::error_code error;
  const std::uint64_t bytes = std::filesystem::file_size(path, error);
  if (!error) check_size(bytes / sizeof(float), path);
  return read_safetensors(path);
}

// "tensor 'fc1.weight', element 17"
std::string place_in(const Layout& layout, std::size_t index) {
  for (const TensorLayout& tensor : layout.tensors) {
    if (index < tensor.offset + tensor.size) {
      return "tensor '" + tensor.name + "', element " + std::to_string(index - tensor.offset);
    }
  }
  return "element " + std::to_string(index);
}

CodecVector vector_of_file(const CodecArguments& arguments) {
  SafetensorsModel model = load(arguments.file);
  CodecVector vector{.layout = std::move(model.layout), .values = std::move(model.params), .text = arguments.file};
  if (!arguments.minus.empty()) {
    const SafetensorsModel other = load(arguments.minus);
    const auto same = [](const TensorLayout& a, const TensorLayout& b) {
      return a.name == b.name && a.shape == b.shape;
    };
    if (!std::equal(vector.layout.tensors.begin(), vector.layout.tensors.end(), other.layout.tensors.begin(),
                    other.layout.tensors.end(), same)) {
      throw UsageError(arguments.minus + ": its tensors are not those of " + arguments.file +
                       "; give two files of one model");
    }
    kernels::axpy(-1.0F, other.params, vector.values);
    vector.text += " minus " + arguments.minus;
  }
  for (std::size_t j = 0; j < vector.values.size(); ++j) {
    if (std::isfinite(vector.values[j])) continue;
    throw UsageError(vector.text + ": " + place_in(vector.layout, j) + " is " +
                     (std::isnan(vector.values[j]) ? "not a number" : "infinite") +
                     ", which no operator sends; give a model that has not diverged");
  }
  vector.text += ": " + grouped(vector.values.size()) + " floats in " + grouped(vector.layout.tensors.size()) +
                 (vector.layout.tensors.size() == 1 ? " tensor" : " tensors");
  return vector;
}

}  // namespace

CodecNumbers codec_numbers(const CodecArguments& arguments) {
  CodecNumbers numbers;
  if (arguments.random) numbers.random = whole_number("--random", *arguments.random, 1, kMaxSize);
  numbers.seed = whole_number("--seed", arguments.seed, 0, std::numeric_limits<std::uint64_t>::max());
  if (arguments.repetitions) numbers.repetitions = whole_number("--repetitions", *arguments.repetitions, 1, 1000000);
  return numbers;
}

CodecVector make_codec_vector(const CodecArguments& arguments, const CodecNumbers& numbers) {
  if (arguments.file.empty()) {
    if (!arguments.minus.empty()) throw UsageError("--minus: has no meaning without --file; give both");
    return drawn_vector(arguments, numbers);
  }
  if (arguments.random) throw UsageError("--random: has no meaning beside --file; give one of them");
  if (!arguments.distribution.empty()) throw UsageError("--distribution: has no meaning beside --file; remove it");
  return vector_of_file(arguments);
}

}  // namespace laconic
