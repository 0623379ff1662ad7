#include "training/data/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "training/data/data_files.h"
#include "training/data/fingerprint.h"
#include "training/formats/input_file.h"

namespace laconic {
namespace {

constexpr std::string_view kUnknown = "<unk>";
constexpr std::string_view kEndOfLine = "<eos>";
// A score for each token of the vocabulary is a row of the model.
constexpr std::size_t kLargestVocabulary = 1'000'000;

// Calls `take` with each word of a text.
template <typename Take>
void for_each_word(std::string_view text, Take&& take) {
  constexpr std::string_view kBlanks = " \t\r\v\f";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (true) {
      line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
      if (line.empty()) break;
      const std::size_t length = std::min(line.find_first_of(kBlanks), line.size());
      take(line.substr(0, length));
      line.remove_prefix(length);
    }
    take(kEndOfLine);
  }
}

// The words of a text but "<unk>", in the order of their numbers.
std::vector<std::string> ranked_words(std::string_view text) {
  std::unordered_map<std::string_view, std::uint64_t> counts;
  for_each_word(text, [&](std::string_view word) { ++counts[word]; });
  counts.erase(kUnknown);
  std::vector<std::pair<std::string_view, std::uint64_t>> ranked(counts.begin(), counts.end());
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::vector<std::string> words;
  words.reserve(ranked.size());
  for (const auto& [word, count] : ranked) words.emplace_back(word);
  return words;
}

std::vector<std::string> characters_of(std::string_view text) {
  std::array<bool, 256> seen{};
  for (const char c : text) seen[static_cast<unsigned char>(c)] = true;
  std::vector<std::string> characters;
  for (int value = 0; value < 256; ++value) {
    if (seen[static_cast<std::size_t>(value)]) characters.emplace_back(1, static_cast<char>(value));
  }
  return characters;
}

OptionSpec tokens_option(std::string_view default_value) {
  return {.name = "tokens",
          .type = OptionType::kChoice,
          .default_value = default_value,
          .choices = {"characters", "words"},
          .help = "unit that the model reads and predicts"};
}

OptionSpec sequence_option(std::string_view default_value) {
  return {.name = "sequence",
          .type = OptionType::kInteger,
          .default_value = default_value,
          .minimum = 1,
          .maximum = 65536,
          .help = "tokens predicted per sample; each sample starts without memory"};
}

OptionSpec vocabulary_option() {
  return {
      .name = "vocabulary",
      .type = OptionType::kInteger,
      .default_value = "0",
      .minimum = 0,
      .maximum = static_cast<double>(kLargestVocabulary),
      .only_with = {"tokens", "words"},
      .help = "size of the vocabulary of most frequent words, including \"<unk>\"; 0: all words of the training text"};
}

}  // namespace

Vocabulary::Vocabulary(TokenKind kind, std::string_view text, std::size_t most)
    : kind_(kind), tokens_{std::string(kUnknown)} {
  std::vector<std::string> known = kind == TokenKind::kWords ? ranked_words(text) : characters_of(text);
  if (kind == TokenKind::kWords && most > 0) known.resize(std::min(known.size(), most - 1));
  for (std::string& token : known) {
    numbers_.emplace(token, static_cast<std::uint32_t>(tokens_.size()));
    tokens_.push_back(std::move(token));
  }
}

std::uint64_t Vocabulary::fingerprint() const { return fingerprint_of_names(tokens_); }

std::vector<std::uint32_t> Vocabulary::encode(std::string_view text) const {
  std::vector<std::uint32_t> tokens;
  const auto number = [&](std::string_view token) {
    const auto found = numbers_.find(token);
    return found == numbers_.end() ? 0U : found->second;
  };
  if (kind_ == TokenKind::kWords) {
    for_each_word(text, [&](std::string_view word) { tokens.push_back(number(word)); });
    return tokens;
  }
  std::array<std::uint32_t, 256> by_value{};
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    by_value[static_cast<std::size_t>(value)] = number(std::string_view(&c, 1));
  }
  tokens.reserve(text.size());
  for (const char c : text) tokens.push_back(by_value[static_cast<unsigned char>(c)]);
  return tokens;
}

Samples cut_into_samples(std::span<const std::uint32_t> tokens, std::size_t length) {
  Samples samples;
  samples.tokens_each = length + 1;
  const std::size_t count = tokens.empty() ? 0 : (tokens.size() - 1) / length;
  samples.tokens.reserve(count * (length + 1));
  for (std::size_t sample = 0; sample < count; ++sample) {
    const auto run = tokens.subspan(sample * length, length + 1);
    samples.tokens.insert(samples.tokens.end(), run.begin(), run.end());
  }
  return samples;
}

std::span<const OptionSpec> text_options_words() {
  static const std::array options = {tokens_option("words"), sequence_option("35"), vocabulary_option()};
  return options;
}

std::span<const OptionSpec> text_options_one_file() {
  static const std::array options = {
      tokens_option("characters"), sequence_option("64"), vocabulary_option(),
      OptionSpec{.name = "test",
                 .type = OptionType::kNumber,
                 .default_value = "0.1",
                 .minimum = 0.001,
                 .maximum = 0.9,
                 .help = "fraction of the text, taken from its end, that is the test split"}};
  return options;
}

std::string read_text(const std::string& path) {
  const std::vector<std::uint8_t> bytes = InputFile(path).read_rest(kLargestText);
  return {bytes.begin(), bytes.end()};
}

Dataset open_text(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) {
  std::string train_path = find_data_file(row, directory, row.train_text);
  std::string test_path = train_path;
  std::string train = read_text(train_path);
  std::string test;
  if (row.test_text.empty()) {
    // Cut at the end of a line where there is one.
    auto cut = static_cast<std::size_t>(static_cast<double>(train.size()) * (1.0 - options.number("test")));
    if (const std::size_t line_end = train.find('\n', cut); line_end != std::string::npos) cut = line_end + 1;
    test = train.substr(cut);
    train.resize(cut);
  } else if (splits == Splits::kAll) {
    test_path = find_data_file(row, directory, row.test_text);
    test = read_text(test_path);
  }

  const TokenKind kind = options.text("tokens") == "words" ? TokenKind::kWords : TokenKind::kCharacters;
  const Vocabulary vocabulary(kind, train,
                              kind == TokenKind::kWords ? static_cast<std::size_t>(options.integer("vocabulary")) : 0);
  if (vocabulary.size() > kLargestVocabulary) {
    throw UsageError(train_path + ": " + std::to_string(vocabulary.size()) +
                     " different words are too many for a model; set data.vocabulary, such as 30000");
  }
  const auto length = static_cast<std::size_t>(options.integer("sequence"));
  const auto split = [&](const std::string& path, std::string_view text) {
    const std::vector<std::uint32_t> tokens = vocabulary.encode(text);
    Samples samples = cut_into_samples(tokens, length);
    if (samples.count() == 0) {
      throw UsageError(
          fmt::format("{}: a split of {} tokens is too short for one sample of data.sequence = {} and the token that "
                      "follows; give a longer text or a shorter sequence",
                      path, tokens.size(), length));
    }
    return samples;
  };
  Dataset dataset;
  dataset.name = row.name;
  dataset.input = Input::kText;
  dataset.classes = static_cast<std::uint32_t>(vocabulary.size());
  dataset.vocabulary = vocabulary.fingerprint();
  dataset.class_names = vocabulary.words();
  dataset.train = split(train_path, train);
  if (splits == Splits::kTraining) return dataset;
  dataset.test = split(test_path, test);
  if (!row.validation_text.empty()) {
    const std::string path = find_data_file(row, directory, row.validation_text);
    dataset.validation = split(path, read_text(path));
  }
  return dataset;
}

}  // namespace laconic
