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

// What `work` gives. Errors of libtorch become a RunError, `what` and their line; ours stay as they are.
template <typename Work>
auto with_torch_errors(const std::string& what, Work&& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const CheckFailed&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw RunError(what + ": " + torch_error_text(error));
  }
}

}  // namespace laconic
