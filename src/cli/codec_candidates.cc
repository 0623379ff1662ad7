#include "cli/codec_candidates.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstdio>
#include <iterator>
#include <map>

#include "base/error.h"
#include "base/spelling.h"
#include "kernels/select.h"

namespace laconic {
namespace {

// Where `threshold` is compared with the others it is set to keep this part, as the sparsifiers' default does.
constexpr double kComparedRatio = 0.01;

// Whether the option has a meaning beside the others that are given, or else their defaults.
bool has_meaning(const CompressorRow& row, const OptionSpec& spec, const std::map<std::string, std::string>& given) {
  if (spec.only_with.option.empty()) return true;
  const auto found = given.find(std::string(spec.only_with.option));
  const OptionSpec* other = find_option(row, spec.only_with.option);
  return spec.only_with.holds(found != given.end() ? std::string_view(found->second) : other->default_value);
}

Options resolve(const CompressorRow& row, const std::map<std::string, std::string>& texts) {
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : texts) given[name] = {.text = text, .where = "--" + name};
  Options options(row.name, row.options, given);
  if (const OptionSpec* scheduled = options.scheduled()) {
    throw UsageError("--" + std::string(scheduled->name) +
                     ": there are no steps here over which it could change; give one number");
  }
  return options;
}

// The operator that was meant by a name in capitals or with hyphens, or nothing.
const CompressorRow* similar_compressor(std::string name) {
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const CompressorRow* row : compressors()) {
    if (row->name == name) return row;
  }
  return nullptr;
}

}  // namespace

const OptionSpec* find_option(const CompressorRow& row, std::string_view name) {
  for (const OptionSpec& spec : row.options) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

CodecCandidate named_candidate(const CodecArguments& arguments) {
  if (const CompressorRow* meant = similar_compressor(arguments.compressor);
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
                     (known.empty() ? ", it has none" : "; it has " + listed(known)) + did_you_mean(name, known, "--"));
  }
  return {.row = &row, .options = resolve(row, arguments.options), .factory = {}};
}

std::size_t compared_count(std::size_t size) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(kComparedRatio * static_cast<double>(size)));
}

std::vector<CodecCandidate> all_candidates(const CodecArguments& arguments, std::span<const float> values) {
  std::vector<CodecCandidate> candidates;
  for (const CompressorRow* row : compressors()) {
    std::map<std::string, std::string> texts;
    for (const auto& [name, text] : arguments.options) {
      const OptionSpec* spec = find_option(*row, name);
      if (spec != nullptr && has_meaning(*row, *spec, arguments.options)) texts[name] = text;
    }
    const std::string bounded(row->magnitude_option);
    if (!bounded.empty() && !texts.contains(bounded)) {
      const std::size_t k = compared_count(values.size());
      const auto bound = std::bit_cast<float>(kernels::kth_magnitude(values, k).threshold);
      std::array<char, 32> digits{};
      std::snprintf(digits.data(), digits.size(), "%.9g", static_cast<double>(bound));
      texts[bounded] = digits.data();
    }
    candidates.push_back({.row = row, .options = resolve(*row, texts), .factory = {}});
  }
  for (const auto& [name, text] : arguments.options) {
    const auto takes = [&](const CodecCandidate& candidate) {
      return find_option(*candidate.row, name) != nullptr && candidate.options.given(name);
    };
    if (std::none_of(candidates.begin(), candidates.end(), takes)) {
      throw UsageError("--" + name + ": no operator takes it with these options; laconic list compressors shows which");
    }
  }
  return candidates;
}

std::string unknown_text(const CodecArguments& arguments) {
  const std::string& word = arguments.unknown.front();
  if (!word.starts_with('-') && !arguments.compressor.empty()) {
    std::string text = "codec: '" + word + "' beside '" + arguments.compressor +
                       "': give one operator to measure it, none to compare all";
    const CompressorRow* row = similar_compressor(arguments.compressor);
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

}  // namespace laconic
