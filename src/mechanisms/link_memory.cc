#include "mechanisms/link_memory.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "compress/error_feedback.h"
#include "kernels/vector_ops.h"
#include "mechanisms/push_sum.h"

namespace laconic {
namespace {

// A message as floats; by way of `copy` where it does not lie at a float's place, as behind numbers of any length.
std::span<const float> as_floats(std::span<const std::byte> message, std::size_t size, std::vector<float>& copy) {
  if (message.size() != size * sizeof(float)) {
    throw DecodeError("a model of " + std::to_string(message.size()) + " bytes instead of " +
                      std::to_string(size * sizeof(float)));
  }
  if (reinterpret_cast<std::uintptr_t>(message.data()) % alignof(float) == 0) {
    return {reinterpret_cast<const float*>(message.data()), size};
  }
  copy.resize(size);
  std::memcpy(copy.data(), message.data(), message.size());
  return copy;
}

class ExactMemory final : public LinkMemory {
 public:
  std::vector<Frame> encode(std::span<const float> x, std::span<const float>, double, Receivers, RandomStream&,
                            const MakeFrame& make) override {
    const auto bytes = std::as_bytes(x);
    return {make(bytes.size(), [&](std::span<std::byte> out) { std::copy(bytes.begin(), bytes.end(), out.begin()); })};
  }
  void give(Receivers receivers, double gamma, double, std::span<const std::span<const std::byte>> messages,
            std::span<float> x) override {
    kernels::axpy(-given_fraction(receivers, gamma), as_floats(messages.front(), x.size(), copy_), x);
  }
  void take(Rank, std::span<const std::byte> message, double fraction, double, std::span<float> x) override {
    const std::span<const float> model = as_floats(message, x.size(), copy_);
    if (!kernels::all_finite(model)) throw DecodeError("a model with a value that is not finite");
    kernels::axpy(static_cast<float>(fraction), model, x);
  }

 private:
  std::vector<float> copy_;  // scratch
};

class ErrorMemory final : public LinkMemory {
 public:
  ErrorMemory(std::unique_ptr<Compressor> compressor, std::size_t size, bool of_updates)
      : compressor_(std::move(compressor)), feedback_(*compressor_, size), of_updates_(of_updates) {
    if (of_updates) update_.resize(size);
  }

  void begin_step(std::uint64_t step) override { compressor_->begin_step(step); }
  std::uint64_t changes_until() const override { return compressor_->changes_until(); }
  std::vector<Frame> encode(std::span<const float> x, std::span<const float> before, double, Receivers,
                            RandomStream& random, const MakeFrame& make) override {
    if (of_updates_) kernels::subtract(x, before, update_);
    const std::size_t size = feedback_.prepare(of_updates_ ? std::span<const float>(update_) : x, random);
    return {make(size, [&](std::span<std::byte> out) { feedback_.write(out); })};
  }
  void skip_round(std::span<const float> x, std::span<const float> before) override {
    if (of_updates_) feedback_.add_difference(x, before);
  }
  void give(Receivers receivers, double gamma, double, std::span<const std::span<const std::byte>> messages,
            std::span<float> x) override {
    compressor_->decode_add(messages.front(), -given_fraction(receivers, gamma), x);
  }
  void take(Rank, std::span<const std::byte> message, double fraction, double, std::span<float> x) override {
    compressor_->decode_add(message, static_cast<float>(fraction), x);
  }
  void merged(std::span<const float>) override { feedback_.clear(); }
  void sent_uncompressed() override { feedback_.clear(); }
  bool needs_before() const override { return of_updates_; }
  double residual() const override { return std::sqrt(kernels::squared_norm(feedback_.error())); }
  void archive(Archive& archive) override {
    feedback_.archive(archive);
    compressor_->archive(archive);
  }

 private:
  std::unique_ptr<Compressor> compressor_;
  ErrorFeedback feedback_;
  bool of_updates_;
  std::vector<float> update_;  // scratch
};

//   message := chain C(x - xhat)
//   chain   := u32    crc32c over all messages on this link before this one; of none: 0
class DifferenceMemory final : public LinkMemory {
 public:
  DifferenceMemory(std::unique_ptr<Compressor> compressor, std::size_t size, std::span<const float> start,
                   const DifferenceOptions& options)
      : compressor_(std::move(compressor)), options_(options), start_(size, 0.0F), difference_(size) {
    LACONIC_CHECK(start.empty() || start.size() == size, start.size() << " elements for " << size);
    std::copy(start.begin(), start.end(), start_.begin());
  }

  void begin_step(std::uint64_t step) override { compressor_->begin_step(step); }
  std::uint64_t changes_until() const override { return compressor_->changes_until(); }
  std::vector<Frame> encode(std::span<const float> x, std::span<const float>, double weight, Receivers receivers,
                            RandomStream& random, const MakeFrame& make) override {
    std::vector<Frame> frames;
    squared_residual_ = 0.0;
    const float inverse = options_.of_models ? static_cast<float>(1.0 / weight) : 1.0F;
    for (std::size_t i = 0; i < (options_.same_receivers ? 1 : receivers.size()); ++i) {
      const Copy& copy = sent_copy(options_.same_receivers ? Rank{kEveryone} : receivers[i].rank);
      kernels::scaled(inverse, x, difference_);
      kernels::subtract(difference_, copy.values, difference_);
      squared_residual_ = std::max(squared_residual_, kernels::squared_norm(difference_));
      const std::size_t size = compressor_->prepare(difference_, random);
      frames.push_back(make(sizeof copy.chain + size, [&](std::span<std::byte> out) {
        std::memcpy(out.data(), &copy.chain, sizeof copy.chain);
        compressor_->write(out.subspan(sizeof copy.chain));
      }));
    }
    return frames;
  }
  void give(Receivers receivers, double gamma, double weight, std::span<const std::span<const std::byte>> messages,
            std::span<float> x) override {
    if (options_.same_receivers) {
      Copy& copy = sent_copy({kEveryone});
      advance(copy, messages.front());
      kernels::axpy(-given_fraction(receivers, gamma, worth(weight)), copy.values, x);
      return;
    }
    for (std::size_t i = 0; i < receivers.size(); ++i) {
      Copy& copy = sent_copy(receivers[i].rank);
      advance(copy, messages[i]);
      kernels::axpy(-given_fraction(receivers.subspan(i, 1), gamma, worth(weight)), copy.values, x);
    }
  }
  void take(Rank sender, std::span<const std::byte> message, double fraction, double weight,
            std::span<float> x) override {
    Copy& copy = received_copy(sender);
    advance(copy, message);
    kernels::axpy(static_cast<float>(fraction * worth(weight)), copy.values, x);
  }
  void merged(std::span<const float> x) override {
    start_.assign(x.begin(), x.end());
    for (auto* copies : {&sent_copies_, &received_copies_}) {
      for (auto& [rank, copy] : *copies) copy.values = start_;
    }
  }
  double residual() const override { return std::sqrt(squared_residual_); }
  void archive(Archive& archive) override {
    archive.floats("difference.start", start_);
    for (auto* copies : {&sent_copies_, &received_copies_}) {
      std::uint64_t count = copies->size();
      archive.value("difference.copies", count);
      auto next = copies->begin();
      for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t rank = archive.loading() ? 0 : static_cast<std::uint64_t>(next->first + 1);
        archive.value("difference.of", rank);
        if (archive.loading()) {
          if (rank > kMaxNodes) throw DecodeError("state: a copy of node " + std::to_string(rank));
          next = copies->try_emplace(static_cast<std::int32_t>(rank) - 1, Copy{start_, 0}).first;
        }
        Copy& copy = next->second;
        archive.floats("difference.copy", copy.values);
        std::uint64_t chain = copy.chain;
        archive.value("difference.chain", chain);
        copy.chain = static_cast<std::uint32_t>(chain);
        ++next;
      }
    }
    compressor_->archive(archive);
  }

 private:
  static constexpr std::int32_t kEveryone = -1;
  struct Copy {
    std::vector<float> values;
    std::uint32_t chain = 0;  // over the messages that made it
  };
  using Copies = std::map<std::int32_t, Copy>;

  // What a copy stands for, in parts of itself.
  double worth(double weight) const { return options_.of_models ? weight : 1.0; }
  Copy& sent_copy(Rank receiver) { return sent_copies_.try_emplace(receiver.value, Copy{start_, 0}).first->second; }
  Copy& received_copy(Rank sender) { return received_copies_.try_emplace(sender.value, Copy{start_, 0}).first->second; }

  void advance(Copy& copy, std::span<const std::byte> message) {
    ByteReader in(message, "message");
    const std::uint32_t chain = in.u32();
    if (chain != copy.chain) {
      throw DecodeError(
          "a message that follows others than those that came: what is known of the sender is not what it "
          "thinks, so a message of it was lost or changed");
    }
    const std::span<const std::byte> rest = in.rest();
    compressor_->decode_add(rest, 1.0F, copy.values);
    copy.chain = crc32c(rest, copy.chain);
  }

  std::unique_ptr<Compressor> compressor_;
  DifferenceOptions options_;
  std::vector<float> start_;
  std::vector<float> difference_;  // scratch
  double squared_residual_ = 0.0;
  Copies sent_copies_;      // by receiver; or one for all
  Copies received_copies_;  // by sender
};

}  // namespace

std::unique_ptr<LinkMemory> make_exact_memory() { return std::make_unique<ExactMemory>(); }

std::unique_ptr<LinkMemory> make_error_memory(std::unique_ptr<Compressor> compressor, std::size_t size,
                                              bool of_updates) {
  return std::make_unique<ErrorMemory>(std::move(compressor), size, of_updates);
}

std::unique_ptr<LinkMemory> make_difference_memory(std::unique_ptr<Compressor> compressor, std::size_t size,
                                                   std::span<const float> start, const DifferenceOptions& options) {
  return std::make_unique<DifferenceMemory>(std::move(compressor), size, start, options);
}

}  // namespace laconic
