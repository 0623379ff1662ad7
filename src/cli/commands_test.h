// For the tests of commands: a folder with a tiny job, and a console whose output is kept.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "job/tiny_job_test.h"

namespace laconic {

inline constexpr const char* kFdaSection = "name = \"fda\"\nthreshold = 0.05";
inline constexpr const char* kSynchronousSection = "name = \"synchronous\"";

class CommandTest : public ::testing::Test {
 protected:
  CommandTest() { testing::write_tiny_data(root_.path("data")); }

  std::string job(const std::string& name, const std::string& strategy = kFdaSection) {
    const std::string path = root_.path(name + ".toml");
    testing::write_text(path, testing::tiny_job_text(root_, name, strategy));
    return path;
  }
  ExitCode run(const std::string& path, const std::vector<std::string>& overrides = {}) {
    return run_command(console_, {.job_file = path, .overrides = overrides, .dry_run = false});
  }
  // What was printed since the last call.
  std::string printed() { return std::exchange(out_, std::ostringstream()).str(); }
  bool exists(const std::string& name) const { return std::filesystem::exists(root_.path(name)); }
  nlohmann::json summary(const std::string& name) const {
    return nlohmann::json::parse(testing::read_text(root_.path("runs/" + name + "/summary.json")));
  }

  testing::TemporaryFolder root_;
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{.out = out_, .err = err_, .interrupted = {}};
};

}  // namespace laconic
