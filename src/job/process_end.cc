#include "job/process_end.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <iostream>
#include <thread>
#include <utility>

#include "base/error.h"
#include "job/exit_code.h"

namespace laconic {
namespace {

// How long the end waits for who is told why.
constexpr std::chrono::seconds kTelling{1};
// How long a process that could not end by itself leaves others, held up as it was, to say why they end: the first exit
// makes the launcher kill those that are left.
constexpr std::chrono::milliseconds kLastWord{100};

std::atomic<bool> ends_without_library = false;

}  // namespace

ProcessEnd end_saying(NoticeSink sink, std::string name) {
  return [sink = std::move(sink), name = std::move(name)](const std::string& why) {
    const std::string text = name + ": " + why;
    std::promise<void> told;
    // On a thread of its own: who is told may be held up as well, and the end waits for nobody.
    std::thread([&] {
      notify(sink, Severity::kError, text);
      told.set_value();
    }).detach();
    told.get_future().wait_for(kTelling);
    std::this_thread::sleep_for(kLastWord);
    std::_Exit(static_cast<int>(ExitCode::kPeerLost));
  };
}

void end_without_library_at_exit(bool yes) {
  static const int registered = on_exit(
      [](int status, void*) {
        if (!ends_without_library) return;
        // Prints nothing of ours: std::_Exit would lose what the program has printed and nobody has flushed yet. The
        // streams have buffers of their own once std::ios::sync_with_stdio is off.
        std::cout.flush();
        std::clog.flush();
        std::wcout.flush();
        std::wclog.flush();
        std::fflush(nullptr);
        std::_Exit(status);
      },
      nullptr);
  LACONIC_CHECK(registered == 0, "on_exit");
  ends_without_library = yes;
}

}  // namespace laconic
