#include "training/data/data_files.h"

#include <filesystem>

#include "base/error.h"

namespace laconic {

std::string find_data_file(const DatasetRow& row, const std::string& directory, std::string_view name) {
  const std::filesystem::path plain = std::filesystem::path(directory) / name;
  const std::filesystem::path compressed = plain.string() + ".gz";
  std::error_code ignored;
  if (std::filesystem::is_regular_file(compressed, ignored)) return compressed.string();
  if (std::filesystem::is_regular_file(plain, ignored)) return plain.string();
  if (name.empty()) {
    throw UsageError(directory + ": data set " + std::string(row.name) +
                     " is given an empty name of a file; name the file in [data]");
  }
  if (!std::filesystem::is_directory(directory, ignored) && row.default_directory != directory) {
    throw UsageError(directory + ": no such folder, in which " + std::string(name) + " should be; check data.dir");
  }
  const bool in_package = !row.package.empty() && directory == row.default_directory;
  throw UsageError(plain.string() + ": no such file; " +
                   (in_package
                        ? "install it: apt-get install " + std::string(row.package)
                        : "data set " + std::string(row.name) + " needs it (or with .gz behind): check data.dir"));
}

bool names_rank(std::string_view directory) {
  bool named = false;
  for (std::size_t at = 0; (at = directory.find_first_of("{}", at)) != std::string_view::npos; at += kRankWord.size()) {
    if (!directory.substr(at).starts_with(kRankWord)) {
      throw UsageError("data.dir: '" + std::string(directory) + "': the brace at character " + std::to_string(at + 1) +
                       " is not of {rank}, the only word that is filled in; correct it, or rename the folder");
    }
    named = true;
  }
  return named;
}

std::string directory_of(std::string_view directory, Rank rank) {
  return filled_in(directory, kRankWord, std::to_string(rank.value));
}

std::string filled_in(std::string_view text, std::string_view word, std::string_view value) {
  std::string filled(text);
  for (std::size_t at = 0; (at = filled.find(word, at)) != std::string::npos; at += value.size()) {
    filled.replace(at, word.size(), value);
  }
  return filled;
}

}  // namespace laconic
