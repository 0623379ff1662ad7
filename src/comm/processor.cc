#include "comm/processor.h"

#include <exception>
#include <utility>

namespace laconic {
namespace {

class Done final : public Pending::State {
 public:
  explicit Done(std::exception_ptr error) : error_(std::move(error)) {}
  Task<void> wait() override {
    if (error_) std::rethrow_exception(error_);
    co_return;
  }

 private:
  std::exception_ptr error_;
};

}  // namespace

Pending InPlaceProcessor::submit(Cost, std::function<void()> work) {
  std::exception_ptr error;
  try {
    work();
  } catch (...) {
    error = std::current_exception();
  }
  return Pending(std::make_shared<Done>(std::move(error)));
}

}  // namespace laconic
