#include "job/process_end.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <string>

namespace laconic {
namespace {

constexpr int kPeerLost = 3;  // as docs/errors.md says

// What the test's own process would print.
void write_line(const std::string& text) {
  const std::string line = text + "\n";
  EXPECT_EQ(write(STDERR_FILENO, line.data(), line.size()), static_cast<ssize_t>(line.size()));
}

TEST(ProcessEnd, SaysWhyThroughTheSinkAndEndsWithTheCodeOfALostPeer) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const ProcessEnd end = end_saying(
      [](Severity severity, const std::string& text) {
        write_line((severity == Severity::kError ? "error " : "warning ") + text);
      },
      "a, worker 2");
  EXPECT_EXIT(end("worker 0 is gone"), ::testing::ExitedWithCode(kPeerLost), "^error a, worker 2: worker 0 is gone\n$");
}

TEST(ProcessEnd, WithoutASinkSaysNothing) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const ProcessEnd end = end_saying({}, "worker 2");
  EXPECT_EXIT(end("worker 0 is gone"), ::testing::ExitedWithCode(kPeerLost), "^$");
}

TEST(ProcessEnd, ComesThoughTheSinkIsHeldUp) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const ProcessEnd end = end_saying(
      [](Severity, const std::string& text) {
        write_line(text);
        std::promise<void> never;
        never.get_future().wait();
      },
      "worker 2");
  EXPECT_EXIT(end("gone"), ::testing::ExitedWithCode(kPeerLost), "^worker 2: gone\n$");
}

}  // namespace
}  // namespace laconic
