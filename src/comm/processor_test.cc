#include "comm/processor.h"

#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <stdexcept>
#include <string>

namespace laconic {
namespace {

// Waits for `pending`, and tells when it goes on: after what was posted before, where it was suspended.
Task<void> await(asio::io_context& io, Pending pending, std::string& story) {
  asio::post(io, [&story] { story += ", others"; });
  try {
    co_await pending.done();
    story += ", done";
  } catch (const std::runtime_error& error) {
    story += std::string(", failed: ") + error.what();
  }
}

TEST(InPlaceProcessor, DoesTheWorkWhenItIsSubmittedAndSuspendsNobodyWhoWaits) {
  InPlaceProcessor processor;
  asio::io_context io{1};
  std::string story = "begin";
  Pending pending = processor.submit(Processor::Cost::kFree, [&] { story += ", work"; });
  EXPECT_EQ(story, "begin, work");
  asio::co_spawn(io.get_executor(), await(io, pending, story), asio::detached);
  io.poll();
  EXPECT_EQ(story, "begin, work, done, others");
}

TEST(InPlaceProcessor, HandsTheErrorOfWorkToWhoeverWaitsForIt) {
  InPlaceProcessor processor;
  asio::io_context io{1};
  std::string story = "begin";
  Pending pending = processor.submit(Processor::Cost::kStep, [] { throw std::runtime_error("amiss"); });
  EXPECT_EQ(story, "begin");
  asio::co_spawn(io.get_executor(), await(io, pending, story), asio::detached);
  io.poll();
  EXPECT_EQ(story, "begin, failed: amiss, others");
}

}  // namespace
}  // namespace laconic
