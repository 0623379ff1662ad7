#include "processes.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "harness.h"

namespace laconic::bench {
namespace {

namespace fs = std::filesystem;

// Between two looks at whether the processes have ended.
constexpr auto kLook = std::chrono::milliseconds(20);
constexpr double kToolSeconds = 60.0;

volatile std::sig_atomic_t interrupted = 0;
void note_interruption(int) { interrupted = 1; }

[[noreturn]] void become(const Command& command) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto redirect = [](const std::string& file, int descriptor) {
    const char* path = file.empty() ? "/dev/null" : file.c_str();
    const int opened = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (opened >= 0) dup2(opened, descriptor);
  };
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  redirect(command.output, STDOUT_FILENO);
  redirect(command.errors, STDERR_FILENO);
  for (const auto& [name, value] : command.environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  const std::string complaint = command.words[0] + ": " + std::strerror(errno) + "\n";
  if (write(STDERR_FILENO, complaint.data(), complaint.size()) < 0) _exit(126);
  _exit(127);
}

// Children of this process, those among them whose parents have died (it is their subreaper).
std::vector<pid_t> children() {
  std::vector<pid_t> found;
  std::ifstream file("/proc/thread-self/children");
  for (pid_t child = 0; file >> child;) found.push_back(child);
  return found;
}

}  // namespace

Processes::Processes() {
  // What a killed program leaves behind becomes a child of this process, and so can be killed too.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throw std::runtime_error("prctl(PR_SET_CHILD_SUBREAPER) failed");
  // The benchmark then ends through its destructors. What it starts has the signals' usual ways: exec resets them.
  struct sigaction action = {};
  action.sa_handler = note_interruption;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

Processes::~Processes() { kill(); }

void Processes::start(const Command& command) {
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error(command.words.at(0) + ": no further process: " + std::strerror(errno));
  if (child == 0) become(command);
  running_.push_back(child);
}

bool Processes::wait(double seconds) {
  double deadline = now() + seconds;
  bool fine = status_ == 0;
  for (;;) {
    if (interrupted != 0) throw std::runtime_error("interrupted");
    reap();
    if (running_.empty()) return true;
    if (fine && status_ != 0) deadline = std::min(deadline, now() + kGrace);
    fine = status_ == 0;
    if (now() >= deadline) return false;
    std::this_thread::sleep_for(kLook);
  }
}

void Processes::interrupt() {
  for (const pid_t child : running_) ::kill(child, SIGINT);
}

void Processes::kill() {
  // Each round takes a generation: the children of those killed become ours.
  for (std::vector<pid_t> all = children(); !all.empty(); all = children()) {
    for (const pid_t child : all) {
      ::kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  }
  running_.clear();
}

void Processes::reap() {
  std::erase_if(running_, [this](pid_t child) {
    int how = 0;
    if (waitpid(child, &how, WNOHANG) != child) return false;
    const int status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    if (status_ == 0) status_ = status;
    return true;
  });
}

void run_tool(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  const std::string errors = (fs::temp_directory_path() / ("bench_tool." + std::to_string(getpid()))).string();
  Processes processes;
  processes.start({.words = words, .environment = {}, .output = errors, .errors = errors});
  const bool ended = processes.wait(kToolSeconds);
  std::ostringstream text;
  text << std::ifstream(errors).rdbuf();
  fs::remove(errors);
  if (!ended) throw std::runtime_error(line + ": has not ended within a minute");
  if (processes.status() != 0) throw std::runtime_error(line + ": " + text.str());
}

bool is_installed(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((fs::path(folder) / program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace laconic::bench
