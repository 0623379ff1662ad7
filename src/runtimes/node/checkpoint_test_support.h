// What the tests of checkpoints share: a folder that goes away, and a job whose state is a function of the step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/scratch_folder.h"
#include "runtimes/node/checkpoint_store.h"

namespace laconic {

using TemporaryFolder = ScratchFolder;

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline const CheckpointJob kExampleJob{
    .resolved = "[job]\nname = \"example\"\nseed = 1\n\n[optimizer]\nname = \"sgd\"\nlearning_rate = 0.1\n",
    .identity = "[job]\nseed = 1\n\n[optimizer]\nname = \"sgd\"\nlearning_rate = 0.1\n"};

inline CheckpointStoreOptions example_options(std::string folder) {
  return {.folder = std::move(folder), .program = "1.2.3", .completes = true};
}

// The state of a process at a step: no two of them are the same.
inline std::vector<std::byte> state_at(Step step, std::string_view name, std::size_t size) {
  std::vector<std::byte> state(size);
  std::uint64_t value = step.value * 0x9e3779b97f4a7c15ULL + name.size();
  for (std::byte& byte : state) {
    value = value * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<std::byte>(value >> 56);
  }
  return state;
}

// Two processes of different sizes.
inline constexpr std::size_t kWorkerStateSize = 30'000;
inline constexpr std::size_t kCoordinatorStateSize = 100;

inline std::vector<Step> save_example(CheckpointStore& store, Step step) {
  std::vector<PartRecord> parts;
  parts.push_back(store.write_part(step, "worker-0", state_at(step, "worker-0", kWorkerStateSize)));
  parts.push_back(store.write_part(step, "coordinator", state_at(step, "coordinator", kCoordinatorStateSize)));
  return store.complete(step, kExampleJob, std::move(parts));
}

// Whether all that save_example() wrote is there. Throws what the store throws.
inline bool holds_example(const CheckpointStore& store, const CheckpointManifest& manifest) {
  store.expect_job(manifest, kExampleJob);
  return store.read_part(manifest, "worker-0") == state_at(manifest.step, "worker-0", kWorkerStateSize) &&
         store.read_part(manifest, "coordinator") == state_at(manifest.step, "coordinator", kCoordinatorStateSize) &&
         store.read_part(manifest, kJobPart) == bytes_of(kExampleJob.resolved);
}

}  // namespace laconic
