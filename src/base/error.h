// The errors of laconic; docs/errors.md says which are recoverable.
//
// A caller's bug is a failed LACONIC_CHECK (on in every build). A user's or an environment's fault is an exception of
// this file whose text says what, where and what to do. What is expected on a network is a value, not an exception,
// until a deadline passes.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace laconic {

// Base of all errors that a run may end with. The text is one line without a final stop of the line.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Bad usage, job file or data: nothing was started. Exit code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

// A run that was started and cannot go on (training diverged, a file cannot be written). Exit code 1.
class RunError : public Error {
 public:
  using Error::Error;
};

// A peer did not answer within its deadline, or every node waits for another. Exit code 3.
class PeerLost : public Error {
 public:
  using Error::Error;
};

// The user ended what was under way. Exit code 130.
class Interrupted : public Error {
 public:
  using Error::Error;
};

// Bytes from outside (a frame, a file, a checkpoint) that are not what they claim to be.
class DecodeError : public Error {
 public:
  using Error::Error;
};

// A failed check of a caller's bug: an invariant of the program does not hold.
class CheckFailed : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace detail {
[[noreturn]] void check_failed(const char* file, int line, const char* expression, const std::string& values);
}

// LACONIC_CHECK(condition, "text " << value): on in release builds too; throws CheckFailed with file, line and values.
#define LACONIC_CHECK(condition, values)                                                         \
  do {                                                                                           \
    if (!(condition)) {                                                                          \
      std::ostringstream laconic_check_text;                                                     \
      laconic_check_text << values;                                                              \
      ::laconic::detail::check_failed(__FILE__, __LINE__, #condition, laconic_check_text.str()); \
    }                                                                                            \
  } while (false)

}  // namespace laconic
