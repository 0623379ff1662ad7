// Groups of workers that each act as one worker with a large batch, and any gossip strategy between the groups: the
// data-centre case of Koloskova et al. 2020 (section 5.3), where a group is a machine of several devices.
//
//   in group m of n workers, whose leader is its first rank:
//     g_m := (1/n) sum_k g_k,   g_k of worker k at the leader's model x_m
//   between the groups:
//     the strategy of [between] unchanged, with x_m for a worker's model, g_m for its gradient and the leaders'
//     optimisers
//
//   n   group_size_     x_m   the leader's params     sum_k   in double in the order of ranks, rounded once
//
// Gradients of a group weigh the same, whatever the numbers of samples. The members' optimisers are not used.
// Batch-norm statistics stay a worker's own; where they travel with the parameters they are the leader's.
//
// Invariants: after every round the members' models are their leader's, bit for bit; all gradients of a group's step
// are at one model. A group of one worker runs the strategy between the groups as if there were no groups; on the
// complete graph with exact averaging after the step the whole is centralised SGD.
//
// Messages, every step: d float32 from each member to its leader and d float32 back; d float32 more to each member
// before the step where the strategy between the groups has changed the model by then
// (GossipTraits::moves_before_step). The gradients of a group are computed and collected while the strategy between the
// groups exchanges, where it overlaps its exchange with its step.
//
// Patience: a leader waits half the deadline for its members, the deadline for other leaders, and members wait twice
// the deadline for their leader, so that who is next to a missing node gives up first.
#include <algorithm>
#include <optional>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/gossip.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

// The leaders alone, each under the number of its group.
class Leaders final : public Transport {
 public:
  // `nodes` outlives it.
  Leaders(Transport& nodes, int group_size) : nodes_(nodes), group_size_(group_size) {}

  Rank self() const override { return group_of(nodes_.self()); }
  int world_size() const override { return nodes_.world_size() / group_size_; }
  std::string name(Rank group) const override { return nodes_.name(leader_of(group)); }
  void send(Rank to, const Frame& frame) override { nodes_.send(leader_of(to), frame); }
  Task<std::optional<Arrival>> receive(Pattern pattern, Seconds patience) override {
    LACONIC_CHECK(pattern.from.has_value(), "a strategy between groups that receives from anyone");
    pattern.from = leader_of(*pattern.from);
    std::optional<Arrival> arrival = co_await nodes_.receive(pattern, patience);
    if (arrival) arrival->from = group_of(arrival->from);
    co_return arrival;
  }
  Bytes carried() const override { return nodes_.carried(); }
  Seconds now() const override { return nodes_.now(); }
  Task<void> sleep(Seconds span) override { return nodes_.sleep(span); }

 private:
  Rank leader_of(Rank group) const { return {group.value * group_size_}; }
  Rank group_of(Rank leader) const { return {leader.value / group_size_}; }
  Transport& nodes_;
  int group_size_;
};

// The rounds of a group's own exchanges in a step, on the leader and on its members alike.
struct GroupRounds {
  explicit GroupRounds(Comm& comm) : before(comm.next_round()), after(comm.next_round()) {}
  Round before;  // the model, where it is sent before the step, and the gradients
  Round after;   // the model at the end
};

// A leader's side of its group's step.
class Group final : public GradientSource {
 public:
  Group(Worker& leader, int size, bool sends_model_first)
      : leader_(leader), size_(size), sends_model_first_(sends_model_first), rounds_(leader.comm()) {}

  // The model is copied into its frame on the protocol's thread: nobody can be waited for here, and the members'
  // gradients wait for it.
  void begin(Step) override {
    if (sends_model_first_ && size_ > 1) send(model_frame(rounds_.before));
    own_.emplace(leader_.begin_gradient());
  }

  Task<double> finish() override {
    co_await own_->done();
    own_.reset();
    const std::span<float> gradient = leader_.gradient();
    const Seconds end = leader_.comm().now() + leader_.comm().collecting_deadline();
    std::vector<SharedVector> received;
    for (int k = 1; k < size_; ++k) {
      const Seconds left{std::max(0.0, (end - leader_.comm().now()).value)};
      const Frame frame = co_await leader_.comm().receive(member(k), Tag::kGather, rounds_.before, left);
      read_from(leader_, member(k), [&] { received.push_back(frame.floats(gradient.size())); });
    }
    co_await leader_.compute([&] {
      std::vector<std::span<const float>> gradients = {gradient};
      gradients.insert(gradients.end(), received.begin(), received.end());
      const std::vector<double> alike(gradients.size(), 1.0);
      kernels::weighted_mean(gradients, alike, gradient);
    });
    co_return leader_.last_loss();
  }

  Task<void> end() {
    if (size_ == 1) co_return;
    Frame model;
    co_await leader_.comm().compute(leader_.params().size(), [&] { model = model_frame(rounds_.after); });
    send(model);
  }

 private:
  Rank member(int k) const { return {leader_.rank().value + k}; }
  Frame model_frame(Round round) const {
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kBroadcast, .round = round};
    return {header, std::span<const float>(leader_.params())};
  }
  void send(const Frame& model) {
    for (int k = 1; k < size_; ++k) leader_.comm().send(member(k), model);
  }

  Worker& leader_;
  int size_;
  bool sends_model_first_;
  GroupRounds rounds_;
  std::optional<PendingStep> own_;
};

class Hierarchical final : public Strategy {
 public:
  Hierarchical(int group_size, bool sends_model_first, StrategyFactory make_between)
      : group_size_(group_size), sends_model_first_(sends_model_first), make_between_(std::move(make_between)) {}

  Task<void> round(Worker& self) override { return self.rank().value % group_size_ == 0 ? lead(self) : follow(self); }

  void archive(Archive& archive) override {
    bool leads = between_ != nullptr;
    archive.value("hierarchical.leads", leads);
    if (!leads) return;
    if (!between_) between_ = make_between_();
    archive.value("hierarchical.round", next_round_.value);
    between_->archive(archive);
  }

 private:
  // A leader in a round. A member, not a local of the round: a step may be under way where a round ends with an error.
  struct Lead {
    Lead(Worker& self, int group_size, bool sends_model_first, Round first)
        : leaders(self.comm().transport(), group_size),
          comm(leaders, self.comm().processor(), self.comm().options(), first),
          group(self, group_size, sends_model_first),
          worker(self.representative(leaders.self(), comm, group_size == 1 ? nullptr : &group)) {}
    Leaders leaders;
    Comm comm;
    Group group;
    Worker worker;  // the group as one
  };

  Task<void> lead(Worker& self) {
    if (!between_) between_ = make_between_();
    Lead& lead = lead_.emplace(self, group_size_, sends_model_first_, next_round_);
    co_await between_->round(lead.worker);
    next_round_ = lead.comm.upcoming_round();
    co_await lead.group.end();
    self.end_step(lead.worker.last_loss());
  }

  Task<void> follow(Worker& self) {
    const Rank leader{self.rank().value - self.rank().value % group_size_};
    const GroupRounds rounds(self.comm());
    if (sends_model_first_) co_await take_model(self, leader, rounds.before);
    co_await self.compute_gradient();
    const FrameHeader header{.traffic = Traffic::kGradient, .tag = Tag::kGather, .round = rounds.before};
    co_await self.comm().send_floats(leader, header, self.gradient());
    co_await take_model(self, leader, rounds.after);
    self.end_step(self.last_loss());
    self.synchronised();
  }

  static Task<void> take_model(Worker& self, Rank leader, Round round) {
    const Seconds patience{2.0 * self.comm().options().deadline.value};
    const Frame frame = co_await self.comm().receive(leader, Tag::kBroadcast, round, patience);
    SharedVector model;
    read_from(self, leader, [&] { model = frame.floats(self.params().size()); });
    co_await self.set_params(model);
  }

  int group_size_;
  bool sends_model_first_;
  StrategyFactory make_between_;
  std::unique_ptr<Strategy> between_;  // the leader's, from its first round on
  Round next_round_;                   // between the groups
  std::optional<Lead> lead_;
};

std::uint32_t groups_of(const Options& options, std::uint32_t workers) {
  const std::uint64_t groups = options.integer("groups");
  if (workers % groups == 0) return static_cast<std::uint32_t>(groups);
  std::uint64_t below = std::min<std::uint64_t>(groups, workers);
  while (below > 1 && workers % below != 0) --below;
  std::uint64_t above = groups;
  while (above < workers && workers % above != 0) ++above;
  std::string remedy = below > 1 ? std::to_string(below) : "";
  if (above <= workers && above != below) remedy += (remedy.empty() ? "" : " or ") + std::to_string(above);
  throw UsageError(
      options.place("groups") + ": " + std::to_string(workers) + (workers == 1 ? " worker does" : " workers do") +
      " not make " + std::to_string(groups) + " equal groups; " +
      (remedy.empty() ? "take a multiple of that for workers.count" : "give a divisor, such as " + remedy));
}

// The setting of the strategy between the groups.
StrategySetting setting_of_groups(const Options& options, const StrategySetting& setting) {
  LACONIC_CHECK(setting.between != nullptr, "no strategy between the groups");
  if (setting.between->demands(setting.between_options).gossip.also_collectives) {
    throw UsageError("[between]: " + std::string(setting.between->name) +
                     " with these options also averages over all groups, which have no collective of their own; remove "
                     "between.finish");
  }
  const std::uint32_t groups = groups_of(options, static_cast<std::uint32_t>(setting.world_size));
  const std::size_t group_size = static_cast<std::uint32_t>(setting.world_size) / groups;
  LACONIC_CHECK(setting.mixing->nodes() == groups, setting.mixing->nodes() << " nodes for " << groups << " groups");
  StrategySetting result = setting;
  result.world_size = static_cast<int>(groups);
  result.samples.assign(groups, 0);
  for (std::size_t k = 0; k < setting.samples.size(); ++k) result.samples[k / group_size] += setting.samples[k];
  return result;
}

// Whether the strategy between the groups changes the model before the step, so that members need it then.
bool sends_model_first(const StrategySetting& setting) {
  return setting.between->demands(setting.between_options).gossip.moves_before_step;
}

const std::vector<OptionSpec> kOptions = {
    {.name = "groups",
     .type = OptionType::kInteger,
     .required = true,
     .minimum = 2,
     .maximum = 100000,
     .help = "number of groups of consecutive ranks, a divisor of workers.count; [topology] connects the groups, "
             "[between] is the strategy between them"}};
// Those that make equal groups of the workers there are.
const std::vector<Variant> kVariants = {
    {.name = "of_2", .options = {{"groups", "2"}}, .alone = Variant::Alone::kOther},
    {.name = "of_3", .options = {{"groups", "3"}}, .alone = Variant::Alone::kOther}};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const StrategySetting of_groups = setting_of_groups(options, setting);
  const int group_size = setting.world_size / of_groups.world_size;
  return [group_size, sends_first = sends_model_first(setting),
          make_between = setting.between->make(setting.between_options, of_groups)] {
    return std::make_unique<Hierarchical>(group_size, sends_first, make_between);
  };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const StrategySetting of_groups = setting_of_groups(options, setting);
  TrafficFormula formula = setting.between->traffic(setting.between_options, of_groups);
  const auto members = static_cast<std::uint64_t>(setting.world_size - of_groups.world_size);
  const std::uint64_t vectors = members * setting.dimension * sizeof(float);
  formula.step(Traffic::kGradient) += vectors;
  formula.step(Traffic::kModel) += sends_model_first(setting) ? 2 * vectors : vectors;
  return formula;
}

}  // namespace

extern const StrategyRow kHierarchical;
const StrategyRow kHierarchical = {
    .name = "hierarchical",
    .help = "average the gradients in groups of workers, gossip between the groups",
    .source = "Koloskova et al. 2020, section 5.3",
    .options = kOptions,
    .demands = [](const Options&) { return Demands{.talks = Talks::kGraph, .drive = LoopDrive::kNone}; },
    .variants = kVariants,
    .groups = groups_of,
    .make = make,
    .traffic = traffic};

}  // namespace laconic
