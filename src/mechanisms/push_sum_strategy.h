// The rounds of push-sum training, whatever travels over the links (link_memory.h).
//
//   adapt-then-combine  x_i += z_i' - z_i, the step at z_i = x_i / y_i;  tell;  wait for the round's senders;  combine
//   overlap             tell;  the step while the messages travel;  combine
//   asynchronous        the step;  combine what is there;  tell. Nobody is waited for, messages are a round old or
//                       more, and the network may lose and repeat them (link_accounts.h). A node with less of y than
//                       kLeastWeightToGive gives nothing: one that is faster than those it hears from would soon have
//                       nothing left; and its steps count by its weight, x_i += min(1, kStretch y_i) (z_i' - z_i)
//
// Frames carry the number of their step, so that the numbers of collectives are those that the coordinator counts.
//
//   combine: x_i := x_i - sum_k gamma p_ki m_ik + sum_j gamma p_ij m_ji, m what the messages stand for; y_i alike
#pragma once

#include <memory>
#include <string>

#include "mechanisms/gossip.h"
#include "mechanisms/growth_guard.h"
#include "mechanisms/link_accounts.h"
#include "mechanisms/link_memory.h"
#include "mechanisms/push_sum.h"

namespace laconic {

enum class LinkOrder { kAdaptThenCombine, kOverlap, kAsynchronous };

inline constexpr double kLeastWeightToGive = 1.0 / 16;
inline constexpr double kStretch = 4.0;
// So many rounds in turn with less are worth a warning.
inline constexpr std::uint64_t kLightRounds = 50;

struct PushSumOptions {
  LinkOrder order = LinkOrder::kAdaptThenCombine;
  GammaSchedule gamma{1.0};
  bool account = true;  // asynchronous: lost and repeated messages are made good
  bool guard = true;    // end the run when what is left to tell runs away
  // All models are averaged after so many steps, by the job's collective; 0: never.
  std::uint64_t finish_after = 0;
  // What to do about that.
  std::string_view remedy = "take a smaller gamma or compress less";
};

class PushSumStrategy : public Strategy {
 public:
  PushSumStrategy(const PushSumOptions& options, std::shared_ptr<const LinkSchedule> links,
                  std::unique_ptr<LinkMemory> memory)
      : options_(options), links_(std::move(links)), memory_(std::move(memory)), accounts_(links_, options.account) {}

  Task<void> round(Worker& self) override;
  Task<void> coordinate(Coordinator& self) override;
  void archive(Archive& archive) override;

  // x_i := mean of all x, y_i := 1, after a round: all nodes in the same one.
  Task<void> average(Worker& self);

  const LinkSchedule& links() const { return *links_; }
  PushSum& sum() { return sum_; }
  LinkMemory& memory() { return *memory_; }
  const LinkAccounts& accounts() const { return accounts_; }

 private:
  Task<void> synchronous_round(Worker& self);
  Task<void> asynchronous_round(Worker& self);
  // The frames of this round, as `make` makes them.
  std::vector<Frame> encode(Worker& self, LinkMemory::Receivers receivers, std::uint64_t round,
                            const LinkMemory::MakeFrame& make);
  double gamma_at(std::uint64_t round) const { return options_.gamma.at({round}); }
  void take_step(Worker& self);
  void check(Worker& self, std::uint64_t round);
  // Tells the weight, and warns of one that stays near zero.
  void watch_weight(Worker& self, std::uint64_t round);

  PushSumOptions options_;
  std::shared_ptr<const LinkSchedule> links_;
  std::unique_ptr<LinkMemory> memory_;
  LinkAccounts accounts_;
  PushSum sum_;
  GrowthGuard guard_;
  std::uint64_t light_rounds_ = 0;  // in turn, with less of y than kLeastWeightToGive
  std::vector<float> before_;       // x before the step, where the memory needs it; scratch
};

// One exchange of a round: `own` are the frames encoded for the receivers, `received` those of the senders. x, y of
// `sum` become the sum of what is kept and what came. Throws DecodeError that names the sender.
void combine_over_links(const Worker& self, const LinkMatrix& links, double gamma, std::span<const Frame> own,
                        const std::vector<NeighborFrame>& received, LinkMemory& memory, PushSum& sum);

// Options that these strategies have, and what they say.
OptionSpec link_order_option();
OptionSpec account_option();
PushSumOptions read_push_sum_options(const Options& options);
// When a strategy over links averages at the end (finish.h). Throws UsageError where nobody waits for others.
std::uint64_t link_finish(const Options& options, const StrategySetting& setting);
bool is_asynchronous(const Options& options);
// What strategies over links with such an order demand.
Demands link_demands(const Options& options);

}  // namespace laconic
