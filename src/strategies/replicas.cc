#include "strategies/replicas.h"

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
                   std::span<const float> start)
    : mixing_(std::move(mixing)), compressor_(std::move(compressor)), replica_(size, 0.0F), sum_(size, 0.0F) {
  LACONIC_CHECK(start.empty() || start.size() == size, start.size() << " elements for " << size);
  // The weights of a node add up to 1, so the sum of equal replicas is the replica.
  std::copy(start.begin(), start.end(), replica_.begin());
  std::copy(start.begin(), start.end(), sum_.begin());
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

Task<Frame> Replicas::encode(Worker& self, std::span<const float> v, Traffic traffic) {
  const FrameHeader header{.traffic = traffic, .tag = Tag::kGossip, .round = self.comm().next_round()};
  asked_ = std::exchange(parted_, false);
  RandomStream random = self.rng("compression");
  Frame frame;
  co_await self.compute([&] {
    const std::size_t size = compressor_->prepare(v, random);
    frame = Frame(header, kPayloadOverhead + size, [&](std::span<std::byte> payload) {
      std::memcpy(payload.data(), &own_chain_, sizeof own_chain_);
      payload[sizeof own_chain_] = std::byte{asked_ ? std::uint8_t{1} : std::uint8_t{0}};
      compressor_->write(payload.subspan(kPayloadOverhead));
    });
  });
  co_return frame;
}

Task<Replicas::Exchanged> Replicas::exchange_frames(Worker& self, const Frame& own) {
  Exchanged exchanged{own, {}};
  exchanged.received = co_await exchange(self.comm(), *mixing_, own);
  co_return exchanged;
}

void Replicas::check_chains(Worker& self, const Exchanged& exchanged) {
  chains_.resize(exchanged.received.size(), 0);
  for (std::size_t i = 0; i < chains_.size(); ++i) {
    const Rank sender = exchanged.received[i].from.rank;
    Payload payload;
    read_from(self, sender, [&] { payload = parse(exchanged.received[i].frame); });
    if (payload.chain != chains_[i]) {
      parted_ = true;
      self.warn("what " + self.comm().name(self.rank()) + " knows of " + self.comm().name(sender) +
                " is not what that one sent; the sum of its neighbours' replicas is rebuilt in the next round");
    }
    chains_[i] = crc32c(payload.message, payload.chain);
  }
  own_chain_ = crc32c(parse(exchanged.own).message, own_chain_);
}

Task<void> Replicas::apply(Worker& self, const Exchanged& exchanged, float keep, float scale) {
  check_chains(self, exchanged);
  co_await self.compute([&] {
    if (keep != 1.0F) {
      kernels::scale(keep, replica_);
      kernels::scale(keep, sum_);
    }
    const std::span<const std::byte> own = parse(exchanged.own).message;
    compressor_->decode_add(own, scale, replica_);
    compressor_->decode_add(own, scale * own_weight(*mixing_, self.rank()), sum_);
    for (const NeighborFrame& neighbor : exchanged.received) {
      const float weight = scale * static_cast<float>(neighbor.from.weight);
      read_from(self, neighbor.from.rank,
                [&] { compressor_->decode_add(parse(neighbor.frame).message, weight, sum_); });
    }
  });
  co_await repair(self, exchanged, asked_);
}

Task<void> Replicas::repair(Worker& self, const Exchanged& exchanged, bool asked) {
  const FrameHeader header{
      .traffic = exchanged.own.header().traffic, .tag = Tag::kReplica, .round = exchanged.own.header().round};
  Frame answer;
  for (const NeighborFrame& neighbor : exchanged.received) {
    if (!parse(neighbor.frame).asks) continue;
    if (answer.payload().empty()) {
      answer = Frame(header, sizeof own_chain_ + replica_.size() * sizeof(float), [&](std::span<std::byte> payload) {
        std::memcpy(payload.data(), &own_chain_, sizeof own_chain_);
        std::memcpy(payload.data() + sizeof own_chain_, replica_.data(), replica_.size() * sizeof(float));
      });
    }
    self.comm().send(neighbor.from.rank, answer);
  }
  if (!asked) co_return;
  std::vector<Frame> answers;
  for (const NeighborFrame& neighbor : exchanged.received) {
    answers.push_back(co_await self.comm().receive(neighbor.from.rank, header.tag, header.round));
  }
  std::vector<float> other(replica_.size());
  co_await self.compute([&] {
    std::copy(replica_.begin(), replica_.end(), sum_.begin());
    kernels::scale(own_weight(*mixing_, self.rank()), sum_);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const WeightedNeighbor& from = exchanged.received[i].from;
      read_from(self, from.rank, [&] {
        ByteReader in(answers[i].payload(), "replica");
        chains_[i] = in.u32();
        in.floats(other);
        in.expect_end();
        if (!kernels::all_finite(other)) in.fail("a value that is not finite");
      });
      kernels::axpy(static_cast<float>(from.weight), other, sum_);
    }
  });
  parted_ = false;
}

void Replicas::archive(Archive& archive) {
  archive.floats("replicas.own", replica_);
  archive.floats("replicas.sum", sum_);
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
  archive.value("replicas.parted", parted_);
  compressor_->archive(archive);
}

}  // namespace laconic
