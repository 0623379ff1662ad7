// Work that takes long tells how far it is, and is given up once nobody wants it any more.
//
//   const Supervision supervision(supervisor);           // who starts it, on the thread that does it
//   report_progress("reading images", i, images.size())  // who does it, several times a second
//
// The supervisor is the thread's and no argument: what takes long lies below formats, data sets and models, which know
// nothing of runs, and a dozen signatures would carry what none of them uses. It decides no result: work is done as a
// whole, or ends with Interrupted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace laconic {

struct Progress {
  std::string_view what;    // "reading images"
  std::uint64_t done = 0;   // pieces of it
  std::uint64_t total = 0;  // 0: not known
};
// "reading images, 1200 of 4000"; "reading rows, 1200 so far" where the total is not known.
std::string to_text(const Progress& progress);

class Supervisor {
 public:
  virtual ~Supervisor() = default;
  // Both are called by the thread that works, often. Whether the work shall be given up:
  virtual bool interrupted() = 0;
  virtual void progress(const Progress& progress) = 0;
};

// While it lives, work of this thread is supervised by `supervisor`, which outlives it, instead of who did before.
class Supervision {
 public:
  explicit Supervision(Supervisor& supervisor);
  ~Supervision();
  Supervision(const Supervision&) = delete;
  Supervision& operator=(const Supervision&) = delete;

 private:
  Supervisor* former_;
};

// Throws Interrupted, "interrupted while reading images, 1200 of 4000", when the work shall be given up. Costs next to
// nothing on a thread that nobody supervises.
void report_progress(std::string_view what, std::uint64_t done = 0, std::uint64_t total = 0);

}  // namespace laconic
