// What a job tells beside its results and the errors that it throws: lines for people. `job` prints none of them; who
// runs a job decides where they go.
#pragma once

#include <functional>
#include <string>

namespace laconic {

enum class Severity {
  kWarning,  // something that should not happen and was dealt with
  kError     // why something ends
};

// Takes one line, without its end, on any thread; does not throw. May be empty: then nobody is told.
using NoticeSink = std::function<void(Severity severity, const std::string& text)>;

inline void notify(const NoticeSink& sink, Severity severity, const std::string& text) {
  if (sink) sink(severity, text);
}

}  // namespace laconic
