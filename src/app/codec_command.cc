// `laconic codec`: what the compression operators make of a vector: how much is lost, how many bytes are left, how
// fast.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>
#include <ostream>

#include "app/commands.h"
#include "base/error.h"
#include "base/random.h"
#include "compress/compressor.h"
#include "kernels/select.h"
#include "kernels/vector_ops.h"
#include "report/format.h"
#include "training/safetensors.h"

namespace laconic {
namespace {

constexpr std::uint64_t kDefaultSize = 1000000;
constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << 32) - 1;  // what an index can say
// What an element takes at most: the vector, what is decoded, the message, and an operator's own scratch memory.
constexpr std::uint64_t kBytesPerElement = 60;
// Where `threshold` is compared with the others it is set to keep this part, as the sparsifiers' default does.
constexpr double kComparedRatio = 0.01;

constexpr std::array<std::string_view, 6> kDistributions = {"normal",   "uniform", "heavy_tailed",
                                                            "constant", "one_hot", "zero"};

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

Subject drawn_subject(const CodecArguments& arguments) {
  const std::string distribution = arguments.distribution.empty() ? "normal" : arguments.distribution;
  if (std::find(kDistributions.begin(), kDistributions.end(), distribution) == kDistributions.end()) {
    throw UsageError("--distribution: '" + distribution + "' is not one of: " + words(kDistributions) +
                     did_you_mean(distribution, kDistributions, ""));
  }
  const std::uint64_t size = arguments.random.value_or(kDefaultSize);
  if (size == 0) throw UsageError("--random: a vector without elements; give 1 or more");
  check_size(size, "--random");
  Subject subject{.layout = flat_layout(size), .values = std::vector<float>(size, 0.0F), .text = {}};
  RandomStream stream(arguments.seed, "codec vector");
  if (distribution == "one_hot") {
    subject.values[stream.below(size)] = 1.0F;
  } else if (distribution == "constant") {
    std::fill(subject.values.begin(), subject.values.end(), 1.0F);
  } else if (distribution != "zero") {
    for (float& value : subject.values) value = draw(stream, distribution);
  }
  subject.text =
      grouped(size) + " floats, " + distribution + ", seed " + std::to_string(arguments.seed) + ", as one tensor";
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

Subject make_subject(const CodecArguments& arguments) {
  if (arguments.file.empty()) {
    if (!arguments.minus.empty()) throw UsageError("--minus: has no meaning without --file; give both");
    return drawn_subject(arguments);
  }
  if (arguments.random) throw UsageError("--random: has no meaning beside --file; give one of them");
  if (!arguments.distribution.empty()) throw UsageError("--distribution: has no meaning beside --file; remove it");
  return file_subject(arguments);
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
  return (found != given.end() ? std::string_view(found->second) : other->default_value) == spec.only_with.value;
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

Candidate named_candidate(const CodecArguments& arguments) {
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
    if (find_option(*row, "threshold") != nullptr && !texts.contains("threshold")) {
      const std::size_t k = compared_count(subject);
      const auto bound = std::bit_cast<float>(kernels::kth_magnitude(subject.values, k).threshold);
      std::array<char, 32> digits{};
      std::snprintf(digits.data(), digits.size(), "%.9g", static_cast<double>(bound));
      texts["threshold"] = digits.data();
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

struct Figures {
  std::optional<double> omega;  // measured; unset for the zero vector
  std::optional<double> proven;
  bool unbiased = false;
  double bytes = 0.0;         // of a message, mean
  double entropy_bits = 0.0;  // that the best code needs, mean
  double encode_seconds = 0.0;
  double decode_seconds = 0.0;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// How many messages are measured: what takes a moment, or what was asked for.
std::uint64_t repetitions_of(const CodecArguments& arguments, const Subject& subject) {
  return arguments.repetitions > 0 ? arguments.repetitions
                                   : std::clamp<std::uint64_t>(10000000 / subject.values.size(), 3, 100);
}

// Messages of fresh operators, to see what they lose, and of a single one, to see how long they take.
Figures measure(const Candidate& candidate, const Subject& subject, const CodecArguments& arguments) {
  const std::uint64_t repetitions = repetitions_of(arguments, subject);
  std::uint64_t draws = repetitions;
  if (arguments.repetitions == 0 && find_option(*candidate.row, "probability") != nullptr) {
    // Most of its messages are empty: cheap to make, and a mean needs many.
    const double wanted = 5.0 * static_cast<double>(repetitions) / candidate.options.number("probability");
    draws = static_cast<std::uint64_t>(std::min(wanted, 1000.0));
  }
  const std::span<const float> v = subject.values;
  const double squares = kernels::squared_norm(v);
  std::vector<float> y(v.size());
  std::vector<std::byte> buffer;
  const auto encode = [&](Compressor& compressor, std::uint64_t repetition) {
    RandomStream random(arguments.seed, "codec message", {repetition});
    const std::size_t size = compressor.prepare(v, random);
    if (buffer.size() < size) buffer.resize(size);
    compressor.write(std::span(buffer).first(size));
    return size;
  };

  Figures figures;
  double lost = 0.0;
  for (std::uint64_t i = 0; i < draws; ++i) {
    const std::unique_ptr<Compressor> compressor = candidate.factory();
    const std::size_t size = encode(*compressor, i);
    figures.bytes += static_cast<double>(size);
    figures.entropy_bits += compressor->information().entropy_bits;
    std::fill(y.begin(), y.end(), 0.0F);
    compressor->decode_add(std::span(buffer).first(size), 1.0F, y);
    lost += kernels::squared_distance(y, v);
    if (i > 0) continue;
    figures.proven = compressor->omega(v);
    figures.unbiased = compressor->unbiased();
  }
  const auto count = static_cast<double>(draws);
  figures.bytes /= count;
  figures.entropy_bits /= count;
  if (squares > 0.0) {
    const double kept = count * squares - lost;
    // Below that it is the rounding of the sums.
    figures.omega = std::fabs(kept) > 1e-12 * lost ? kept / (count * squares) : 0.0;
  }

  const std::unique_ptr<Compressor> compressor = candidate.factory();
  std::vector<double> encoding;
  std::vector<double> decoding;
  encode(*compressor, 0);
  for (std::uint64_t repetition = 0; repetition < repetitions; ++repetition) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const std::size_t size = encode(*compressor, repetition);
    const auto between = Clock::now();
    // Forth and back, so that the sums do not grow.
    compressor->decode_add(std::span(buffer).first(size), repetition % 2 == 0 ? 1.0F : -1.0F, y);
    const auto end = Clock::now();
    encoding.push_back(std::chrono::duration<double>(between - start).count());
    decoding.push_back(std::chrono::duration<double>(end - between).count());
  }
  figures.encode_seconds = median(encoding);
  figures.decode_seconds = median(decoding);
  return figures;
}

std::string optional_text(const std::optional<double>& number) { return number ? significant(*number) : "-"; }

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
Table make_table(const std::vector<Candidate>& candidates, const std::vector<Figures>& rows, std::size_t size,
                 bool all) {
  std::vector<Table::Column> columns = {{"operator", Table::Align::kLeft}, {"omega"}, {"proven"}};
  if (all) columns.insert(columns.end(), {{"unbiased"}, {"bytes"}});
  columns.insert(columns.end(), {{"smaller"}, {"bits"}});
  if (all) columns.push_back({"bound"});
  columns.insert(columns.end(), {{"/bound"}, {"encode"}, {"decode"}});
  Table table(columns);
  const auto d = static_cast<double>(size);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Figures& figures = rows[i];
    std::vector<std::string> cells = {std::string(candidates[i].row->name), optional_text(figures.omega),
                                      optional_text(figures.proven)};
    if (all) {
      cells.emplace_back(figures.unbiased ? "yes" : "no");
      cells.push_back(grouped(static_cast<std::uint64_t>(std::llround(figures.bytes))));
    }
    cells.push_back(significant(4.0 * d / figures.bytes) + "x");
    cells.push_back(significant(8.0 * figures.bytes / d));
    if (all) cells.push_back(significant(figures.entropy_bits / d));
    cells.push_back(figures.entropy_bits > 0.0 ? significant(8.0 * figures.bytes / figures.entropy_bits) : "-");
    cells.push_back(significant(4e-9 * d / figures.encode_seconds));
    cells.push_back(significant(4e-9 * d / figures.decode_seconds));
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
std::string legend(const std::vector<Candidate>& candidates, const std::vector<Figures>& rows, bool all,
                   std::size_t width) {
  std::string text;
  const auto add = [&](const std::string& line) { text += wrapped(line, 0, width); };
  add("omega, proven: 1 - |C(v) - v|^2 / |v|^2, mean over the messages, and a bound of its expectation");
  if (!all) {
    std::string names;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].unbiased) names += (names.empty() ? "" : ", ") + std::string(candidates[i].row->name);
    }
    add("unbiased: " + (names.empty() ? "none of them" : names));
  }
  add("bits, bound: a coordinate; the bound is log2 of the number of sets of so many indices, and the entropy of the "
      "values");
  add("encode, decode: GB of float32 a second, on one thread");
  return text;
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
  if (!arguments.unknown.empty()) {
    const std::string& word = arguments.unknown.front();
    std::vector<std::string_view> known = {"random", "distribution", "file", "minus", "seed", "repetitions"};
    for (const CodecOption& option : codec_options()) known.push_back(option.name);
    const std::string name = word.substr(std::min(word.find_first_not_of('-'), word.size()));
    throw UsageError("codec: '" + word + "' is no option of it nor of an operator" +
                     did_you_mean(name.substr(0, name.find('=')), known, "--") + "; laconic codec --help shows all");
  }
  std::vector<Candidate> candidates;
  // What needs no vector is checked before one is made.
  if (!arguments.compressor.empty()) candidates.push_back(named_candidate(arguments));
  const Subject subject = make_subject(arguments);
  const bool compared = candidates.empty();
  if (compared) candidates = all_candidates(arguments, subject);
  for (Candidate& candidate : candidates) candidate.factory = candidate.row->make(candidate.options, subject.layout);

  console.out << subject.text << "\n" << (compared ? "" : head_text(candidates.front()) + "\n") << std::endl;
  std::vector<Figures> rows;
  for (const Candidate& candidate : candidates) rows.push_back(measure(candidate, subject, arguments));
  const std::size_t d = subject.values.size();
  Table table = make_table(candidates, rows, d, true);
  const bool all = !compared || fits(table, console.width);
  if (!all) table = make_table(candidates, rows, d, false);
  console.out << table.text(console.width) << "\n" << legend(candidates, rows, all, console.width);
  if (compared && !arguments.options.contains("threshold")) {
    for (const Candidate& candidate : candidates) {
      if (find_option(*candidate.row, "threshold") == nullptr) continue;
      const std::string bound = significant(candidate.options.number("threshold"));
      const std::string line = std::string(candidate.row->name) + ": " + bound + ", the smallest of the " +
                               grouped(compared_count(subject)) + " largest magnitudes (1%)";
      console.out << wrapped(line, 0, console.width);
    }
  }
  console.out << std::flush;
  return ExitCode::kDone;
}

}  // namespace laconic
