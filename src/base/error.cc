#include "base/error.h"

namespace laconic::detail {

void check_failed(const char* file, int line, const char* expression, const std::string& values) {
  std::ostringstream text;
  text << file << ':' << line << ": check failed: " << expression << " (" << values << "); please report this";
  throw CheckFailed(text.str());
}

}  // namespace laconic::detail
