// Text as tokens: characters or words, numbered by a vocabulary that knows the training text only.
//
//   characters   each byte is a token
//   words        what stands between blanks, tabs and ends of lines, bytes as they are; each line ends with the token
//                "<eos>" (as WikiText's users count: Merity et al. 2017)
//
// Token 0 is "<unk>": whatever the vocabulary does not hold, and in words the word "<unk>" itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "training/data/dataset.h"

namespace laconic {

enum class TokenKind { kCharacters, kWords };

class Vocabulary {
 public:
  // Of the tokens of `text`. Characters are numbered by value; words from the most frequent to the least, those of one
  // frequency in the order of their bytes. `most`: of words only the most - 1 most frequent are held beside "<unk>";
  // 0: all.
  Vocabulary(TokenKind kind, std::string_view text, std::size_t most = 0);

  // "<unk>" included.
  std::size_t size() const { return tokens_.size(); }
  // What `token` < size() stands for; "<unk>" for 0.
  const std::string& word(std::uint32_t token) const { return tokens_[token]; }
  // Of all, in the order of their numbers.
  const std::vector<std::string>& words() const { return tokens_; }
  // The same for vocabularies that number the same tokens alike.
  std::uint64_t fingerprint() const;
  // The tokens of a text.
  std::vector<std::uint32_t> encode(std::string_view text) const;

 private:
  TokenKind kind_;
  std::vector<std::string> tokens_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;  // of the tokens but 0
};

// A text cut into samples of `length` >= 1 predictions: sample i has the tokens from i * length to (i + 1) * length,
// both included, so that the last of one is the first of the next. What is left at the end is not used.
Samples cut_into_samples(std::span<const std::uint32_t> tokens, std::size_t length);

// The keys of [data] for text in several files and for text in one, whose last part is the test split.
std::span<const OptionSpec> text_options_words();
std::span<const OptionSpec> text_options_one_file();
// DatasetRow::open for both.
Dataset open_text(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits);

// The whole of a file, plain or compressed with gzip. Throws UsageError for one that cannot be read or is larger.
inline constexpr std::size_t kLargestText = std::size_t{1} << 30;
std::string read_text(const std::string& path);

}  // namespace laconic
