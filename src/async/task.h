// The coroutine type of every protocol, and the one way to suspend it.
//
// Task<T> is Asio's awaitable on the executor of one io_context: lazy, resumed on the thread that runs the protocol.
// This is the only place that names Asio to the layers above.
#pragma once

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <utility>

namespace laconic {

using TaskExecutor = asio::io_context::executor_type;

template <typename T>
using Task = asio::awaitable<T, TaskExecutor>;

// What resumes a suspended coroutine: call it at most once, on the protocol's thread and from outside every coroutine,
// with a value or an exception. Destroying it without a call unwinds the coroutine.
template <typename T>
class Resume {
 public:
  Resume() = default;
  template <typename Handler>
  explicit Resume(Handler&& handler)
      : target_(std::make_unique<Target<std::decay_t<Handler>>>(std::forward<Handler>(handler))) {}

  explicit operator bool() const { return target_ != nullptr; }
  void operator()(T value) { std::exchange(target_, nullptr)->call(nullptr, std::move(value)); }
  void fail(std::exception_ptr error) { std::exchange(target_, nullptr)->call(std::move(error), T{}); }

 private:
  struct AnyTarget {
    virtual ~AnyTarget() = default;
    virtual void call(std::exception_ptr error, T value) = 0;
  };
  template <typename Handler>
  struct Target final : AnyTarget {
    explicit Target(Handler&& h) : handler(std::move(h)) {}
    void call(std::exception_ptr error, T value) override {
      Handler taken = std::move(handler);
      taken(std::move(error), std::move(value));
    }
    Handler handler;
  };
  std::unique_ptr<AnyTarget> target_;
};

// Suspends the calling coroutine and hands its Resume<T> to `start(resume)`, which stores it. T is default
// constructible.
template <typename T, typename Start>
Task<T> suspend(Start start) {
  const asio::use_awaitable_t<TaskExecutor> token;
  return asio::async_initiate<const asio::use_awaitable_t<TaskExecutor>, void(std::exception_ptr, T)>(
      [start = std::move(start)](auto handler) mutable { start(Resume<T>(std::move(handler))); }, token);
}

}  // namespace laconic
