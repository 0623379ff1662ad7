// Checkpoints in the memory of a process: all of a run, or, where it is one of several, its own parts.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "comm/crc32c.h"
#include "runtimes/node/checkpoint.h"

namespace laconic::tests {

class KeptCheckpoints final : public CheckpointKeeper {
 public:
  // `has_all`: whether all parts are to be here when a checkpoint becomes complete.
  explicit KeptCheckpoints(bool has_all = true) : has_all_(has_all) {}

  PartRecord save(Step step, std::string_view name, std::span<const std::byte> bytes) override {
    parts_[{step, std::string(name)}] = {bytes.begin(), bytes.end()};
    return {.name = std::string(name), .size = bytes.size(), .crc32c = crc32c(bytes)};
  }
  std::vector<Step> complete(Step step, std::vector<PartRecord> parts) override {
    for (const PartRecord& part : parts) LACONIC_CHECK(!has_all_ || parts_.contains({step, part.name}), part.name);
    complete_.push_back(step);
    return {complete_.rbegin(), complete_.rend()};
  }
  void keep_only(std::span<const Step> kept) override { complete_.assign(kept.rbegin(), kept.rend()); }
  // In the order in which they became complete.
  const std::vector<Step>& complete() const { return complete_; }

  ResumePoint resume(Step step) const {
    return {.step = step, .part = [this, step](std::string_view name) {
              const auto found = parts_.find({step, std::string(name)});
              if (found == parts_.end()) throw DecodeError("no part " + std::string(name));
              return found->second;
            }};
  }

 private:
  bool has_all_;
  std::map<std::pair<Step, std::string>, std::vector<std::byte>> parts_;
  std::vector<Step> complete_;
};

}  // namespace laconic::tests
