// `laconic codec`: what the compression operators make of a vector: how much is lost, how many bytes are left, how
// fast.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <limits>
#include <optional>
#include <ostream>

#include "base/error.h"
#include "base/random.h"
#include "cli/codec_measurement.h"
#include "cli/commands.h"
#include "compress/compressor.h"
#include "kernels/select.h"
#include "kernels/vector_ops.h"
#include "report/format.h"
#include "training/formats/safetensors.h"

namespace laconic {
namespace {

constexpr std::uint64_t kDefaultSize = 1000000;
constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << 32) - 1;  // what an index can say
// What an element takes at most: the vector, what is decoded, the message, and an operator's own scratch memory.
constexpr std::uint64_t kBytesPerElement = 60;
// Where `threshold` is compared with the others it is set to keep this part, as the sparsifiers' default does.
constexpr double kComparedRatio = 0.01;

// A standard error below this part of the mean is not shown.
constexpr double kShownError = 0.01;

constexpr std::array<std::string_view, 6> kDistributions = {"normal",   "uniform", "heavy_tailed",
                                                            "constant", "one_hot", "zero"};

// The numbers of the arguments.
struct Numbers {
  std::optional<std::uint64_t> random;
  std::uint64_t seed = 0;
  std::optional<std::uint64_t> repetitions;
};

struct Subject {
  Layout layout;
  std::vector<float> values;
  std::string text;  // "1,000,000 normal floats, seed 1"
};

std::string words(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known, const std::string& prefix) {
  const std::string_view near = nearest(word, known);
  return near.empty() ? "" : "; did you mean '" + prefix + std::string(near) + "'?";
}

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

Numbers numbers_of(const CodecArguments& arguments) {
  Numbers numbers;
  if (arguments.random) numbers.random = whole_number("--random", *arguments.random, 1, kMaxSize);
  numbers.seed = whole_number("--seed", arguments.seed, 0, std::numeric_limits<std::uint64_t>::max());
  if (arguments.repetitions) numbers.repetitions = whole_number("--repetitions", *arguments.repetitions, 1, 1000000);
  return numbers;
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

Subject drawn_subject(const CodecArguments& arguments, const Numbers& numbers) {
  const std::string distribution = arguments.distribution.empty() ? "normal" : arguments.distribution;
  if (std::find(kDistributions.begin(), kDistributions.end(), distribution) == kDistributions.end()) {
    throw UsageError("--distribution: '" + distribution + "' is not one of: " + words(kDistributions) +
                     did_you_mean(distribution, kDistributions, ""));
  }
  const std::uint64_t size = numbers.random.value_or(kDefaultSize);
  check_size(size, "--random");
  Subject subject{.layout = flat_layout(size), .values = std::vector<float>(size, 0.0F), .text = {}};
  RandomStream stream(numbers.seed, "codec vector");
  if (distribution == "one_hot") {
    subject.values[stream.below(size)] = 1.0F;
  } else if (distribution == "constant") {
    std::fill(subject.values.begin(), subject.values.end(), 1.0F);
  } else if (distribution != "zero") {
    for (float& value : subject.values) value = draw(stream, distribution);
  }
  subject.text =
      grouped(size) + " floats, " + distribution + ", seed " + std::to_string(numbers.seed) + ", as one tensor";
  return subject;
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

Subject file_subject(const CodecArguments& arguments) {
  SafetensorsModel model = load(arguments.file);
  Subject subject{.layout = std::move(model.layout), .values = std::move(model.params), .text = arguments.file};
  if (!arguments.minus.empty()) {
    const SafetensorsModel other = load(arguments.minus);
    const auto same = [](const TensorLayout& a, const TensorLayout& b) {
      return a.name == b.name && a.shape == b.shape;
    };
    if (!std::equal(subject.layout.tensors.begin(), subject.layout.tensors.end(), other.layout.tensors.begin(),
                    other.layout.tensors.end(), same)) {
      throw UsageError(arguments.minus + ": its tensors are not those of " + arguments.file +
                       "; give two files of one model");
    }
    kernels::axpy(-1.0F, other.params, subject.values);
    subject.text += " minus " + arguments.minus;
  }
  for (std::size_t j = 0; j < subject.values.size(); ++j) {
    if (std::isfinite(subject.values[j])) continue;
    throw UsageError(subject.text + ": " + place_in(subject.layout, j) + " is " +
                     (std::isnan(subject.values[j]) ? "not a number" : "infinite") +
                     ", which no operator sends; give a model that has not diverged");
  }
  subject.text += ": " + grouped(subject.values.size()) + " floats in " + grouped(subject.layout.tensors.size()) +
                  (subject.layout.tensors.size() == 1 ? " tensor" : " tensors");
  return subject;
}

Subject make_subject(const CodecArguments& arguments, const Numbers& numbers) {
  if (arguments.file.empty()) {
    if (!arguments.minus.empty()) throw UsageError("--minus: has no meaning without --file; give both");
    return drawn_subject(arguments, numbers);
  }
  if (arguments.random) throw UsageError("--random: has no meaning beside --file; give one of them");
  if (!arguments.distribution.empty()) throw UsageError("--distribution: has no meaning beside --file; remove it");
  return file_subject(arguments);
}

// A drawn vector for operators of matrices: a matrix as near to a square as it can be, and what is left as a vector.
Layout matrix_layout(std::size_t size) {
  const auto rows = static_cast<std::size_t>(std::sqrt(static_cast<double>(size)));
  const std::size_t cols = size / rows;
  Layout layout;
  layout.size = size;
  layout.tensors.push_back({.name = "matrix",
                            .offset = 0,
                            .shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(cols)},
                            .size = rows * cols});
  if (const std::size_t rest = size - rows * cols; rest > 0) {
    layout.tensors.push_back(
        {.name = "rest", .offset = rows * cols, .shape = {static_cast<std::int64_t>(rest)}, .size = rest});
  }
  return layout;
}

const OptionSpec* find_option(const CompressorRow& row, std::string_view name) {
  for (const OptionSpec& spec : row.options) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

// Whether the option has a meaning beside the others that are given, or else their defaults.
bool has_meaning(const CompressorRow& row, const OptionSpec& spec, const std::map<std::string, std::string>& given) {
  if (spec.only_with.option.empty()) return true;
  const auto found = given.find(std::string(spec.only_with.option));
  const OptionSpec* other = find_option(row, spec.only_with.option);
  return spec.only_with.holds(found != given.end() ? std::string_view(found->second) : other->default_value);
}

// One operator with its options resolved.
struct Candidate {
  const CompressorRow* row = nullptr;
  Options options;
  CompressorFactory factory;  // made once there is a vector
};

Options resolve(const CompressorRow& row, const std::map<std::string, std::string>& texts) {
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : texts) given[name] = {.text = text, .where = "--" + name};
  return {row.name, row.options, given};
}

// The operator that was meant by a name in capitals or with hyphens, or nothing.
const CompressorRow* meant_compressor(std::string name) {
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const CompressorRow* row : compressors()) {
    if (row->name == name) return row;
  }
  return nullptr;
}

Candidate named_candidate(const CodecArguments& arguments) {
  if (const CompressorRow* meant = meant_compressor(arguments.compressor);
      meant != nullptr && meant->name != arguments.compressor) {
    throw UsageError("'" + arguments.compressor + "' is no compression operator; did you mean '" +
                     std::string(meant->name) + "'?");
  }
  const CompressorRow& row = find_compressor(arguments.compressor);
  for (const auto& [name, text] : arguments.options) {
    if (find_option(row, name) != nullptr) continue;
    std::vector<std::string_view> known;
    for (const OptionSpec& spec : row.options) known.push_back(spec.name);
    throw UsageError("--" + name + ": " + std::string(row.name) + " has no such option" +
                     (known.empty() ? ", it has none" : "; it has " + words(known)) + did_you_mean(name, known, "--"));
  }
  return {.row = &row, .options = resolve(row, arguments.options), .factory = {}};
}

std::size_t compared_count(const Subject& subject) {
  return std::max<std::size_t>(1,
                               static_cast<std::size_t>(kComparedRatio * static_cast<double>(subject.values.size())));
}

// All operators, each with those of the options that it takes.
std::vector<Candidate> all_candidates(const CodecArguments& arguments, const Subject& subject) {
  std::vector<Candidate> candidates;
  for (const CompressorRow* row : compressors()) {
    std::map<std::string, std::string> texts;
    for (const auto& [name, text] : arguments.options) {
      const OptionSpec* spec = find_option(*row, name);
      if (spec != nullptr && has_meaning(*row, *spec, arguments.options)) texts[name] = text;
    }
    const std::string bounded(row->magnitude_option);
    if (!bounded.empty() && !texts.contains(bounded)) {
      const std::size_t k = compared_count(subject);
      const auto bound = std::bit_cast<float>(kernels::kth_magnitude(subject.values, k).threshold);
      std::array<char, 32> digits{};
      std::snprintf(digits.data(), digits.size(), "%.9g", static_cast<double>(bound));
      texts[bounded] = digits.data();
    }
    candidates.push_back({.row = row, .options = resolve(*row, texts), .factory = {}});
  }
  for (const auto& [name, text] : arguments.options) {
    const auto takes = [&](const Candidate& candidate) {
      return find_option(*candidate.row, name) != nullptr && candidate.options.given(name);
    };
    if (std::none_of(candidates.begin(), candidates.end(), takes)) {
      throw UsageError("--" + name + ": no operator takes it with these options; laconic list compressors shows which");
    }
  }
  return candidates;
}

std::string optional_text(const std::optional<double>& number) { return number ? significant(*number) : "-"; }

// "0.0940±0.0047"; the error only where it is large.
std::string omega_text(const CodecFigures& figures) {
  if (!figures.omega) return "-";
  const double error = figures.omega_error;
  if (std::isnan(error)) return significant(*figures.omega) + "±?";
  const bool shown = error > kShownError * std::fabs(*figures.omega);
  return significant(*figures.omega) + (shown ? "±" + significant(error, 2) : "");
}

std::string speed_text(const std::optional<double>& seconds, double size) {
  return seconds ? significant(4e-9 * size / *seconds) : "-";
}

// "top_k: ratio 0.001, values bfloat16, else the defaults"
std::string head_text(const Candidate& candidate) {
  std::string text;
  for (const Options::Resolved& option : candidate.options.resolved()) {
    if (!candidate.options.given(option.spec->name)) continue;
    text += std::string(option.spec->name) + " " + option.text + ", ";
  }
  return std::string(candidate.row->name) + ": " + (text.empty() ? "the defaults" : text + "else the defaults");
}

// With `all` also the columns that can be done without.
Table make_table(const std::vector<Candidate>& candidates, const std::vector<CodecFigures>& rows, std::size_t size,
                 bool all) {
  std::vector<Table::Column> columns = {{"operator", Table::Align::kLeft}, {"omega"}, {"proven"}};
  if (all) columns.insert(columns.end(), {{"unbiased"}, {"bytes"}});
  columns.insert(columns.end(), {{"smaller"}, {"bits"}});
  if (all) columns.push_back({"est."});
  columns.insert(columns.end(), {{"/est."}, {"encode"}, {"decode"}});
  Table table(columns);
  const auto d = static_cast<double>(size);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const CodecFigures& figures = rows[i];
    std::vector<std::string> cells = {std::string(candidates[i].row->name), omega_text(figures),
                                      optional_text(figures.proven)};
    if (all) {
      cells.emplace_back(figures.unbiased ? "yes" : "no");
      cells.push_back(grouped(static_cast<std::uint64_t>(std::llround(figures.bytes))));
    }
    cells.push_back(significant(4.0 * d / figures.bytes) + "x");
    cells.push_back(significant(8.0 * figures.bytes / d));
    if (all) cells.push_back(significant(figures.entropy_bits / d));
    cells.push_back(figures.entropy_bits > 0.0 ? significant(8.0 * figures.bytes / figures.entropy_bits) : "-");
    cells.push_back(speed_text(figures.encode_seconds, d));
    cells.push_back(speed_text(figures.decode_seconds, d));
    table.add_row(cells);
  }
  return table;
}

// Whether a table of several rows stands upright in `width` characters.
bool fits(const Table& table, std::size_t width) {
  constexpr std::size_t kAnyWidth = 1000;
  const std::string text = table.text(kAnyWidth);
  return display_width(std::string_view(text).substr(0, text.find('\n'))) <= width;
}

// What the heads mean, and what they leave out.
std::string legend(const std::vector<Candidate>& candidates, const std::vector<CodecFigures>& rows, bool all,
                   std::size_t width) {
  std::string text;
  const auto add = [&](const std::string& line) { text += wrapped(line, 0, width); };
  add("omega, proven: 1 - |C(v) - v|^2 / |v|^2, mean over the messages (± its standard error, where that is above " +
      significant(100.0 * kShownError, 1) + "%), and a bound of its expectation");
  const auto untold = [](const CodecFigures& figures) { return figures.omega && std::isnan(figures.omega_error); };
  if (std::any_of(rows.begin(), rows.end(), untold)) {
    add("±?: too few messages carried something; give more --repetitions");
  }
  if (!all) {
    std::string names;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].unbiased) names += (names.empty() ? "" : ", ") + std::string(candidates[i].row->name);
    }
    add("unbiased: " + (names.empty() ? "none of them" : names));
  }
  add("bits, est.: a coordinate, of the message and as an entropy estimate: log2 of the number of sets of so many "
      "indices, and the entropy of the values, each taken for itself; where they cluster a message is shorter, and "
      "/est. "
      "below 1");
  add("encode, decode: GB of float32 a second, on one thread, of messages that carry something");
  return text;
}

// What is said of a word that means nothing.
std::string unknown_text(const CodecArguments& arguments) {
  const std::string& word = arguments.unknown.front();
  if (!word.starts_with('-') && !arguments.compressor.empty()) {
    std::string text = "codec: '" + word + "' beside '" + arguments.compressor +
                       "': give one operator to measure it, none to compare all";
    const CompressorRow* row = meant_compressor(arguments.compressor);
    for (const OptionSpec& spec : row == nullptr ? std::span<const OptionSpec>() : row->options) {
      if (std::find(spec.choices.begin(), spec.choices.end(), word) == spec.choices.end()) continue;
      text += "; as an option of " + std::string(row->name) + " it is --" + std::string(spec.name) + " " + word;
    }
    return text;
  }
  std::vector<std::string_view> known = {"random", "distribution", "file", "minus", "seed", "repetitions"};
  const std::vector<CodecOption> options = codec_options();
  for (const CodecOption& option : options) known.push_back(option.name);
  const std::string name = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  return "codec: '" + word + "' is no option of it nor of an operator" +
         did_you_mean(name.substr(0, name.find('=')), known, "--") + "; laconic codec --help shows all";
}

// "low_rank: the vector as a matrix of 1,000 x 1,000"
std::string matrix_text(const Candidate& candidate, std::size_t size) {
  const Layout layout = matrix_layout(size);
  const TensorLayout& matrix = layout.tensors.front();
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  const auto cols = static_cast<std::size_t>(matrix.shape[1]);
  const std::uint64_t rank = candidate.options.integer(candidate.row->rank_option);
  const std::size_t rest = size - matrix.size;
  return std::string(candidate.row->name) + ": the vector as a matrix of " + grouped(rows) + " x " + grouped(cols) +
         (rest > 0 ? " and " + grouped(rest) + " floats beside it" : "") +
         (rank * (rows + cols) < matrix.size
              ? ""
              : ", which factors of rank " + std::to_string(rank) + " make no smaller: sent as float32");
}

}  // namespace

std::vector<CodecOption> codec_options() {
  std::vector<CodecOption> options;
  for (const CompressorRow* row : compressors()) {
    for (const OptionSpec& spec : row->options) {
      const auto same = [&](const CodecOption& option) { return option.name == spec.name; };
      auto found = std::find_if(options.begin(), options.end(), same);
      if (found == options.end()) {
        options.push_back({.name = spec.name, .operators = {}});
        found = std::prev(options.end());
      }
      found->operators += (found->operators.empty() ? "" : ", ") + std::string(row->name);
    }
  }
  return options;
}

ExitCode codec_command(Console& console, const CodecArguments& arguments) {
  if (!arguments.unknown.empty()) throw UsageError(unknown_text(arguments));
  const Numbers numbers = numbers_of(arguments);
  std::vector<Candidate> candidates;
  // What needs no vector is checked before one is made.
  if (!arguments.compressor.empty()) candidates.push_back(named_candidate(arguments));
  const Subject subject = make_subject(arguments, numbers);
  const bool compared = candidates.empty();
  if (compared) candidates = all_candidates(arguments, subject);
  const auto as_matrix = [&](const Candidate& candidate) {
    return arguments.file.empty() && !candidate.row->rank_option.empty();
  };
  for (Candidate& candidate : candidates) {
    const Layout layout = as_matrix(candidate) ? matrix_layout(subject.values.size()) : subject.layout;
    candidate.factory = candidate.row->make(candidate.options, layout);
  }

  console.out << subject.text << "\n" << (compared ? "" : head_text(candidates.front()) + "\n") << std::endl;
  std::vector<CodecFigures> rows;
  for (const Candidate& candidate : candidates) {
    rows.push_back(measure_codec(candidate.factory, candidate.row->skips_by_chance, subject.values,
                                 {numbers.seed, numbers.repetitions}));
  }
  const std::size_t d = subject.values.size();
  Table table = make_table(candidates, rows, d, true);
  const bool all = !compared || fits(table, console.width);
  if (!all) table = make_table(candidates, rows, d, false);
  console.out << table.text(console.width) << "\n" << legend(candidates, rows, all, console.width);
  if (compared) {
    for (const Candidate& candidate : candidates) {
      const std::string bounded(candidate.row->magnitude_option);
      if (bounded.empty() || arguments.options.contains(bounded)) continue;
      const std::string bound = significant(candidate.options.number(bounded));
      const std::string line = std::string(candidate.row->name) + ": " + bound + ", the smallest of the " +
                               grouped(compared_count(subject)) + " largest magnitudes (1%)";
      console.out << wrapped(line, 0, console.width);
    }
  }
  for (const Candidate& candidate : candidates) {
    if (as_matrix(candidate)) console.out << wrapped(matrix_text(candidate, d), 0, console.width);
  }
  console.out << std::flush;
  return ExitCode::kDone;
}

}  // namespace laconic
