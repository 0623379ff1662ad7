// A connection that carries bytes, and where connections come from: what a session (links/session) is written on.
//
// TCP with TLS is such a stream, and the simulator's is another (runtimes/sim/memory_streams.h). A stream wakes the
// clock of its process when it may have more to read or room to write, when it opens and when it breaks. One thread
// makes all calls, and each returns at once.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace laconic::node {

// Bytes in the order in which they were written, each way, until the stream breaks: then the last of them may be lost,
// on both sides.
class ByteStream {
 public:
  // Ends it: what was written still leaves where it can.
  virtual ~ByteStream() = default;

  // Takes as many of the first bytes as there is room for, and returns how many. 0 while the stream is being opened.
  virtual std::size_t write(std::span<const std::byte> bytes) = 0;
  // Fills the first part of `into` with what has come, and returns how much that is.
  virtual std::size_t read(std::span<std::byte> into) = 0;
  // Whether it can carry bytes: it has been opened, and neither end has closed it nor the network broken it. What came
  // before that stays to be read.
  virtual bool is_open() const = 0;
  // Whether it carries no more bytes, now and later: nothing is to be read either.
  virtual bool is_over() const = 0;
  // Who is at the other end, as far as the network has proved it: the name in its certificate. Empty where it proves
  // nothing.
  virtual std::string identity() const = 0;
};

// How a process reaches others.
class Streams {
 public:
  virtual ~Streams() = default;
  // Begins to open a stream to another process. It is over, sooner or later, where that cannot be done.
  virtual std::unique_ptr<ByteStream> dial(int process) = 0;
  // A stream that another process has opened; null where there is none that was not taken yet.
  virtual std::unique_ptr<ByteStream> accept() = 0;
};

}  // namespace laconic::node
