#include "runtimes/process/host.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

namespace laconic::process {
namespace {

// Process numbers mean something on one machine, within one boot of it, and one namespace of process numbers.
std::string place() {
  std::ifstream boot("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(boot, id);
  std::error_code error;
  return id + " " + std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
}

// One that has ended and waits for its parent to notice is a zombie.
bool is_no_more(const std::string& number) {
  std::ifstream file("/proc/" + number + "/stat");
  std::string line;
  if (!std::getline(file, line)) return true;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= line.size()) return false;
  const char state = line[name_end + 2];
  return state == 'Z' || state == 'X';
}

// Vectors of so many elements take a thread's hop as long as the arithmetic on them, more or less.
constexpr std::size_t kInlineLimit = std::size_t{4} << 20;

}  // namespace

std::unique_ptr<PolledProcessor> MachineHost::processor(const RunOptions& options, std::size_t dimension) {
  return std::make_unique<ThreadedProcessor>(options.compute_threads, options.prepare_thread, clock_,
                                             dimension <= kInlineLimit);
}

std::unique_ptr<PolledProcessor> MachineHost::processor_of_sums(std::size_t dimension) {
  return std::make_unique<ThreadedProcessor>(1, std::function<void()>{}, clock_, dimension <= kInlineLimit);
}

std::string MachineHost::self() const { return place() + "\n" + std::to_string(getpid()); }

bool MachineHost::has_ended(const std::string& own, const std::string& other) const {
  const std::size_t end = own.find('\n');
  if (end == std::string::npos || other.compare(0, end + 1, own, 0, end + 1) != 0) return false;
  const std::string number = other.substr(end + 1);
  if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) return false;
  return is_no_more(number);
}

}  // namespace laconic::process
