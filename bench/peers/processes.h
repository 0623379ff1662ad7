// Programs that a benchmark starts beside each other. Every wait has a deadline, and none outlives the benchmark, nor
// does what they start in turn.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace laconic::bench {

struct Command {
  std::vector<std::string> words;                  // the program, looked for in PATH, and its arguments
  std::map<std::string, std::string> environment;  // on top of the benchmark's own
  std::string output;                              // the file that takes standard output; empty: nobody
  std::string errors;                              // the same for standard error
};

// One at a time, and no other child processes beside it: what is killed is every child of this process. One thread.
class Processes {
 public:
  Processes();
  // Kills what still runs.
  ~Processes();
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  // Throws std::runtime_error when there can be no further process. A program that cannot be started has ended, with
  // exit status 127.
  void start(const Command& command);

  // Waits until all have ended, but not for more than `seconds`, nor for more than kGrace after one of them failed: its
  // peers then wait for it in vain. Whether all have ended. Throws std::runtime_error when this process has got SIGINT
  // or SIGTERM since there was a Processes.
  bool wait(double seconds);
  // SIGINT to all that run: whoever can ends in order, within a wait().
  void interrupt();
  void kill();

  // Of those that have ended: the first exit status that is not 0, 128 + the signal where it was one; 0: none.
  int status() const { return status_; }

  static constexpr double kGrace = 10.0;

 private:
  void reap();
  std::vector<pid_t> running_;
  int status_ = 0;
};

// Runs one program to its end, for a minute at most. Throws std::runtime_error with its words when it fails.
void run_tool(const std::vector<std::string>& words);

// Whether a program of this name is in PATH.
bool is_installed(const std::string& program);

}  // namespace laconic::bench
