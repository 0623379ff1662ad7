#include "laconic/notice_handler.h"

#include <memory>
#include <mutex>
#include <utility>

namespace laconic {

NoticeSink sink_of(NoticeHandler handler) {
  if (!handler) return {};
  return [handler = std::move(handler), one_at_a_time = std::make_shared<std::mutex>()](Severity severity,
                                                                                        const std::string& text) {
    const Notice notice{.kind = severity == Severity::kError ? Notice::Kind::kError : Notice::Kind::kWarning,
                        .text = text};
    const std::lock_guard lock(*one_at_a_time);
    try {
      handler(notice);
    } catch (...) {
      // The run goes on: a line that cannot be shown is no reason to lose it.
    }
  };
}

}  // namespace laconic
