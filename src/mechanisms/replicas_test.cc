#include "mechanisms/replicas.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/byte_stream.h"
#include "comm/crc32c.h"
#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr std::size_t kSize = 10;
constexpr std::size_t kKept = 3;
using Vector = std::vector<double>;

CompressorFactory top_k() { return operator_of("top_k", {{"k", std::to_string(kKept)}}, kSize); }
std::shared_ptr<const MixingMatrix> mixing(std::uint32_t nodes, std::vector<Edge> edges) {
  return std::make_shared<const MixingMatrix>(Graph(nodes, std::move(edges)), find_weights("metropolis"));
}
// Metropolis weights of a ring are 1/3.
std::shared_ptr<const MixingMatrix> ring() { return mixing(4, {{0, 1}, {1, 2}, {2, 3}, {0, 3}}); }

Vector top(std::span<const float> v) {
  std::vector<std::size_t> order(v.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return std::abs(v[a]) > std::abs(v[b]); });
  Vector result(v.size(), 0.0);
  for (std::size_t i = 0; i < kKept; ++i) result[order[i]] = v[order[i]];
  return result;
}
std::vector<float> copy_of(std::span<const float> values) { return {values.begin(), values.end()}; }

// What a node tells in a round: something else each time, or nothing.
std::vector<float> told(std::uint64_t round, int node) {
  return gaussian_vector(kSize, 1000 * round + static_cast<std::uint64_t>(node));
}
bool quiet(std::uint64_t round, int node) { return node == 2 && round % 3 == 1; }

struct Nodes {
  Nodes(std::size_t count, const std::shared_ptr<const MixingMatrix>& graph, std::span<const float> start,
        Replicas::Form form, const CompressorFactory& factory = top_k())
      : crew(gaussian_models(count, kSize)) {
    for (std::size_t i = 0; i < count; ++i) replicas.emplace_back(graph, factory(), kSize, start, form);
  }
  void round(std::uint64_t number, float keep = 1.0F, float scale = 1.0F) {
    crew.each([&, number](Worker& self) { return part(self, number, keep, scale); });
  }
  Task<void> part(Worker& self, std::uint64_t number, float keep, float scale) {
    Replicas& mine = replicas[static_cast<std::size_t>(self.rank().value)];
    const std::vector<float> v = told(number, self.rank().value);
    Frame own;
    if (quiet(number, self.rank().value)) {
      own = mine.silence(self);
    } else {
      const Step step{number};
      own = co_await mine.encode(self, step, v, Traffic::kModel);
    }
    const Replicas::Exchanged exchanged = co_await mine.exchange_frames(self, own);
    co_await mine.apply(self, exchanged, keep, scale);
  }
  Crew crew;
  std::deque<Replicas> replicas;
};

// xhat_i := keep xhat_i + scale C(v_i);  D_i = sum_j w_ij (xhat_j - xhat_i).
TEST(Replicas, AreTheirMatrixForm) {
  for (const Replicas::Form form : {Replicas::Form::kSum, Replicas::Form::kEach}) {
    for (const bool from_start : {false, true}) {
      const std::vector<float> start = from_start ? gaussian_vector(kSize, 3) : std::vector<float>();
      Nodes nodes(4, ring(), start, form);
      std::vector<Vector> xhat(4, from_start ? Vector(start.begin(), start.end()) : Vector(kSize, 0.0));
      for (std::uint64_t round = 0; round < 12; ++round) {
        const bool scaled = round % 3 == 2;  // in a round in which nobody is silent
        const double keep = scaled ? 0.75 : 1.0;
        const double scale = scaled ? 0.5 : 1.0;
        nodes.round(round, static_cast<float>(keep), static_cast<float>(scale));
        for (int i = 0; i < 4; ++i) {
          if (quiet(round, i)) continue;
          const Vector q = top(told(round, i));
          for (std::size_t j = 0; j < kSize; ++j) {
            double& value = xhat[static_cast<std::size_t>(i)][j];
            value = keep * value + scale * q[j];
          }
        }
        for (std::size_t i = 0; i < 4; ++i) {
          for (std::size_t j = 0; j < kSize; ++j) {
            EXPECT_NEAR(nodes.replicas[i].replica()[j], xhat[i][j], 1e-5);
            const double difference = (xhat[(i + 1) % 4][j] + xhat[(i + 3) % 4][j] - 2.0 * xhat[i][j]) / 3.0;
            EXPECT_NEAR(nodes.replicas[i].difference()[j], difference, 1e-5) << "node " << i << ", round " << round;
          }
        }
      }
      for (const TestWorker& worker : nodes.crew.workers) EXPECT_TRUE(worker.warnings.empty());
    }
  }
}

TEST(Replicas, ANodeWithoutNeighboursDiffersFromNobody) {
  for (const Replicas::Form form : {Replicas::Form::kSum, Replicas::Form::kEach}) {
    Nodes alone(1, mixing(1, {}), {}, form);
    for (std::uint64_t round = 0; round < 3; ++round) alone.round(round);
    EXPECT_EQ(copy_of(alone.replicas[0].difference()), std::vector<float>(kSize, 0.0F));
    EXPECT_NE(copy_of(alone.replicas[0].replica()), std::vector<float>(kSize, 0.0F));
  }
}

TEST(Replicas, SavedAndLoadedBetweenTwoRoundsTheyGoOnBitForBit) {
  const CompressorFactory random_k = operator_of("random_k", {{"k", "3"}}, kSize);
  for (const Replicas::Form form : {Replicas::Form::kSum, Replicas::Form::kEach}) {
    std::vector<std::vector<float>> ends;
    for (const std::uint64_t load_at : {100, 0, 5}) {
      Nodes nodes(4, ring(), gaussian_vector(kSize, 3), form, random_k);
      for (std::uint64_t round = 0; round < 9; ++round) {
        for (std::size_t i = 0; i < 4 && round == load_at; ++i) {
          const std::vector<std::byte> bytes = saved(nodes.replicas[i]);
          Replicas fresh(ring(), random_k(), kSize, {}, form);
          load(fresh, bytes);
          EXPECT_EQ(saved(fresh), bytes);
          nodes.replicas[i] = std::move(fresh);
          for (std::size_t size = 0; size < bytes.size(); size += 7) {
            Replicas other(ring(), random_k(), kSize, {}, form);
            EXPECT_THROW(load(other, std::span(bytes).first(size)), DecodeError) << size;
          }
        }
        nodes.round(round);
      }
      std::vector<float> end;
      for (const Replicas& replicas : nodes.replicas) {
        end.insert(end.end(), replicas.replica().begin(), replicas.replica().end());
        end.insert(end.end(), replicas.difference().begin(), replicas.difference().end());
      }
      ends.push_back(end);
    }
    EXPECT_EQ(ends[1], ends[0]);
    EXPECT_EQ(ends[2], ends[0]);
  }
}

// Two nodes, of which the other is the test: it sends these payloads in the round, after which node 0 has taken them.
struct Other {
  explicit Other(Replicas::Form form) : nodes(2, mixing(2, {{0, 1}}), {}, form) {}

  void round(const std::vector<std::byte>& payload, const std::vector<std::byte>& replica = {}) {
    const Round number{rounds++};
    send(Tag::kGossip, number, payload);
    if (!replica.empty()) send(Tag::kReplica, number, replica);
    nodes.crew.network.run(nodes.part(nodes.crew.workers[0].self, number.value, 1.0F, 1.0F));
    nodes.crew.network.deliver();
  }
  void send(Tag tag, Round number, const std::vector<std::byte>& payload) {
    nodes.crew.network.node(1).send({0}, Frame(FrameHeader{Traffic::kModel, tag, number}, payload));
  }
  // The frame of node 0 that came in a round.
  std::vector<std::byte> heard(Tag tag, std::uint64_t number) {
    const Frame frame = nodes.crew.network.run(nodes.crew.workers[1].comm.receive({0}, tag, {number}));
    return {frame.payload().begin(), frame.payload().end()};
  }
  Replicas& node() { return nodes.replicas[0]; }

  Nodes nodes;
  std::uint64_t rounds = 0;
};
std::vector<std::byte> payload_of(std::uint32_t chain, std::uint8_t flags, std::span<const std::byte> message) {
  ByteWriter out;
  out.u32(chain);
  out.u8(flags);
  out.raw(message);
  return out.take();
}
std::vector<std::byte> message() {
  const std::unique_ptr<Compressor> compressor = top_k()();
  RandomStream random(1, "test");
  return message_of(*compressor, gaussian_vector(kSize, 5), random);
}
std::vector<std::byte> replica_of(std::uint32_t chain, std::span<const float> values) {
  ByteWriter out;
  out.u32(chain);
  out.floats(values);
  return out.take();
}

TEST(Replicas, ANodeThatMissedAMessageSaysSoAsksAndHasTheReplicaOfTheAnswer) {
  for (const Replicas::Form form : {Replicas::Form::kSum, Replicas::Form::kEach}) {
    Other other(form);
    other.round(payload_of(77, 0, message()));  // after a message that never came
    EXPECT_TRUE(other.node().asks());
    EXPECT_THROW(other.node().silence(other.nodes.crew.workers[0].self), CheckFailed);
    ASSERT_EQ(other.nodes.crew.workers[0].warnings.size(), 1U);
    EXPECT_TRUE(contains(other.nodes.crew.workers[0].warnings[0], "what worker 0 knows of worker 1 is not"));
    EXPECT_EQ(other.heard(Tag::kGossip, 0).at(4), std::byte{0});
    const std::vector<float> truth = gaussian_vector(kSize, 6);
    other.round(payload_of(5, 0, message()), replica_of(123, truth));  // after one more; the answer makes both good
    EXPECT_EQ(other.heard(Tag::kGossip, 1).at(4), std::byte{1});
    EXPECT_FALSE(other.node().asks());
    for (std::size_t j = 0; j < kSize; ++j) {  // of two nodes w = 1/2
      EXPECT_NEAR(other.node().difference()[j], 0.5 * (truth[j] - other.node().replica()[j]), 1e-6);
    }
    other.round(payload_of(123, 0, message()));  // what the answer's chain says
    EXPECT_EQ(other.nodes.crew.workers[0].warnings.size(), 2U);
  }
}

TEST(Replicas, WhoIsAskedAnswersWithItsReplicaOfThatRound) {
  Other other(Replicas::Form::kSum);
  other.round(payload_of(0, 1, message()));
  const std::vector<std::byte> gossip = other.heard(Tag::kGossip, 0);
  const std::uint32_t chain = crc32c(std::span<const std::byte>(gossip).subspan(Replicas::kPayloadOverhead), 0);
  EXPECT_EQ(other.heard(Tag::kReplica, 0), replica_of(chain, other.node().replica()));
}

TEST(Replicas, HostileBytesAreRefusedWithBothWorkersNamed) {
  const std::vector<std::byte> good = payload_of(0, 0, message());
  std::vector<std::vector<std::byte>> hostile = {payload_of(0, 2, message()), payload_of(0, 255, message())};
  for (std::size_t size = 0; size < good.size(); ++size) {
    hostile.emplace_back(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
  }
  for (const std::vector<std::byte>& payload : hostile) {
    Other other(Replicas::Form::kEach);
    const std::string text = error_of<DecodeError>([&] { other.round(payload); });
    EXPECT_TRUE(contains(text, "worker 0 cannot use what worker 1 sent")) << payload.size() << ": " << text;
  }
  std::vector<float> bad = gaussian_vector(kSize, 6);
  bad[4] = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<std::byte>& replica : {replica_of(1, bad), replica_of(1, gaussian_vector(kSize + 1, 1)),
                                                replica_of(1, gaussian_vector(kSize - 1, 1))}) {
    Other other(Replicas::Form::kSum);
    other.round(payload_of(77, 0, message()));
    const std::string text = error_of<DecodeError>([&] { other.round(payload_of(0, 0, message()), replica); });
    EXPECT_TRUE(contains(text, "worker 0 cannot use what worker 1 sent")) << text;
  }
}

}  // namespace
}  // namespace laconic
