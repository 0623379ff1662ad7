#include "base/supervision.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/error.h"

namespace laconic {
namespace {

class Recorder final : public Supervisor {
 public:
  explicit Recorder(std::size_t patience) : patience_(patience) {}
  bool interrupted() override { return told.size() >= patience_; }
  void progress(const Progress& progress) override { told.push_back(to_text(progress)); }
  std::vector<std::string> told;

 private:
  std::size_t patience_;
};

TEST(Supervision, WorkTellsHowFarItIsUntilItIsGivenUp) {
  Recorder recorder(2);
  const Supervision supervision(recorder);
  report_progress("counting", 1, 9);
  report_progress("counting");
  EXPECT_EQ(recorder.told, (std::vector<std::string>{"counting, 1 of 9", "counting"}));
  try {
    report_progress("counting", 3, 9);
    FAIL() << "it goes on";
  } catch (const Interrupted& end) {
    EXPECT_STREQ(end.what(), "interrupted while counting, 3 of 9");
  }
}

TEST(Supervision, IsOfItsThreadAndOfItsTime) {
  Recorder outer(100);
  const Supervision supervision(outer);
  {
    Recorder inner(100);
    const Supervision nested(inner);
    report_progress("inner");
    EXPECT_EQ(inner.told.size(), 1U);
  }
  std::thread([] { report_progress("elsewhere"); }).join();
  report_progress("outer");
  EXPECT_EQ(outer.told, std::vector<std::string>{"outer"});
}

}  // namespace
}  // namespace laconic
