#include "mechanisms/replicas.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "kernels/vector_ops.h"

namespace laconic {

struct Replicas::Payload {
  std::uint32_t chain = 0;
  bool asks = false;
  std::span<const std::byte> message;
};

Replicas::Replicas(std::shared_ptr<const MixingMatrix> mixing, std::unique_ptr<Compressor> compressor, std::size_t size,
                   std::span<const float> start, Form form)
    : mixing_(std::move(mixing)),
      compressor_(std::move(compressor)),
      replica_(size, 0.0F),
      difference_(size, 0.0F),
      form_(form) {
  LACONIC_CHECK(start.empty() || start.size() == size, start.size() << " elements for " << size);
  std::copy(start.begin(), start.end(), replica_.begin());
}

bool Replicas::silent(const Frame& frame) {
  return frame.payload().empty() && frame.header().traffic == Traffic::kControl;
}

Replicas::Payload Replicas::parse(const Frame& frame) {
  ByteReader in(frame.payload(), "message");
  Payload payload;
  payload.chain = in.u32();
  const std::uint8_t flags = in.u8();
  if (flags > 1) in.fail("flags " + std::to_string(flags));
  payload.asks = flags == 1;
  payload.message = in.rest();
  return payload;
}

Task<Frame> Replicas::encode(Worker& self, Step step, std::span<const float> v, Traffic traffic) {
  const FrameHeader header{.traffic = traffic, .tag = Tag::kGossip, .round = self.comm().next_round()};
  asked_ = std::exchange(parted_, false);
  RandomStream random = self.rng("compression");
  Frame frame;
  co_await self.compute([&] {
    compressor_->begin_step(step.value);
    const std::size_t size = compressor_->prepare(v, random);
    frame = Frame(header, kPayloadOverhead + size, [&](std::span<std::byte> payload) {
      std::memcpy(payload.data(), &own_chain_, sizeof own_chain_);
      payload[sizeof own_chain_] = std::byte{asked_ ? std::uint8_t{1} : std::uint8_t{0}};
      compressor_->write(payload.subspan(kPayloadOverhead));
    });
  });
  co_return frame;
}

Frame Replicas::silence(Worker& self) {
  LACONIC_CHECK(!parted_, "a node that asks cannot be silent");
  asked_ = false;
  const FrameHeader header{.traffic = Traffic::kControl, .tag = Tag::kGossip, .round = self.comm().next_round()};
  return {header, std::span<const std::byte>()};
}

Task<Replicas::Exchanged> Replicas::exchange_frames(Worker& self, const Frame& own) {
  Exchanged exchanged{own, {}};
  exchanged.received = co_await exchange(self.comm(), *mixing_, own);
  co_return exchanged;
}

Task<void> Replicas::check_chains(Worker& self, const Exchanged& exchanged) {
  chains_.resize(exchanged.received.size(), 0);
  for (std::size_t i = 0; i < chains_.size(); ++i) {
    const Rank sender = exchanged.received[i].from.rank;
    if (silent(exchanged.received[i].frame)) continue;
    Payload payload;
    read_from(self, sender, [&] { payload = parse(exchanged.received[i].frame); });
    if (payload.chain != chains_[i]) {
      parted_ = true;
      self.warn("what " + self.comm().name(self.rank()) + " knows of " + self.comm().name(sender) +
                " is not what that one sent; what it holds of its neighbours is rebuilt in the next round");
    }
    co_await self.comm().compute(payload.message.size() / sizeof(float),
                                 [&] { chains_[i] = crc32c(payload.message, payload.chain); });
  }
  if (silent(exchanged.own)) co_return;
  const std::span<const std::byte> own = parse(exchanged.own).message;
  co_await self.comm().compute(own.size() / sizeof(float), [&] { own_chain_ = crc32c(own, own_chain_); });
}

Task<void> Replicas::apply(Worker& self, const Exchanged& exchanged, float keep, float scale) {
  co_await check_chains(self, exchanged);
  co_await self.compute([&] { decode(self, exchanged, keep, scale); });
  co_await repair(self, exchanged, asked_);
}

void Replicas::decode(Worker& self, const Exchanged& exchanged, float keep, float scale) {
  if (form_ == Form::kEach && copies_.empty()) {
    LACONIC_CHECK(chains_.size() == exchanged.received.size(), chains_.size() << " neighbours");
    copies_.assign(exchanged.received.size(), replica_);
  }
  if (keep != 1.0F) {
    kernels::scale(keep, replica_);
    kernels::scale(keep, difference_);
    for (std::vector<float>& copy : copies_) kernels::scale(keep, copy);
  }
  if (!silent(exchanged.own)) {
    const std::span<const std::byte> own = parse(exchanged.own).message;
    compressor_->decode_add(own, scale, replica_);
    if (form_ == Form::kSum)
      compressor_->decode_add(own, scale * (own_weight(*mixing_, self.rank()) - 1.0F), difference_);
  }
  for (std::size_t i = 0; i < exchanged.received.size(); ++i) {
    if (silent(exchanged.received[i].frame)) continue;
    const WeightedNeighbor& from = exchanged.received[i].from;
    const bool each = form_ == Form::kEach;
    const float weight = each ? scale : scale * static_cast<float>(from.weight);
    read_from(self, from.rank, [&] {
      compressor_->decode_add(parse(exchanged.received[i].frame).message, weight, each ? copies_[i] : difference_);
    });
  }
  if (form_ == Form::kEach) {
    sum_differences(mixing_->neighbors(self.rank()), [&](std::size_t i) { return std::span<const float>(copies_[i]); });
  }
}

void Replicas::sum_differences(std::span<const WeightedNeighbor> neighbors,
                               const std::function<std::span<const float>(std::size_t)>& copy_of) {
  std::fill(difference_.begin(), difference_.end(), 0.0F);
  for (std::size_t i = 0; i < neighbors.size(); ++i) {
    kernels::axpy_difference(static_cast<float>(neighbors[i].weight), copy_of(i), replica_, difference_);
  }
}

Task<void> Replicas::repair(Worker& self, const Exchanged& exchanged, bool asked) {
  const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kReplica, .round = exchanged.own.header().round};
  Frame answer;
  for (const NeighborFrame& neighbor : exchanged.received) {
    if (silent(neighbor.frame) || !parse(neighbor.frame).asks) continue;
    if (answer.payload().empty()) {
      co_await self.comm().compute(replica_.size(), [&] {
        answer = Frame(header, sizeof own_chain_ + replica_.size() * sizeof(float), [&](std::span<std::byte> payload) {
          std::memcpy(payload.data(), &own_chain_, sizeof own_chain_);
          std::memcpy(payload.data() + sizeof own_chain_, replica_.data(), replica_.size() * sizeof(float));
        });
      });
    }
    self.comm().send(neighbor.from.rank, answer);
  }
  if (!asked) co_return;
  std::vector<Frame> answers;
  for (const NeighborFrame& neighbor : exchanged.received) {
    answers.push_back(co_await self.comm().receive(neighbor.from.rank, header.tag, header.round));
  }
  co_await self.compute([&] {
    std::vector<std::vector<float>> others(answers.size(), std::vector<float>(replica_.size()));
    for (std::size_t i = 0; i < answers.size(); ++i) {
      read_from(self, exchanged.received[i].from.rank, [&] {
        ByteReader in(answers[i].payload(), "replica");
        chains_[i] = in.u32();
        in.floats(others[i]);
        in.expect_end();
        if (!kernels::all_finite(others[i])) in.fail("a value that is not finite");
      });
    }
    sum_differences(mixing_->neighbors(self.rank()), [&](std::size_t i) { return std::span<const float>(others[i]); });
    if (form_ == Form::kEach) copies_ = std::move(others);
  });
  parted_ = false;
}

void Replicas::archive(Archive& archive) {
  archive.floats("replicas.own", replica_);
  archive.floats("replicas.difference", difference_);
  std::uint64_t own_chain = own_chain_;
  archive.value("replicas.own_chain", own_chain);
  own_chain_ = static_cast<std::uint32_t>(own_chain);
  std::uint64_t count = chains_.size();
  archive.value("replicas.neighbors", count);
  if (count > mixing_->nodes()) throw DecodeError("state: chains of " + std::to_string(count) + " neighbours");
  chains_.resize(count);
  for (std::uint32_t& chain : chains_) {
    std::uint64_t value = chain;
    archive.value("replicas.chain", value);
    chain = static_cast<std::uint32_t>(value);
  }
  if (form_ == Form::kEach && count > 0) {
    copies_.resize(count, std::vector<float>(replica_.size()));
    for (std::vector<float>& copy : copies_) archive.floats("replicas.copy", copy);
  }
  archive.value("replicas.parted", parted_);
  compressor_->archive(archive);
}

}  // namespace laconic
