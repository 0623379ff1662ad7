// Runs the function of a fuzz target on every file of a folder, without libFuzzer: `FOO_fuzz_replay FOLDER`.
//
// Whatever a fuzzer once found lies in that folder and is tried again by every run of the tests, with any compiler.
// Before the files come some inputs that no folder has to hold: nothing at all, every single byte, runs of 0x00 and
// 0xff. A defect shows as the target's own abort, an uncaught exception or a sanitizer's report.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::vector<std::uint8_t>& input) {
  // A copy of exactly that size, so that AddressSanitizer sees a read of one byte too many. Never null, as libFuzzer's.
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[input.size()]);
  std::copy(input.begin(), input.end(), exact.get());
  LLVMFuzzerTestOneInput(exact.get(), input.size());
}

void run_inputs_without_a_file() {
  run({});
  for (int byte = 0; byte < 256; ++byte) run({static_cast<std::uint8_t>(byte)});
  for (std::size_t size = 2; size <= 4096; size *= 2) {
    run(std::vector<std::uint8_t>(size, 0x00));
    run(std::vector<std::uint8_t>(size, 0xff));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  run_inputs_without_a_file();

  const std::filesystem::path folder = argv[1];
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  if (files.empty()) {
    std::fprintf(stderr, "no corpus in %s: run `scripts/fuzz --keep` to grow one\n", folder.c_str());
    return 1;
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    // Named before it is run: the last name printed is the input that broke it.
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
      std::fprintf(stderr, "cannot read %s\n", file.c_str());
      return 1;
    }
    run({std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()});
  }
  return 0;
}
