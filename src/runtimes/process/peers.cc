#include "runtimes/process/peers.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace laconic::mpi {
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
bool has_ended(const std::string& number) {
  std::ifstream file("/proc/" + number + "/stat");
  std::string line;
  if (!std::getline(file, line)) return true;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= line.size()) return false;
  const char state = line[name_end + 2];
  return state == 'Z' || state == 'X';
}

}  // namespace

std::string Peers::self() { return place() + "\n" + std::to_string(getpid()); }

bool Peers::is_gone(int process) const {
  const auto index = static_cast<std::size_t>(process);
  if (index >= told_.size()) return false;
  const std::string& own = told_[static_cast<std::size_t>(rank_)];
  const std::string& other = told_[index];
  const std::size_t end = own.find('\n');
  if (end == std::string::npos || other.compare(0, end + 1, own, 0, end + 1) != 0) return false;
  const std::string number = other.substr(end + 1);
  if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) return false;
  return has_ended(number);
}

std::string Peers::gone() const {
  std::string text;
  for (int process = 0; process < static_cast<int>(told_.size()); ++process) {
    if (process == rank_ || !is_gone(process)) continue;
    text += (text.empty() ? "worker " : ", worker ") + std::to_string(process);
  }
  return text;
}

}  // namespace laconic::mpi
