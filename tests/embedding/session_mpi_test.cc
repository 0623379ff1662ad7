// A loop of one's own over four processes, each of which runs the same loops beside it in a simulation of its own.
//
// A program has one run over processes, so CTest starts it once for each test.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <torch/torch.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "laconic/captured_output_test.h"
#include "laconic/session.h"
#include "links/connection.h"

namespace laconic {
namespace {

constexpr int kWorkers = 4;
constexpr std::uint64_t kSteps = 12;

// [strategy], and what belongs to it.
struct Row {
  const char* strategy;
  const char* more;
};
constexpr Row kRows[] = {
    {"all_reduce", ""},
    {"fda", "threshold = 0.05\n"},
    {"periodic", "period = 5\n[compression]\noperator = \"top_k\"\n"},
    {"choco", "[topology]\ngraph = \"ring\"\n[compression]\noperator = \"sign\"\n"},
    {"sparse_push", "[topology]\ngraph = \"directed_ring\"\n[compression]\noperator = \"top_k\"\n"},
};

// A least-squares fit whose data and start are the worker's own; the step is plain arithmetic of ours.
struct Fit {
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor x;
  at::Tensor y;

  explicit Fit(int rank)
      : weight(at::full({3, 5}, 0.1F * static_cast<float>(rank + 1))),
        bias(at::full({3}, -0.2F * static_cast<float>(rank))),
        x(at::linspace(-1.0 - rank, 1.0 + rank, 40, at::kFloat).view({8, 5})),
        y(at::cos(at::linspace(0.0, 3.0 + rank, 24, at::kFloat)).view({8, 3})) {
    weight.set_requires_grad(true);
    bias.set_requires_grad(true);
  }
  std::vector<at::Tensor> parameters() const { return {weight, bias}; }
  void compute_gradients() {
    weight.mutable_grad() = at::Tensor();
    bias.mutable_grad() = at::Tensor();
    (at::addmm(bias, x, weight.t()) - y).square().mean().backward();
  }
  void descend() {
    const at::NoGradGuard no_gradient;
    weight.sub_(weight.grad(), 0.1);
    bias.sub_(bias.grad(), 0.1);
  }
};

// A count that all processes share, in a file named by their launcher's process, their parent: a byte for each.
class SharedCount {
 public:
  explicit SharedCount(const std::string& name)
      : path_(
            (std::filesystem::temp_directory_path() / ("laconic_" + name + "_" + std::to_string(getppid()))).string()),
        file_(open(path_.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600)) {}
  ~SharedCount() { close(file_); }
  SharedCount(const SharedCount&) = delete;
  SharedCount& operator=(const SharedCount&) = delete;

  bool add() const { return write(file_, "+", 1) == 1; }
  // Waits until it is `count`, and takes the file away; false when that has not come within `patience`.
  bool reaches(int count, std::chrono::seconds patience) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    struct stat now = {};
    while (fstat(file_, &now) == 0 && now.st_size < count && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    unlink(path_.c_str());
    return now.st_size == count;
  }

 private:
  const std::string path_;
  const int file_;
};

std::vector<float> train(Fit& fit, Session& session) {
  bool more = true;
  while (more) {
    fit.compute_gradients();
    session.gradient_ready();
    fit.descend();
    more = session.step();
  }
  const at::Tensor flat = at::cat({fit.weight.detach().reshape({-1}), fit.bias.detach()});
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

class OverProcesses : public ::testing::Test {
 protected:
  OverProcesses() {
    // Every process has its own copy of the job.
    job_ = (std::filesystem::temp_directory_path() / ("laconic_loop_" + std::to_string(getpid()) + ".toml")).string();
    torch::set_num_threads(1);
  }
  ~OverProcesses() override { std::filesystem::remove(job_); }

  void write_job(const std::string& strategy, const std::string& more, const std::string& network = "") {
    const std::string text = "[job]\nname = \"loop\"\nseed = 3\nsteps = " + std::to_string(kSteps) +
                             "\n[workers]\ncount = " + std::to_string(kWorkers) + "\n[strategy]\nname = \"" + strategy +
                             "\"\n" + more + "[network]\ndeadline = \"30 s\"\n" + network;
    std::FILE* file = std::fopen(job_.c_str(), "w");
    ASSERT_NE(file, nullptr);
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
  static std::string error_of(const std::function<void()>& part) {
    try {
      part();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "none";
  }

  std::string job_;
};

class EachStrategy : public OverProcesses, public ::testing::WithParamInterface<Row> {};

TEST_P(EachStrategy, GivesTheSameBitsAsInTheSimulator) {
  write_job(GetParam().strategy, GetParam().more);

  Simulation simulation(job_);
  std::vector<std::vector<float>> simulated(kWorkers);
  simulation.run([&](int rank) {
    Fit fit(rank);
    Session session = simulation.join(rank, fit.parameters(), {.samples = static_cast<std::uint64_t>(rank + 1)});
    simulated[static_cast<std::size_t>(rank)] = train(fit, session);
  });

  Cluster cluster(job_);
  ASSERT_EQ(cluster.world_size(), kWorkers);
  const int rank = cluster.rank();
  Fit fit(rank);
  Session session = cluster.join(fit.parameters(), {.samples = static_cast<std::uint64_t>(rank + 1)});
  EXPECT_EQ(session.rank(), rank);
  EXPECT_EQ(train(fit, session), simulated[static_cast<std::size_t>(rank)]);

  const RunSummary summary = session.summary();
  const RunSummary expected = simulation.summary();
  EXPECT_EQ(summary.steps, kSteps);
  EXPECT_EQ(summary.syncs, expected.syncs);
  // Each of the others says to worker 0 that it has come to the last step, that nothing of its is under way, and that
  // it is done; none of that has a payload to speak of.
  constexpr std::uint64_t kReports = 3 * (kWorkers - 1);
  EXPECT_EQ(summary.frames, expected.frames + kReports);
  EXPECT_GT(summary.bytes, expected.bytes);
  EXPECT_LT(summary.bytes, expected.bytes + kReports * 64);
  EXPECT_EQ(summary.trace_hash, 0U);
  EXPECT_GT(summary.seconds, 0.0);
  EXPECT_THROW(session.step(), UsageError);
  EXPECT_NE(error_of([&] { Cluster second(job_); }).find("MPI can be started once only"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Strategies, EachStrategy, ::testing::ValuesIn(kRows),
                         [](const auto& info) { return std::string(info.param.strategy); });

TEST_F(OverProcesses, RefuseWorkersOfOtherModelsInAll) {
  write_job("periodic", "period = 2\n");
  Cluster cluster(job_);
  Fit fit(cluster.rank());
  if (cluster.rank() == 2) fit.bias = at::zeros({4});
  EXPECT_EQ(error_of([&] { cluster.join(fit.parameters()); }),
            "worker 2: its model: parameter 1 is 4, that of worker 0 3; all train one model");
}

TEST_F(OverProcesses, RefuseOtherJobsInAll) {
  const auto launch = links::find_launch();
  ASSERT_TRUE(launch);
  write_job("periodic", launch->rank == 1 ? "period = 3\n" : "period = 2\n");
  const std::string error = error_of([&] { Cluster cluster(job_); });
  EXPECT_EQ(error.find("worker 1: its job is another than worker 0's: strategy.period"), 0U) << error;
}

TEST_F(OverProcesses, KnowOfOneThatLeavesWithoutJoining) {
  write_job("periodic", "period = 2\n");
  std::optional<Cluster> cluster;
  cluster.emplace(job_);
  if (cluster->rank() == 3) {
    cluster.reset();
    return;
  }
  Fit fit(cluster->rank());
  EXPECT_EQ(error_of([&] { cluster->join(fit.parameters()); }),
            "worker 3: its program has left without joining; call join() on its Cluster");
}

TEST_F(OverProcesses, KnowOfOneWhoseLoopThrows) {
  write_job("synchronous", "");
  Cluster cluster(job_);
  Fit fit(cluster.rank());
  std::string error = error_of([&] {
    Session session = cluster.join(fit.parameters());
    for (int step = 0;; ++step) {
      if (cluster.rank() == 1 && step == 3) throw std::runtime_error("the disk is full");
      session.step();
    }
  });
  if (cluster.rank() == 1) {
    EXPECT_EQ(error, "the disk is full");
  } else {
    EXPECT_NE(error.find("worker 1 has left after 3 of 12 steps"), std::string::npos) << error;
  }
}

TEST_F(OverProcesses, NameTheOneThatDoesNotComeBack) {
  write_job("synchronous", "", "");
  Cluster cluster(job_, {"network.deadline=3 s"});
  Fit fit(cluster.rank());
  constexpr std::chrono::seconds kPatience{15};
  const SharedCount others_that_know("know");
  const auto start = std::chrono::steady_clock::now();
  const std::string error = error_of([&] {
    Session session = cluster.join(fit.parameters());
    session.step();
    // It comes back when all others have been told that it has not.
    if (cluster.rank() == 2) {
      EXPECT_TRUE(others_that_know.reaches(kWorkers - 1, kPatience));
      session.step();
    }
    try {
      while (session.step()) {
      }
    } catch (const std::exception&) {
      EXPECT_TRUE(others_that_know.add());
      throw;
    }
  });
  EXPECT_NE(error.find("worker 2"), std::string::npos) << error;
  EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience);
}

TEST_F(OverProcesses, TellTheHandlerOfOneThatLeavesAndPrintNothing) {
  write_job("synchronous", "");
  std::vector<Notice> told;
  Cluster cluster(job_, {}, [&](const Notice& notice) { told.push_back(notice); });
  Fit fit(cluster.rank());
  testing::CapturedOutput printed;
  const std::string error = error_of([&] {
    Session session = cluster.join(fit.parameters());
    for (int step = 0; cluster.rank() != 1 || step < 3; ++step) session.step();
  });
  EXPECT_EQ(printed.text(), "");
  const std::string left =
      "worker 1 has left after 3 of 12 steps; keep its session until step() returns false, or lower job.steps";
  if (cluster.rank() == 1) {
    EXPECT_EQ(error, "none");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told.front().kind, Notice::Kind::kError);
    EXPECT_EQ(told.front().text, left);
  } else {
    EXPECT_NE(error.find(left), std::string::npos) << error;
    EXPECT_TRUE(told.empty()) << told.front().text;
  }
}

// The MPI library does not come back from its start before all processes are there. CTest looks for what the handler
// prints; then the first process to end makes the launcher end all.
TEST_F(OverProcesses, TellTheirHandlersWhyBeforeTheyAreEndedInsideMpi) {
  write_job("synchronous", "");
  const auto launch = links::find_launch();
  ASSERT_TRUE(launch);
  if (launch->rank == 1) {
    std::promise<void> never;
    never.get_future().wait_for(std::chrono::seconds(60));
    FAIL() << "the others have not been ended";
  }
  Cluster cluster(job_, {"network.deadline=2 s"}, [](const Notice& notice) {
    std::printf("told %s: %s\n", notice.kind == Notice::Kind::kError ? "an error" : "a warning", notice.text.c_str());
    std::fflush(stdout);
  });
  FAIL() << "MPI has started without worker 1";
}

// A process whose run has failed leaves without MPI's end, upon which the launcher ends the rest and fails: so the
// processes wait for each other, and the first to leave says that all of them have passed, or not.
bool wait_until_all_have_passed() {
  const SharedCount passed("passed");
  return passed.add() && passed.reaches(kWorkers, std::chrono::seconds(20));
}

}  // namespace
}  // namespace laconic

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const int failures = RUN_ALL_TESTS();
  const int ran = ::testing::UnitTest::GetInstance()->test_to_run_count();
  if (ran != 1) std::fprintf(stderr, "%d tests to run; give --gtest_filter one\n", ran);
  if (failures != 0 || ran != 1) return 1;
  if (laconic::wait_until_all_have_passed()) std::printf("all processes passed\n");
  return 0;
}
