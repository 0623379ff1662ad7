// Whether another process has ended, as this machine knows it.
#include "runtimes/process/peers.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace laconic::process {
namespace {

// A process that has told who it is and lives until it is killed.
class Child {
 public:
  Child() {
    std::array<int, 2> pipe_ends{};
    EXPECT_EQ(pipe(pipe_ends.data()), 0);
    number_ = fork();
    if (number_ == 0) {
      const std::string self = MachineHost().self();
      if (write(pipe_ends[1], self.data(), self.size()) < 0) _exit(1);
      close(pipe_ends[1]);
      for (;;) pause();
    }
    close(pipe_ends[1]);
    std::array<char, 256> buffer{};
    for (ssize_t size = 0; (size = read(pipe_ends[0], buffer.data(), buffer.size())) > 0;) {
      told_.append(buffer.data(), static_cast<std::size_t>(size));
    }
    close(pipe_ends[0]);
  }
  ~Child() { bury(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  const std::string& told() const { return told_; }
  // Ends it, and leaves it for its parent to notice.
  void kill_it() {
    siginfo_t info{};
    ASSERT_EQ(kill(number_, SIGKILL), 0);
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(number_), &info, WEXITED | WNOWAIT), 0);
  }
  void bury() {
    if (number_ <= 0) return;
    kill(number_, SIGKILL);
    waitpid(number_, nullptr, 0);
    number_ = 0;
  }

 private:
  pid_t number_ = 0;
  std::string told_;
};

TEST(Peers, OneThatRunsIsThereAndOneThatHasEndedIsGoneBeforeItsParentHasNoticedAndAfter) {
  Child one;
  Child other;
  const MachineHost host;
  const Peers peers(host, {MachineHost().self(), one.told(), other.told()}, 0);
  EXPECT_EQ(peers.gone(), "");
  other.kill_it();
  EXPECT_FALSE(peers.is_gone(1));
  EXPECT_TRUE(peers.is_gone(2));
  EXPECT_EQ(peers.gone(), "worker 2");
  other.bury();
  one.kill_it();
  EXPECT_EQ(peers.gone(), "worker 1, worker 2");
}

TEST(Peers, OneThatIsStoppedIsThere) {
  Child one;
  const MachineHost host;
  const Peers peers(host, {MachineHost().self(), one.told()}, 0);
  const pid_t number = static_cast<pid_t>(std::atoi(one.told().substr(one.told().find('\n') + 1).c_str()));
  ASSERT_GT(number, 0);
  ASSERT_EQ(kill(number, SIGSTOP), 0);
  EXPECT_FALSE(peers.is_gone(1));
}

TEST(Peers, OfAnotherMachineOrWithoutANumberNothingIsKnown) {
  const std::string self = MachineHost().self();
  const std::string place = self.substr(0, self.find('\n') + 1);
  const MachineHost host;
  const Peers peers(host, {self, "elsewhere pid:[1]\n999999999", place + "12x", place, "", "\n1"}, 0);
  EXPECT_EQ(peers.gone(), "");
  for (int process = -1; process < 8; ++process) EXPECT_FALSE(peers.is_gone(process)) << process;
  EXPECT_TRUE(Peers(host, {self, place + "999999999"}, 0).is_gone(1)) << "no process can have that number";
  EXPECT_EQ(Peers(host, {}, 0).gone(), "");
}

}  // namespace
}  // namespace laconic::process
