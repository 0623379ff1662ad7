// Whose checkpoint it is: a job told by its text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace laconic {

// A job as its checkpoints know it. Both texts are lines "key = value" under lines "[section]".
struct CheckpointJob {
  // The job with every option: kept, so that the folder alone suffices to go on.
  std::string resolved;
  // Those lines of it that decide the results: a checkpoint belongs to whoever has the same.
  std::string identity;
};

// A text as a manifest names it: told from another by its size and two checksums of different make. They guard against
// a mistake, not against somebody who looks for another text of the same digest.
struct TextDigest {
  std::uint64_t size = 0;
  std::uint64_t fnv1a = 0;  // Fowler, Noll and Vo's hash, the 64-bit variant 1a
  std::uint32_t crc32c = 0;
  friend bool operator==(const TextDigest&, const TextDigest&) = default;
};
TextDigest digest(std::string_view text);

// The first difference between the job of a checkpoint, by its resolved text, and another of a different identity, such
// as "optimizer.learning_rate is 0.1 in the checkpoint and 0.2 in the job". `other`: whose job it is.
std::string first_difference(std::string_view resolved_in_checkpoint, const CheckpointJob& job,
                             std::string_view other = "the checkpoint");

}  // namespace laconic
