#include "faults/asynchronous_oracle.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "faults/matrix.h"

namespace laconic::faults {
namespace {

using Entry = MembershipWorld::Entry;

// Of estimates in float32.
constexpr double kRounding = 1e-4;

// A mean that a worker is to take in, with the model that it gave to it.
struct Correction {
  Model mean;
  Model given;
  bool changes_common = false;
};

// One row of the matrix.
struct Row {
  std::unique_ptr<Learner> learner;
  Model model;               // as far as is known
  Step step;                 // rounds that it has ended
  bool is_in_round = false;  // the model is that of the next one, after its step
  Model reference;           // the common model that it knows
  bool is_member = false;    // by its own account
  bool is_present = false;   // by the coordinator's
  Model entered_with;        // the common model when it entered
  Step entered_at;
  std::optional<Model> given;  // since it began
  bool is_on_its_way = false;
  // It was out in the middle of a round, whose step counts where it goes on alone; whether that had been taken its model
  // does not show where models travel compressed.
  bool may_have_stepped = false;
  bool has_strayed = false;  // at its newest check
  std::deque<Correction> to_come;
};

class AsynchronousOracle {
 public:
  AsynchronousOracle(MembershipWorld& world, const MembershipOptions& options, std::optional<double> threshold)
      : world_(world),
        options_(options),
        threshold_(threshold),
        demands_(options.job.strategy->demands(options.job.options)),
        is_told_whole_(!options.job.setting.compressor),
        weights_(weights_of(options.job)) {
    for (int k = 0; k < options.job.workers(); ++k) {
      rows_.emplace_back();
      rows_.back().learner = options.job.learner(k);
    }
    const std::span<const float> first = rows_.front().learner->params();
    common_.assign(first.begin(), first.end());
  }

  std::vector<std::string> judge() {
    std::map<Rank, std::deque<const MembershipWorld::Beginning*>> beginnings;
    for (const MembershipWorld::Beginning& one : world_.beginnings()) beginnings[one.rank].push_back(&one);
    for (const Entry& entry : world_.log()) {
      switch (entry.kind) {
        case Entry::Kind::kFault:
          break;
        case Entry::Kind::kEntered:
          enter(entry);
          break;
        case Entry::Kind::kLeft:
          row(entry.rank).is_present = false;
          break;
        case Entry::Kind::kRestarted:
          for (Rank rank{0}; rank.value < options_.job.workers(); ++rank.value) {
            row(rank).is_present = row(rank).is_present && entry.view.contains(rank);
          }
          newest_ = committed_;  // what workers had said of their steps since is in no log
          break;
        case Entry::Kind::kCommitted:
          commit(entry);
          break;
        case Entry::Kind::kBegan:
          begin(entry, *beginnings[entry.rank].front());
          beginnings[entry.rank].pop_front();
          break;
        case Entry::Kind::kOut:
          leave(entry);
          break;
        case Entry::Kind::kGave:
          give(entry);
          break;
        case Entry::Kind::kStepped:
          end_round(entry);
          break;
      }
    }
    judge_end();
    return std::move(objections_);
  }

 private:
  Row& row(Rank rank) { return rows_[static_cast<std::size_t>(rank.value)]; }
  void object(const std::string& text) { objections_.push_back(text); }

  void enter(const Entry& entry) {
    Row& one = row(entry.rank);
    if (one.is_present) object(name_of(entry.rank) + " enters twice");
    if (!entry.view.contains(entry.rank)) object("a view without " + name_of(entry.rank) + ", who enters it");
    if (entry.step < newest_) {
      object("a step goes backwards: " + name_of(entry.rank) + " enters after step " +
             std::to_string(entry.step.value) + ", and there was step " + std::to_string(newest_.value));
    }
    newest_ = std::max(newest_, entry.step);
    if (is_told_whole_ && entry.model != common_) object("U1: the coordinator has another common model");
    one.is_present = true;
    one.entered_with = entry.model;
    one.entered_at = entry.step;
  }

  void begin(const Entry& entry, const MembershipWorld::Beginning& beginning) {
    Row& one = row(entry.rank);
    if (entry.step < one.entered_at) {
      object("a step goes backwards: " + name_of(entry.rank) + " begins after step " +
             std::to_string(entry.step.value));
    }
    const bool keeps = options_.returning == process::Returning::kKeep && !beginning.left_with.empty();
    if (keeps && is_told_whole_ && beginning.left_with != one.model) {
      object("U1: " + name_of(entry.rank) + " has other steps behind it than its own");
    }
    const bool is_known = is_told_whole_ || !keeps || demands_.kept == Kept::kModel;
    if (is_known && !may_begin_with(one, keeps ? &beginning.left_with : nullptr, entry.model)) {
      object("U1: " + name_of(entry.rank) + " enters with another model than the common one" +
             (keeps ? " and its own steps" : ""));
    }
    one.is_member = true;
    one.model = entry.model;
    one.step = entry.step;
    one.reference = one.entered_with;
    one.given.reset();
    one.is_in_round = one.is_on_its_way = one.has_strayed = one.may_have_stepped = false;
    one.to_come.clear();
  }

  // `kept`: what it left with, where it keeps something of that.
  bool may_begin_with(const Row& one, const Model* kept, const Model& model) const {
    if (kept == nullptr) return model == one.entered_with;
    if (demands_.kept == Kept::kModel) return model == *kept;
    const auto makes_it = [&](const Model& reference) {
      for (std::size_t j = 0; j < model.size(); ++j) {
        if (model[j] != one.entered_with[j] + ((*kept)[j] - reference[j])) return false;
      }
      return true;
    };
    if (makes_it(one.reference)) return true;
    const auto rest = std::ranges::find_if_not(one.to_come, moves_nothing);
    return std::any_of(one.to_come.begin(), rest, [&](const Correction& by) { return makes_it(by.mean); });
  }

  // Its model after the local step of the round that it is in.
  static Model in_round(Row& one) {
    if (one.is_in_round) return one.model;
    std::copy(one.model.begin(), one.model.end(), one.learner->params().begin());
    one.learner->local_step(one.step);
    const std::span<const float> params = one.learner->params();
    return {params.begin(), params.end()};
  }

  static Model corrected(Model model, const Correction& by) {
    for (std::size_t j = 0; j < model.size(); ++j) model[j] += by.mean[j] - by.given[j];
    return model;
  }

  // A mean of one model leaves it as it is: when it is taken in does not show.
  static bool moves_nothing(const Correction& one) { return one.mean == one.given; }

  // How many of what was to come makes `target` of `model`; nothing where no number does.
  static std::optional<std::size_t> corrections_to(const Row& one, Model model, const Model& target) {
    for (std::size_t count = 0;; ++count) {
      if (model == target) return count;
      if (count == one.to_come.size()) return std::nullopt;
      model = corrected(std::move(model), one.to_come[count]);
    }
  }

  static void take_in(Row& one, std::size_t count) {
    for (; count > 0; --count) {
      if (one.to_come.front().changes_common) one.reference = one.to_come.front().mean;
      one.to_come.pop_front();
      one.is_on_its_way = false;
    }
  }

  void give(const Entry& entry) {
    Row& one = row(entry.rank);
    if (!one.is_member) return;  // of a moment before it was out
    if (is_told_whole_ && entry.model != one.model) {
      judge_strayed(entry.rank);
      const std::optional<std::size_t> count = corrections_to(one, in_round(one), entry.model);
      if (!count) object("U1: " + name_of(entry.rank) + " gives a model that is not its own");
      take_in(one, count.value_or(0));
      one.model = entry.model;
      one.is_in_round = true;
    }
    one.given = entry.model;
    one.is_on_its_way = true;
  }

  // In the round after the check.
  void judge_strayed(Rank rank) {
    Row& one = row(rank);
    if (!std::exchange(one.has_strayed, false) || !one.is_member || one.is_on_its_way) return;
    object("U4: " + name_of(rank) + " had strayed at step " + std::to_string(one.step.value) + " and gives no model");
  }

  void end_round(const Entry& entry) {
    Row& one = row(entry.rank);
    const bool has_stepped = std::exchange(one.may_have_stepped, false) && entry.step.value == one.step.value + 2;
    if (entry.step.value != one.step.value + 1 && !has_stepped) object(name_of(entry.rank) + " leaves out a step");
    if (is_told_whole_) {
      judge_strayed(entry.rank);
      const std::optional<std::size_t> count = corrections_to(one, in_round(one), entry.model);
      if (!count || (!one.is_member && *count > 0)) {
        object("U1: " + name_of(entry.rank) + " has another model after step " + std::to_string(entry.step.value) +
               " than its step and the means that it is in make of it");
      } else {
        take_in(one, *count);
      }
    }
    one.step = entry.step;
    one.model = entry.model;
    one.is_in_round = false;
    if (demands_.kept != Kept::kModel || !threshold_) return;
    const bool is_check = one.step.value % options_.job.options.integer("check_every") == 0;
    const bool knows_reference = one.to_come.empty();
    one.has_strayed =
        is_check && knows_reference && squared_distance(one.model, one.reference) > *threshold_ * (1.0 + kRounding);
  }

  // It may be in the middle of a round.
  void leave(const Entry& entry) {
    Row& one = row(entry.rank);
    if (!std::exchange(one.is_member, false)) return;
    one.may_have_stepped = !is_told_whole_;
    if (!is_told_whole_) return;
    std::optional<std::size_t> count = corrections_to(one, one.model, entry.model);
    if (!count || one.is_in_round) {
      count = corrections_to(one, in_round(one), entry.model);
      ++one.step.value;
    }
    if (!count) object("U1: " + name_of(entry.rank) + " is out with a model that is not its own");
    take_in(one, count.value_or(0));
    one.model = entry.model;
    one.is_in_round = false;
  }

  void commit(const Entry& entry) {
    if (entry.step < newest_) object("a step goes backwards: an average of step " + std::to_string(entry.step.value));
    newest_ = committed_ = entry.step;
    if (static_cast<int>(entry.view.size()) < options_.least && !is_ending()) object("an average over too few");
    std::vector<Model> models;
    std::vector<double> weights;
    for (const Rank rank : entry.over) {
      const Row& one = row(rank);
      if (!one.is_present || !entry.view.contains(rank)) {
        object("U2: " + name_of(rank) + " is in an average and not present");
      }
      if (!one.given) {
        object("U2: " + name_of(rank) + " is in an average and has given nothing");
        return;
      }
      models.push_back(*one.given);
      weights.push_back(weights_[static_cast<std::size_t>(rank.value)]);
    }
    if (models.empty()) object("an average of nobody");
    if (models.empty() || !is_told_whole_) return;
    const Model mean = mean_of(models, weights);
    for (const Rank rank : entry.over) {
      Row& one = row(rank);
      one.to_come.push_back({.mean = mean, .given = *one.given, .changes_common = entry.changes_model});
    }
    if (entry.changes_model) common_ = mean;
    if (!entry.model.empty() && entry.model != common_) object("U1: the coordinator has another common model");
  }

  // From the first who has taken its last step on it does not matter how few they are.
  bool is_ending() const {
    return std::ranges::any_of(rows_, [&](const Row& one) { return one.step.value == options_.job.setting.steps; });
  }

  void judge_end() {
    const Step last{options_.job.setting.steps};
    if (is_told_whole_ && world_.has_hub() && !std::ranges::equal(world_.hub().strategy().common_model(), common_)) {
      object("U1: the coordinator has another common model");
    }
    for (Rank rank{0}; rank.value < options_.job.workers(); ++rank.value) {
      const Row& one = row(rank);
      if (!world_.is_there(rank.value) || !one.is_member || world_.completed(rank.value) != last) continue;
      if (!std::ranges::all_of(one.to_come, moves_nothing))
        object("U1: " + name_of(rank) + " has not taken in a mean that it is in");
    }
  }

  MembershipWorld& world_;
  const MembershipOptions& options_;
  std::optional<double> threshold_;
  Demands demands_;
  bool is_told_whole_;
  std::vector<double> weights_;
  std::vector<Row> rows_;
  Model common_;
  Step newest_;     // that the coordinator has said
  Step committed_;  // of the newest average
  std::vector<std::string> objections_;
};

}  // namespace

std::vector<std::string> asynchronous_objections_to(MembershipWorld& world, const MembershipOptions& options,
                                                    std::optional<double> threshold) {
  return AsynchronousOracle(world, options, threshold).judge();
}

}  // namespace laconic::faults
