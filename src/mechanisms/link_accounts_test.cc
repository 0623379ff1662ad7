#include "mechanisms/link_accounts.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <tuple>

#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr std::uint32_t kNodes = 4;
constexpr double kGamma = 0.5;
constexpr auto kAll = static_cast<std::int64_t>(kNodes) * PushWeight::kOne;
// Of weights that are powers of two, so that a share is a shift.
constexpr int kShift = 3;  // gamma p = 1/2 1/4

// Two rounds that come again and again: everyone to the next, then everyone to the next and the one after.
std::shared_ptr<const LinkSchedule> links() {
  std::vector<LinkMatrix> rounds;
  for (const std::uint32_t reach : {1U, 2U}) {
    std::vector<Link> all;
    for (std::uint32_t from = 0; from < kNodes; ++from) {
      for (std::uint32_t hop = 1; hop <= reach; ++hop) all.push_back({from, (from + hop) % kNodes, 0.25});
    }
    rounds.emplace_back(kNodes, std::move(all));
  }
  return std::make_shared<const LinkSchedule>(std::move(rounds));
}

// Nodes that give y alone, in rounds as push-sum that waits for nobody has them. A message's payload is its number on
// its link and its ends, as the test counts them.
struct Accounts {
  explicit Accounts(bool keep = true) {
    crew.network.hold();
    for (std::uint32_t i = 0; i < kNodes; ++i) nodes.push_back({LinkAccounts(schedule, keep), PushWeight(), 0});
  }

  struct Node {
    LinkAccounts accounts;
    PushWeight y;
    std::uint64_t step = 0;
  };
  using Id = std::tuple<int, int, std::uint64_t>;  // from, to, number

  void round(int i) {
    Node& node = nodes[static_cast<std::size_t>(i)];
    Worker& self = crew.workers[static_cast<std::size_t>(i)].self;
    for (const LinkAccounts::Transfer& back : crew.network.run(node.accounts.take_back(self))) {
      node.y += back.weight;
      EXPECT_TRUE(returned.insert(id_of(i, -1, back.message())).second) << "comes back once";
    }
    for (const LinkAccounts::Taken& arrival : crew.network.run(node.accounts.take(self))) {
      EXPECT_EQ(arrival.fraction, 0.25);
      node.y += PushWeight(arrival.weight.units() >> kShift);
      taken.push_back(id_of(arrival.from.value, i, arrival.message));
    }
    const auto all = schedule->at(node.step)->receivers({i});
    const std::vector<WeightedNeighbor> open = node.accounts.open(all);
    const std::vector<WeightedNeighbor> none;
    const Step step{node.step};
    for (const WeightedNeighbor& receiver : open) {  // one by one: each message has a payload of its own
      const std::vector<WeightedNeighbor> one = {receiver};
      const Id id{i, receiver.rank.value, numbers[{i, receiver.rank.value}]++};
      const std::span<const std::byte> payload = std::as_bytes(std::span(&id, 1));
      crew.network.run(node.accounts.send(self, step, one, none, kGamma, node.y, payload));
    }
    const std::span<const std::byte> nothing;
    crew.network.run(node.accounts.send(self, step, none, all, kGamma, node.y, nothing));  // repeats
    node.accounts.answer(self);
    const PushWeight before = node.y;
    for (std::size_t k = 0; k < open.size(); ++k) node.y -= PushWeight(before.units() >> kShift);
    ++node.step;
  }
  static Id id_of(int from, int to, std::span<const std::byte> message) {
    Id id;
    EXPECT_EQ(message.size(), sizeof id);
    std::copy(message.begin(), message.end(), reinterpret_cast<std::byte*>(&id));
    EXPECT_EQ(std::get<0>(id), from);
    EXPECT_TRUE(to < 0 || std::get<1>(id) == to);
    return id;
  }
  // What the nodes have, and what is neither taken nor back.
  std::int64_t mass() const {
    std::int64_t units = 0;
    for (std::size_t i = 0; i < kNodes; ++i) {
      units += nodes[i].y.units();
      for (const auto& [receiver, transfers] : nodes[i].accounts.unanswered()) {
        for (const auto& [number, transfer] : transfers) {
          const LinkAccounts& theirs = nodes[static_cast<std::size_t>(receiver)].accounts;
          if (!theirs.took({static_cast<int>(i)}, number)) units += transfer.weight.units();
        }
      }
    }
    return units;
  }
  std::size_t unanswered(int from, int to) const {
    const auto all = nodes[static_cast<std::size_t>(from)].accounts.unanswered();
    const auto link = all.find(to);
    return link == all.end() ? 0 : link->second.size();
  }
  std::deque<TestNetwork::Parcel>& flight() { return crew.network.flight(); }

  std::shared_ptr<const LinkSchedule> schedule = links();
  Crew crew{std::vector<std::vector<float>>(kNodes, std::vector<float>(1))};
  std::vector<Node> nodes;
  std::map<std::pair<int, int>, std::uint64_t> numbers;
  std::vector<Id> taken;
  std::set<Id> returned;
};

// Loses `loss` of the frames and brings `twice` of them again later; the others go some time later, in their order.
struct Weather {
  double loss = 0.0;
  double twice = 0.0;
  double late = 0.0;
  RandomStream random{5, "weather"};
  std::vector<TestNetwork::Parcel> copies = {};

  void blow(Accounts& world) {
    std::deque<TestNetwork::Parcel> kept;
    std::set<std::pair<int, int>> held;  // pairs of which a frame stays, and so all after it
    std::deque<TestNetwork::Parcel> now = std::exchange(world.flight(), {});
    for (TestNetwork::Parcel& parcel : now) {
      const std::pair pair{parcel.from.value, parcel.to.value};
      if (held.contains(pair) || random.uniform() < late) {
        held.insert(pair);
        kept.push_back(parcel);
        continue;
      }
      if (random.uniform() < loss) continue;
      if (random.uniform() < twice) copies.push_back(parcel);
      world.flight().push_back(parcel);
    }
    while (!copies.empty() && random.uniform() < 0.5) {
      const std::size_t which = random.below(copies.size());
      world.flight().push_back(copies[which]);
      copies.erase(copies.begin() + static_cast<std::ptrdiff_t>(which));
    }
    world.crew.network.deliver();
    world.flight() = std::move(kept);
  }
};

TEST(LinkAccounts, MassStaysToTheBitWhateverIsLostRepeatedOrLate) {
  Accounts world;
  Weather weather{.loss = 0.3, .twice = 0.3, .late = 0.2};
  for (int t = 0; t < 400; ++t) {
    // Node 3 is slow.
    for (int i = 0; i < static_cast<int>(kNodes); ++i) {
      if (i != 3 || t % 3 == 0) world.round(i);
    }
    weather.blow(world);
    ASSERT_EQ(world.mass(), kAll) << "round " << t;
  }
  EXPECT_GT(world.returned.size(), 300U);
  // A message counts where it is taken or where it comes back, once, and on no link behind a later one.
  std::map<std::pair<int, int>, std::uint64_t> next;
  for (const auto& [from, to, number] : world.taken) {
    EXPECT_GE(number, (next[{from, to}])) << from << " to " << to;
    next[{from, to}] = number + 1;
    EXPECT_FALSE(world.returned.contains({from, to, number})) << number << " from " << from << " to " << to;
  }
  weather = {};
  for (int t = 0; t < 60; ++t) {
    for (int i = 0; i < static_cast<int>(kNodes); ++i) world.round(i);
    weather.blow(world);
  }
  std::uint64_t sent = 0;
  std::size_t open = 0;
  for (const auto& [link, number] : world.numbers) {
    sent += number;
    open += world.unanswered(link.first, link.second);
  }
  EXPECT_LE(open, 2 * world.numbers.size()) << "of a whole network only the newest have no answer";
  EXPECT_GE(world.taken.size() + world.returned.size() + open, sent);
}

TEST(LinkAccounts, LostDoubledAndReorderedAnswersChangeNothing) {
  Accounts world;
  std::vector<TestNetwork::Parcel> answers;
  for (int t = 0; t < 12; ++t) {
    for (int i = 0; i < static_cast<int>(kNodes); ++i) world.round(i);
    std::deque<TestNetwork::Parcel> messages;
    for (const TestNetwork::Parcel& parcel : std::exchange(world.flight(), {})) {
      if (parcel.frame.header().tag == Tag::kAnswer) {
        EXPECT_EQ(parcel.frame.header().traffic, Traffic::kControl);
        answers.push_back(parcel);
      } else if (t % 4 != 1) {  // of every fourth round nothing comes
        messages.push_back(parcel);
      }
    }
    world.flight() = std::move(messages);
    world.crew.network.deliver();
    ASSERT_EQ(world.mass(), kAll);
  }
  EXPECT_TRUE(world.returned.empty()) << "no answer came";
  const std::size_t before = world.unanswered(0, 1);
  EXPECT_EQ(before, 12U);
  // The newest first, then all of them twice, the oldest last.
  std::reverse(answers.begin(), answers.end());
  for (int time = 0; time < 2; ++time) {
    for (const TestNetwork::Parcel& answer : answers) world.flight().push_back(answer);
  }
  world.crew.network.deliver();
  for (int i = 0; i < static_cast<int>(kNodes); ++i) world.round(i);
  EXPECT_EQ(world.mass(), kAll);
  EXPECT_EQ(world.returned.size(), (3 + 2) * kNodes) << "over links of every second round the third loss shows later";
  EXPECT_LE(world.unanswered(0, 1), 3U);
}

TEST(LinkAccounts, AReceiverWithoutAnswersGetsNoMoreButTheNewestAgain) {
  Accounts world;
  const auto to_one = [&] {  // 0 sends to 1 in every round
    return std::count_if(world.flight().begin(), world.flight().end(),
                         [](const TestNetwork::Parcel& parcel) { return parcel.to.value == 1; });
  };
  for (std::size_t t = 0; t < LinkAccounts::kWindow; ++t) world.round(0);
  EXPECT_EQ(to_one(), LinkAccounts::kWindow);
  const Frame newest = [&] {
    const auto all = world.nodes[0].accounts.unanswered();
    return all.at(1).rbegin()->second.frame;
  }();
  const PushWeight left = world.nodes[0].y;
  world.flight().clear();
  for (int t = 0; t < 40; ++t) world.round(0);
  EXPECT_EQ(to_one(), 5) << "steps 16, 24, 32, 40 and 48";
  for (const TestNetwork::Parcel& parcel : world.flight()) {
    EXPECT_TRUE(parcel.to.value != 1 || parcel.frame.checksum() == newest.checksum());
  }
  EXPECT_EQ(world.unanswered(0, 1), LinkAccounts::kWindow);
  EXPECT_GT(left.units(), 0);
  EXPECT_EQ(world.mass(), kAll);
  world.crew.network.deliver();  // the repeated one is the first that 1 sees: all before it are lost
  world.round(1);
  world.crew.network.deliver();
  world.round(0);
  EXPECT_EQ(std::count_if(world.returned.begin(), world.returned.end(),
                          [](const Accounts::Id& id) { return std::get<1>(id) == 1; }),
            static_cast<std::ptrdiff_t>(LinkAccounts::kWindow) - 1);
  EXPECT_EQ(world.unanswered(0, 1), 1U) << "what it sent just now, as it may again";
  EXPECT_EQ(world.mass(), kAll);
}

TEST(LinkAccounts, WithoutThemARepeatedMessageIsTakenTwiceALostOneIsGoneAndNobodyAnswers) {
  Accounts world(false);
  world.round(0);
  EXPECT_EQ(world.nodes[0].accounts.unanswered().at(1).size(), 0U);
  EXPECT_EQ(world.mass(), kAll - (PushWeight::kOne >> kShift));
  world.flight().push_back(world.flight().front());
  world.crew.network.deliver();
  world.round(1);
  EXPECT_EQ(world.taken.size(), 2U);
  EXPECT_EQ(world.flight().size(), 1U) << "its own message alone";
}

TEST(LinkAccounts, SavedAndLoadedBetweenTwoRoundsTheyGoOnBitForBit) {
  const auto course = [](int load_at) {
    Accounts world;
    Weather weather{.loss = 0.3, .twice = 0.3, .late = 0.2};
    std::vector<std::int64_t> units;
    for (int t = 0; t < 60; ++t) {
      for (int i = 0; i < static_cast<int>(kNodes); ++i) {
        LinkAccounts& accounts = world.nodes[static_cast<std::size_t>(i)].accounts;
        if (t == load_at) {
          const std::vector<std::byte> bytes = saved(accounts);
          accounts = LinkAccounts(world.schedule, true);
          load(accounts, bytes);
          EXPECT_EQ(saved(accounts), bytes);
          for (std::size_t size = 0; size < bytes.size(); size += 7) {
            LinkAccounts other(world.schedule, true);
            EXPECT_THROW(load(other, std::span(bytes).first(size)), DecodeError) << size;
          }
        }
        world.round(i);
        units.push_back(world.nodes[static_cast<std::size_t>(i)].y.units());
      }
      weather.blow(world);
      EXPECT_EQ(world.mass(), kAll);
    }
    return units;
  };
  EXPECT_EQ(course(30), course(-1));
}

}  // namespace
}  // namespace laconic
