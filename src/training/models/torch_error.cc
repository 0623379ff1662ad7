#include "training/models/torch_error.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <string_view>

namespace laconic {

std::string torch_error_text(const std::exception& error) {
  const auto* known = dynamic_cast<const c10::Error*>(&error);
  std::string text = known != nullptr ? known->what_without_backtrace() : error.what();
  text.resize(std::min(text.size(), text.find("Exception raised from ")));
  const auto trim = [&] {
    while (!text.empty() && std::string_view(" \n\r\t").find(text.back()) != std::string_view::npos) text.pop_back();
  };
  trim();
  // An error inside a module comes with its source; what went wrong stands at the end, behind the word for its kind.
  if (const std::size_t source = text.find("Traceback"); source != std::string::npos) {
    const std::size_t kind = text.rfind("\nRuntimeError: ");
    const std::size_t line = kind != std::string::npos ? kind : text.rfind('\n');
    if (line != std::string::npos) text.erase(0, line + 1);
  } else {
    text.resize(std::min(text.size(), text.find('\n')));
  }
  std::ranges::replace(text, '\n', ' ');
  trim();
  return text.empty() ? "no reason is given" : text;
}

}  // namespace laconic
