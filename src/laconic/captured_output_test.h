// For tests of what is printed: everything, whoever of the process writes it.
#pragma once

#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "base/scratch_folder.h"

namespace laconic::testing {

// The standard output and standard error of this process go to a file while it lives. A failed check that is printed
// meanwhile is in it too.
class CapturedOutput {
 public:
  CapturedOutput() {
    std::fflush(nullptr);
    std::FILE* file = std::fopen(path().c_str(), "w");
    if (file == nullptr) return;
    for (std::size_t i = 0; i < kStreams.size(); ++i) {
      saved_[i] = dup(kStreams[i]);
      is_captured_ = dup2(fileno(file), kStreams[i]) >= 0 && saved_[i] >= 0;
    }
    std::fclose(file);
  }
  ~CapturedOutput() { end(); }
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;

  // What was printed until now, after which printing goes where it went before.
  std::string text() {
    end();
    if (!is_captured_) return "could not be captured";
    std::ifstream stream(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  static constexpr std::array<int, 2> kStreams = {STDOUT_FILENO, STDERR_FILENO};

  std::string path() const { return folder_.path("output"); }
  void end() {
    std::fflush(nullptr);
    for (std::size_t i = 0; i < kStreams.size(); ++i) {
      if (saved_[i] < 0) continue;
      dup2(saved_[i], kStreams[i]);
      close(saved_[i]);
      saved_[i] = -1;
    }
  }

  ScratchFolder folder_;
  std::array<int, 2> saved_ = {-1, -1};
  bool is_captured_ = false;
};

}  // namespace laconic::testing
