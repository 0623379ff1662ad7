// For the tests of this folder: a data set of a few hundred little images that is learnt in a moment, and a job on it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/scratch_folder.h"

namespace laconic::testing {

using TemporaryFolder = ScratchFolder;

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_idx(const std::string& path, const std::vector<std::uint32_t>& sizes,
                      const std::vector<std::uint8_t>& elements) {
  std::string bytes = {0, 0, 8, static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xff);
  }
  bytes.append(elements.begin(), elements.end());
  write_text(path, bytes);
}

// `count` images of 6 x 6 in 10 classes: the class lights three pixels, noise the others.
inline void write_split(const std::string& folder, const std::string& stem, std::uint32_t count, std::uint64_t seed) {
  RandomStream stream(seed, "tiny images");
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::uint8_t>(i % 10);
    labels.push_back(label);
    for (std::uint32_t pixel = 0; pixel < 36; ++pixel) {
      const bool lit = pixel / 3 == label;
      pixels.push_back(static_cast<std::uint8_t>((lit ? 160 : 0) + stream.below(95)));
    }
  }
  write_idx(folder + "/" + stem + "-images-idx3-ubyte", {count, 6, 6}, pixels);
  write_idx(folder + "/" + stem + "-labels-idx1-ubyte", {count}, labels);
}

// Works in another folder while it lives.
class Within {
 public:
  explicit Within(const std::string& folder) : former_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder);
  }
  ~Within() { std::filesystem::current_path(former_); }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;

 private:
  std::filesystem::path former_;
};

inline constexpr std::uint32_t kTrainSamples = 400;

inline void write_tiny_data(const std::string& folder) {
  std::filesystem::create_directories(folder);
  write_split(folder, "train", kTrainSamples, 1);
  write_split(folder, "t10k", 100, 2);
}

// A job named `name` in `root`, whose data (write_tiny_data) are in root/data and whose results go to root/runs.
inline std::string tiny_job_text(const TemporaryFolder& root, const std::string& name, const std::string& strategy) {
  return "[job]\nname = \"" + name + "\"\nsteps = 40\n[data]\ndataset = \"mnist\"\ndir = \"" + root.path("data") +
         "\"\nbatch = 8\n[model]\nname = \"mlp\"\nhidden = 8\n[optimizer]\nname = \"adam\"\nlearning_rate = 0.01\n" +
         "[workers]\ncount = 4\nthreads = 1\n[strategy]\n" + strategy + "\n[evaluation]\nevery = \"10 steps\"\n" +
         "[output]\ndir = \"" + root.path("runs/" + name) + "\"\n";
}

}  // namespace laconic::testing
