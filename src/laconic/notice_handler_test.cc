#include "laconic/notice_handler.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "laconic/captured_output_test.h"
#include "laconic/loops_test.h"
#include "laconic/session.h"

namespace laconic {
namespace {

using testing::CapturedOutput;
using testing::Loops;
using testing::Toy;

TEST(SinkOf, TellsTheHandlerTheKindAndTheLine) {
  std::vector<Notice> told;
  const NoticeSink sink = sink_of([&](const Notice& notice) { told.push_back(notice); });
  sink(Severity::kWarning, "a: slow");
  sink(Severity::kError, "b: gone");
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].kind, Notice::Kind::kWarning);
  EXPECT_EQ(told[0].text, "a: slow");
  EXPECT_EQ(told[1].kind, Notice::Kind::kError);
  EXPECT_EQ(told[1].text, "b: gone");
}

TEST(SinkOf, CallsTheHandlerOnceAtATimeFromAnyThread) {
  int calls = 0;  // not atomic: whoever counts is alone
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  const NoticeSink sink = sink_of([&](const Notice&) {
    const int now = ++inside;
    if (now > most) most = now;
    ++calls;
    std::this_thread::yield();
    --inside;
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 500; ++k) sink(Severity::kWarning, "x");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, 2000);
  EXPECT_EQ(most.load(), 1);
}

TEST(SinkOf, LosesWhatTheHandlerThrowsAndGoesOn) {
  int calls = 0;
  const NoticeSink sink = sink_of([&](const Notice&) {
    ++calls;
    throw std::runtime_error("no room");
  });
  EXPECT_NO_THROW(sink(Severity::kWarning, "x"));
  EXPECT_NO_THROW(sink(Severity::kWarning, "y"));
  EXPECT_EQ(calls, 2);
}

TEST(SinkOf, NobodyIsNobody) { EXPECT_FALSE(sink_of({})); }

// Plain push-sum on a network that loses half of its messages: soon there is no weight left, of which it warns.
class ARunThatWarns : public Loops {
 protected:
  void run(const NoticeHandler& on_notice) {
    const std::string job = file("sgp",
                                 "order = \"asynchronous\"\naccount = false\n[topology]\ngraph = \"exponential\"\n"
                                 "[network]\nloss = 0.5\n",
                                 4);
    Simulation simulation(job, {"job.steps=200"}, on_notice);
    simulation.run([&](int rank) {
      Toy toy;
      Session session = simulation.join(rank, toy.tensors);
      while (session.step()) {
      }
    });
    EXPECT_EQ(simulation.summary().steps, 200U);
  }
};

TEST_F(ARunThatWarns, TellsItsHandlerAndPrintsNothing) {
  std::vector<Notice> told;
  CapturedOutput printed;
  run([&](const Notice& notice) { told.push_back(notice); });
  EXPECT_EQ(printed.text(), "");
  ASSERT_FALSE(told.empty());
  for (const Notice& notice : told) {
    EXPECT_EQ(notice.kind, Notice::Kind::kWarning);
    EXPECT_EQ(notice.text.find("own: the push-sum weight of worker "), 0U) << notice.text;
    EXPECT_EQ(notice.text.find('\n'), std::string::npos) << notice.text;
  }
}

TEST_F(ARunThatWarns, WithoutAHandlerPrintsNothing) {
  CapturedOutput printed;
  run({});
  EXPECT_EQ(printed.text(), "");
}

TEST_F(ARunThatWarns, GoesOnWhereItsHandlerThrows) {
  std::atomic<int> calls = 0;
  run([&](const Notice&) {
    ++calls;
    throw std::runtime_error("no room");
  });
  EXPECT_GT(calls.load(), 0);
}

TEST(CapturedOutput, HoldsWhatIsWrittenAtEitherStream) {
  CapturedOutput captured;
  ASSERT_EQ(write(STDOUT_FILENO, "out ", 4), 4);
  ASSERT_EQ(write(STDERR_FILENO, "err", 3), 3);
  EXPECT_EQ(captured.text(), "out err");
}

}  // namespace
}  // namespace laconic
