// What libtorch throws, in one line. Internal to the training layer.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "base/error.h"

namespace laconic {

// What went wrong, without the places in libtorch's sources and in a module's that come with it.
std::string torch_error_text(const std::exception& error);

// What `work` gives, or `handle` of the line of an error of libtorch's; ours stay as they are.
template <typename Work, typename Handle>
auto or_torch_error(Work&& work, Handle&& handle) -> decltype(work()) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const CheckFailed&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return handle(torch_error_text(error));
  }
}

// The same with a RunError, `what` and their line.
template <typename Work>
auto with_torch_errors(const std::string& what, Work&& work) {
  return or_torch_error(work, [&](const std::string& text) -> decltype(work()) { throw RunError(what + ": " + text); });
}

}  // namespace laconic
