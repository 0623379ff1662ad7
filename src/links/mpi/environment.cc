#include "links/mpi/environment.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "links/mpi/handles.h"

namespace laconic::mpi {
namespace {

std::string one_line(std::string text) {
  text = text.substr(0, text.find('\0'));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string library_name() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int size = 0;
  expect_success(MPI_Get_library_version(text.data(), &size), "MPI_Get_library_version");
  const std::string all(text.data());
  // MPICH's is a page of settings in columns: "MPICH Version:\t4.0.2\n...".
  std::string first = one_line(all.substr(0, all.find('\n')));
  std::ranges::replace(first, '\t', ' ');
  return first;
}

std::string host_name() {
  std::array<char, MPI_MAX_PROCESSOR_NAME> text{};
  int size = 0;
  expect_success(MPI_Get_processor_name(text.data(), &size), "MPI_Get_processor_name");
  return one_line(text.data());
}

void check_launch(const std::optional<Launch>& launch, int size, const std::string& library) {
  if (!launch) return;
  const std::string started =
      std::string(to_text(launch->launcher)) + " started this process as number " + std::to_string(launch->rank);
  if (launch->size && *launch->size != size) {
    throw UsageError(started + " of " + std::to_string(*launch->size) + ", but the MPI library it is built with (" +
                     library + ") sees " + std::to_string(size) +
                     ": it does not belong to this launcher. Start with the launcher of that library (mpirun.openmpi, "
                     "mpiexec.mpich; with srun its --mpi=pmix or --mpi=pmi2), or build for this launcher's MPI "
                     "(cmake -D MPI_CXX_COMPILER=mpicxx.openmpi or mpicxx.mpich)");
  }
  if (!launch->size && launch->rank >= size) {
    throw UsageError(started + ", but the MPI library it is built with (" + library + ") sees " + std::to_string(size) +
                     " in all: it does not belong to this launcher. Start with the launcher of that library");
  }
}

}  // namespace

std::string error_text(int code) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int size = 0;
  if (MPI_Error_string(code, text.data(), &size) != MPI_SUCCESS) return "error " + std::to_string(code);
  return one_line(text.data());
}

void expect_success(int code, std::string_view call) {
  if (code != MPI_SUCCESS) throw RunError(std::string(call) + " failed: " + error_text(code));
}

Environment::Environment(const std::optional<Launch>& launch) : handles_(std::make_unique<Handles>()) {
  int was_started = 0;
  expect_success(MPI_Initialized(&was_started), "MPI_Initialized");
  if (was_started != 0) {
    throw UsageError("this program has started MPI already; leave its start and its end to laconic");
  }
  int threads = MPI_THREAD_SINGLE;
  expect_success(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &threads), "MPI_Init_thread");
  expect_success(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  library_ = library_name();
  if (threads < MPI_THREAD_FUNNELED) {
    throw RunError("the MPI library (" + library_ + ") allows no threads in its processes; use one built for them");
  }
  host_ = host_name();
  expect_success(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
  expect_success(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
  check_launch(launch, size_, library_);
  expect_success(MPI_Comm_dup(MPI_COMM_WORLD, &handles_->comm), "MPI_Comm_dup");
  expect_success(MPI_Comm_set_errhandler(handles_->comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
}

Environment::~Environment() = default;

void Environment::finalize(Seconds limit, const std::function<void()>& late) {
  std::mutex mutex;
  std::condition_variable ended;
  bool has_ended = false;
  // The library wants its end from the thread of its start; so it is the watch that gets a thread of its own.
  std::thread watch([&] {
    std::unique_lock lock(mutex);
    if (!ended.wait_for(lock, std::chrono::duration<double>(limit.value), [&] { return has_ended; })) late();
  });
  MPI_Comm_free(&handles_->comm);
  const int code = MPI_Finalize();
  {
    const std::lock_guard lock(mutex);
    has_ended = true;
  }
  ended.notify_one();
  watch.join();
  if (code != MPI_SUCCESS) throw RunError("MPI_Finalize failed with code " + std::to_string(code));
}

}  // namespace laconic::mpi
