#include "faults/membership_oracle.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "comm/crc32c.h"
#include "faults/asynchronous_oracle.h"
#include "faults/matrix.h"

namespace laconic::faults {
namespace {

using Entry = MembershipWorld::Entry;
using Beginning = MembershipWorld::Beginning;

// Of estimates in float32.
constexpr double kRounding = 1e-4;

// One row of the matrix: a worker's model after so many steps.
struct Row {
  // A model that the worker went on from, and the common one then.
  struct Origin {
    Model common;
    Model model;
    Step step;
  };
  std::unique_ptr<Learner> learner;
  Step step;
  bool is_present = false;
  std::vector<Origin> origins;  // the newest: whether it had heard the last result when it was out is not known

  void go_to(Step target) {
    for (; step < target; ++step.value) learner->local_step(step);
  }
  Model model() { return {learner->params().begin(), learner->params().end()}; }
  void set(const Model& common, const Model& model, Step at) {
    std::copy(model.begin(), model.end(), learner->params().begin());
    step = at;
    origins.push_back({common, model, at});
    if (origins.size() > 2) origins.erase(origins.begin());
  }
};

class Oracle {
 public:
  Oracle(MembershipWorld& world, const MembershipOptions& options, std::optional<double> threshold)
      : world_(world),
        options_(options),
        threshold_(threshold),
        demands_(options.job.strategy->demands(options.job.options)),
        is_mean_(demands_.common_is_mean && !options.job.setting.compressor),
        weights_(weights_of(options.job)) {
    for (int k = 0; k < options.job.workers(); ++k) {
      rows_.push_back({.learner = options.job.learner(k), .step = {}, .is_present = false, .origins = {}});
    }
    common_ = rows_.front().model();
    for (const Beginning& beginning : world.beginnings()) {
      beginnings_[{beginning.rank, beginning.view.number}] = &beginning;
    }
  }

  std::vector<std::string> judge() {
    for (const Entry& entry : world_.log()) take(entry);
    judge_check(false);
    judge_end();
    return std::move(objections_);
  }

 private:
  // Whether workers have what is common, and the coordinator nothing of it.
  bool keep_among_themselves() const { return demands_.common_at == CommonPlace::kMembers; }
  Row& row(Rank rank) { return rows_[static_cast<std::size_t>(rank.value)]; }
  void object(const std::string& text) { objections_.push_back(text); }

  void take(const Entry& entry) {
    switch (entry.kind) {
      case Entry::Kind::kFault:
      case Entry::Kind::kBegan:
      case Entry::Kind::kOut:
      case Entry::Kind::kGave:
      case Entry::Kind::kStepped:
        return;
      case Entry::Kind::kLeft:
        return leave(entry);
      case Entry::Kind::kRestarted:
        return restart(entry);
      case Entry::Kind::kEntered:
        return enter(entry);
      case Entry::Kind::kCommitted:
        return commit(entry);
    }
  }

  void leave(const Entry& entry) {
    row(entry.rank).is_present = false;
    // Where nobody is left of those that a check was of, their round is given up, and their models with it.
    const auto is_present = [&](Rank rank) { return row(rank).is_present; };
    if (check_ && std::ranges::none_of(checked_, is_present)) check_.reset();
  }

  // What its log says counts: the last change may have been in it, and the coordinator dead before it told.
  void restart(const Entry& entry) {
    // Checks since the newest common model are in no log: they may be forgotten, or those who are present remember them.
    floor_ = newest_model_;
    for (std::size_t k = 0; k < rows_.size(); ++k) {
      rows_[k].is_present = rows_[k].is_present && entry.view.contains({static_cast<std::int32_t>(k)});
    }
  }

  void enter(const Entry& entry) {
    Row& one = row(entry.rank);
    if (one.is_present) object(name_of(entry.rank) + " enters twice");
    if (!entry.view.contains(entry.rank)) object("a view without " + name_of(entry.rank) + ", who enters it");
    // A result that has reached nobody is none.
    const auto is_there = [](const Row& other) { return other.is_present; };
    if (keep_among_themselves() && entry.step.value + 1 == newest_.value && std::ranges::none_of(rows_, is_there)) {
      newest_ = floor_ = entry.step;
    }
    one.is_present = true;
    if (entry.step < floor_ || entry.step > newest_)
      object(name_of(entry.rank) + " enters at another step than that of the newest average");
    const auto found = beginnings_.find({entry.rank, entry.view.number});
    if (found == beginnings_.end()) return;  // it was out before it had heard that it is in
    const Beginning& beginning = *found->second;
    if (beginning.step < entry.step) {
      object("a step goes backwards: " + name_of(entry.rank) + " begins after step " +
             std::to_string(beginning.step.value) + ", and all others after " + std::to_string(entry.step.value));
    }
    const bool keeps = options_.returning == process::Returning::kKeep && !beginning.left_with.empty();
    if (is_mean_ && !(keeps ? has_kept(one, beginning) : beginning.model == common_)) {
      object("U1: " + name_of(entry.rank) + " enters view " + std::to_string(entry.view.number) +
             " with another model than the common one" + (keeps ? " and its own steps" : ""));
    }
    if (!is_mean_ && !keep_among_themselves() && !keeps && beginning.model != entry.model) {
      object("U1: " + name_of(entry.rank) + " enters view " + std::to_string(entry.view.number) +
             " with another model than the coordinator has");
    }
    if (is_mean_) one.set(common_, keeps ? beginning.model : common_, entry.step);
  }

  // Whether what it has beside the common model is what its own steps made of an origin of it.
  bool has_kept(Row& one, const Beginning& beginning) {
    return std::ranges::any_of(one.origins, [&](const Row::Origin& origin) {
      const std::unique_ptr<Learner> learner = options_.job.learner(beginning.rank.value);
      std::copy(origin.model.begin(), origin.model.end(), learner->params().begin());
      for (Step step = origin.step; !std::ranges::equal(learner->params(), beginning.left_with); ++step.value) {
        if (step.value == options_.job.setting.steps) return false;
        learner->local_step(step);
      }
      if (demands_.kept == Kept::kModel) return beginning.model == beginning.left_with;
      for (std::size_t j = 0; j < common_.size(); ++j) {
        if (beginning.model[j] != common_[j] + (beginning.left_with[j] - origin.common[j])) return false;
      }
      return true;
    });
  }

  void commit(const Entry& entry) {
    if (entry.step < floor_) object("a step goes backwards: an average of step " + std::to_string(entry.step.value));
    newest_ = floor_ = entry.step;
    if (entry.changes_model) newest_model_ = entry.step;
    std::vector<Model> models;
    std::vector<double> weights;
    std::vector<Model> averaged;  // of some, where not all are
    std::vector<double> averaged_weights;
    for (const Rank rank : entry.view.members) {
      if (!row(rank).is_present) object("U2: " + name_of(rank) + " is in an average and not present");
      if (is_mean_) row(rank).go_to(entry.step);
      models.push_back(row(rank).model());
      weights.push_back(weights_[static_cast<std::size_t>(rank.value)]);
      if (std::ranges::find(entry.over, rank) == entry.over.end()) continue;
      averaged.push_back(models.back());
      averaged_weights.push_back(weights.back());
    }
    if (static_cast<int>(models.size()) < options_.least) object("an average over too few");
    if (averaged.size() != entry.over.size()) object("U2: a balance with somebody who is not in its view");
    if (entry.changes_model || keep_among_themselves()) ++changes_[entry.step];
    if (models.empty() || !is_mean_) return;
    if (!averaged.empty()) {
      const Model mean = mean_of(averaged, averaged_weights);
      for (const Rank rank : entry.over) row(rank).set(common_, mean, entry.step);
      judge_balance(entry);
      return;
    }
    // A tally of a budget changes what is common, and no model.
    if (!entry.changes_model || entry.traffic != Traffic::kModel) {
      if (check_ && check_->first < entry.step) judge_check(false);  // a check may take several exchanges
      check_.emplace(entry.step, variance_of(models, weights));
      checked_ = entry.view.members;
      return;
    }
    judge_check(true);
    common_ = mean_of(models, weights);
    checksums_[entry.step].insert(crc32c(std::as_bytes(std::span(common_))));
    for (const Rank rank : entry.view.members) row(rank).set(common_, common_, entry.step);
  }

  // P2 of those present: nobody who was quiet is outside of the ball, nor is the mean of a balance of some.
  void judge_balance(const Entry& entry) {
    if (!threshold_) return;
    double divergence = 0.0;
    for (const Rank rank : entry.view.members) divergence += squared_distance(row(rank).model(), common_);
    divergence /= static_cast<double>(entry.view.size());
    if (divergence > *threshold_ * (1.0 + kRounding) + kRounding) {
      object("U4: after the balance of step " + std::to_string(entry.step.value) + " the divergence is " +
             std::to_string(divergence));
    }
  }

  // The newest check is judged once it is known whether models followed.
  void judge_check(bool synchronised) {
    if (!check_ || !threshold_) return;
    const auto [step, variance] = *std::exchange(check_, std::nullopt);
    const double bound = *threshold_ * scale_of(checked_.size());
    if (!synchronised && variance > bound * (1.0 + kRounding) + kRounding) {
      object("U3: after step " + std::to_string(step.value) + " the variance is " + std::to_string(variance) +
             ", and nobody synchronised");
    }
  }

  // With the monitor `exact` fewer have a smaller threshold.
  double scale_of(std::size_t present) const {
    const bool has_monitor = std::ranges::any_of(options_.job.strategy->options,
                                                 [](const OptionSpec& one) { return one.name == "monitor"; });
    if (!has_monitor || options_.job.options.text("monitor") != "exact" || present < 2) return 1.0;
    return (1.0 - 1.0 / static_cast<double>(present)) / (1.0 - 1.0 / options_.job.workers());
  }

  // Where the common model is not the mean itself: who took part in the same average has the same bits.
  void judge_agreement() {
    // An average of compressed changes corrects models that each worker keeps.
    if (options_.job.setting.compressor && demands_.kept == Kept::kModel) return;
    std::map<Step, std::set<std::uint32_t>> said;
    for (const MembershipWorld::Synchronised& one : world_.synchronised()) said[one.step].insert(one.checksum);
    for (const Beginning& beginning : world_.beginnings()) {
      if (!keep_among_themselves() || beginning.step.value == 0) continue;
      if (said[beginning.step].contains(crc32c(std::as_bytes(std::span(beginning.model))))) continue;
      object("U1: " + name_of(beginning.rank) + " begins after step " + std::to_string(beginning.step.value) +
             " with a model that nobody had then");
    }
    for (const auto& [step, checksums] : said) {
      if (checksums.size() <= std::max<std::size_t>(1, changes_[step])) continue;
      object("U1: after the average of step " + std::to_string(step.value) + " workers have " +
             std::to_string(checksums.size()) + " different models");
    }
  }

  void judge_end() {
    if (!is_mean_) {
      judge_agreement();
      return;
    }
    for (const MembershipWorld::Synchronised& said : world_.synchronised()) {
      const auto found = checksums_.find(said.step);
      if (found != checksums_.end() && found->second.contains(said.checksum)) continue;
      object("U1: " + name_of(said.rank) + " has another model after the average of step " +
             std::to_string(said.step.value) + " than the mean over its named set");
    }
    const std::span<const float> kept = world_.hub().strategy().common_model();
    if (!std::ranges::equal(kept, common_)) object("U1: the coordinator has another common model");
    const Step last{options_.job.setting.steps};
    for (Rank rank{0}; rank.value < options_.job.workers(); ++rank.value) {
      Row& one = row(rank);
      // Who was cut off in the last round, or started again when all was over, has not come to the end.
      if (!world_.is_there(rank.value) || !one.is_present || world_.completed(rank.value) != last) continue;
      one.go_to(last);
      if (!std::ranges::equal(world_.learner(rank.value).params(), one.learner->params())) {
        object("U1: " + name_of(rank) + " has another model at the end");
      }
    }
  }

  MembershipWorld& world_;
  const MembershipOptions& options_;
  std::optional<double> threshold_;
  Demands demands_;
  bool is_mean_;
  std::vector<double> weights_;
  std::vector<Row> rows_;
  std::map<std::pair<Rank, std::uint32_t>, const Beginning*> beginnings_;  // by worker and number of the view
  Model common_;
  std::map<Step, std::size_t> changes_;                // of the common model, by step
  std::map<Step, std::set<std::uint32_t>> checksums_;  // of the common models, by step
  std::optional<std::pair<Step, double>> check_;       // the newest one, and its variance
  std::vector<Rank> checked_;
  // Of the newest collective, as far as is known: not below the floor.
  Step newest_;
  Step floor_;
  Step newest_model_;
  std::vector<std::string> objections_;
};

}  // namespace

std::vector<std::string> objections_to(MembershipWorld& world, const MembershipOptions& options,
                                       std::optional<double> threshold) {
  if (options.job.strategy->demands(options.job.options).timing == Timing::kAsynchronous) {
    return asynchronous_objections_to(world, options, threshold);
  }
  return Oracle(world, options, threshold).judge();
}

}  // namespace laconic::faults
