#include "named_sets.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace laconic::tests {
namespace {

// A worker's model after so many steps.
struct Row {
  std::unique_ptr<Learner> learner;
  Step step;
  bool is_present = false;

  void go_to(Step target) {
    for (; step < target; ++step.value) learner->local_step(step);
  }
};

faults::MembershipOptions with_job(const MembershipOptions& options) {
  faults::MembershipOptions world = options;
  world.job = job_of(options.scenario);
  world.job.instead = options.job.instead;
  return world;
}

}  // namespace

MembershipWorld::MembershipWorld(const MembershipOptions& options) : faults::MembershipWorld(with_job(options)) {}

std::vector<float> mean_of_rows(const std::vector<std::vector<float>>& models, const std::vector<double>& weights) {
  std::vector<float> mean(models.front().size());
  double divisor = 0.0;
  for (const double weight : weights) divisor += weight;
  for (std::size_t j = 0; j < mean.size(); ++j) {
    double sum = 0.0;
    for (std::size_t k = 0; k < models.size(); ++k) sum += weights[k] * static_cast<double>(models[k][j]);
    mean[j] = static_cast<float>(sum / divisor);
  }
  return mean;
}

std::vector<float> mean_of_rows(const std::vector<std::vector<float>>& models) {
  return mean_of_rows(models, std::vector<double>(models.size(), 1.0));
}

double variance_around(const std::vector<std::vector<float>>& models, const std::vector<float>& centre) {
  double sum = 0.0;
  for (const auto& model : models) {
    for (std::size_t j = 0; j < model.size(); ++j) {
      sum += std::pow(static_cast<double>(model[j]) - static_cast<double>(centre[j]), 2);
    }
  }
  return sum / static_cast<double>(models.size());
}

std::vector<std::string> objections_to_sets(MembershipWorld& world, const MembershipOptions& options,
                                            const Arithmetic& arithmetic) {
  using Entry = MembershipWorld::Entry;
  std::vector<std::string> objections;
  const Scenario& scenario = options.scenario;
  std::vector<Row> rows;
  for (int k = 0; k < scenario.problem.workers; ++k) rows.push_back({.learner = learner_of(scenario, k), .step = {}});
  const auto row = [&](Rank rank) -> Row& { return rows[static_cast<std::size_t>(rank.value)]; };
  std::vector<float> common(rows[0].learner->params().begin(), rows[0].learner->params().end());
  Step newest;
  std::map<Step, std::vector<float>> after;  // of gradients: what was common after each step
  after[newest] = common;
  for (const Entry& entry : world.log()) {
    switch (entry.kind) {
      case Entry::Kind::kFault:
      case Entry::Kind::kBegan:
      case Entry::Kind::kOut:
      case Entry::Kind::kGave:
      case Entry::Kind::kStepped:
      case Entry::Kind::kRestarted:
        break;
      case Entry::Kind::kLeft:
        row(entry.rank).is_present = false;
        if (arithmetic.left) arithmetic.left(entry.rank);
        break;
      case Entry::Kind::kEntered: {
        Row& one = row(entry.rank);
        if (one.is_present) objections.push_back("worker " + std::to_string(entry.rank.value) + " enters twice");
        one.is_present = true;
        one.step = entry.step;
        if (arithmetic.is_of_gradients && entry.step < newest) {
          if (entry.step.value + 1 < newest.value) objections.push_back("a step goes backwards");
          newest = entry.step;
          common = after.at(newest);
        }
        std::ranges::copy(common, one.learner->params().begin());
        if (arithmetic.entered) arithmetic.entered(entry.rank, common);
        break;
      }
      case Entry::Kind::kCommitted: {
        if (entry.step < newest) objections.push_back("a step goes backwards");
        newest = std::max(newest, entry.step);
        NamedSet set{.entry = entry, .models = {}, .samples = {}, .common = common, .objections = objections};
        for (const Rank rank : entry.view.members) {
          if (!row(rank).is_present) {
            objections.push_back("U2: worker " + std::to_string(rank.value) + " is in a set and not present");
          }
          Row& one = row(rank);
          if (arithmetic.is_of_gradients) {
            one.learner->compute_gradient(one.step);
            one.step = entry.step;
          } else {
            one.go_to(entry.step);
          }
          const std::span<const float> params =
              arithmetic.is_of_gradients ? one.learner->gradient() : one.learner->params();
          set.models.emplace_back(params.begin(), params.end());
          set.samples.push_back(static_cast<double>(scenario.problem.samples(rank.value)));
        }
        if (static_cast<int>(set.models.size()) < options.least) objections.push_back("a set of too few");
        const std::optional<std::vector<float>> next = arithmetic.committed(set);
        for (std::size_t k = 0; k < entry.view.members.size(); ++k) {
          const std::span<float> params = row(entry.view.members[k]).learner->params();
          if (arithmetic.is_of_gradients) {
            Learner& learner = *row(entry.view.members[k]).learner;
            std::ranges::copy(*next, learner.gradient().begin());
            learner.apply_gradient();
            common.assign(params.begin(), params.end());
          } else if (arithmetic.moves) {
            arithmetic.moves(set, k, params);
          } else if (next) {
            std::ranges::copy(*next, params.begin());
          }
        }
        if (next && !arithmetic.is_of_gradients) common = *next;
        after[entry.step] = common;
        break;
      }
    }
  }
  const std::span<const float> kept = world.hub().strategy().common_model();
  if (!arithmetic.is_of_gradients && !std::ranges::equal(kept, common))
    objections.push_back("U1: the coordinator has another common model");
  for (int k = 0; k < scenario.problem.workers; ++k) {
    Row& one = rows[static_cast<std::size_t>(k)];
    // Who was started again when all was over has nothing to join.
    if (!world.is_there(k) || !one.is_present || world.member(k).step() != Step{scenario.steps}) continue;
    one.go_to({scenario.steps});
    if (!std::ranges::equal(world.learner(k).params(), one.learner->params())) {
      objections.push_back("U1: worker " + std::to_string(k) + " has another model at the end");
    }
  }
  return objections;
}

}  // namespace laconic::tests
