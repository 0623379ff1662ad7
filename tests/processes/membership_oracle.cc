#include "membership_oracle.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace laconic::tests {
namespace {

// One row of the matrix: a worker's model after so many steps.
struct Row {
  std::unique_ptr<Learner> learner;
  Step step;
  bool is_present = false;

  void go_to(Step target) {
    for (; step < target; ++step.value) learner->local_step(step);
  }
  std::vector<float> model() { return {learner->params().begin(), learner->params().end()}; }
};

std::vector<float> mean_of(const std::vector<std::vector<float>>& models) {
  std::vector<float> mean(models.front().size());
  for (std::size_t j = 0; j < mean.size(); ++j) {
    double sum = 0.0;
    for (const std::vector<float>& model : models) sum += static_cast<double>(model[j]);
    mean[j] = static_cast<float>(sum / static_cast<double>(models.size()));
  }
  return mean;
}

double variance_of(const std::vector<std::vector<float>>& models) {
  double sum = 0.0;
  for (std::size_t j = 0; j < models.front().size(); ++j) {
    double mean = 0.0;
    for (const auto& model : models) mean += static_cast<double>(model[j]);
    mean /= static_cast<double>(models.size());
    for (const auto& model : models) sum += std::pow(static_cast<double>(model[j]) - mean, 2);
  }
  return sum / static_cast<double>(models.size());
}

}  // namespace

std::vector<std::string> objections_to(MembershipWorld& world, const MembershipOptions& options,
                                       std::optional<double> threshold) {
  using Entry = MembershipWorld::Entry;
  std::vector<std::string> objections;
  const Scenario& scenario = options.scenario;
  std::vector<Row> rows(static_cast<std::size_t>(scenario.problem.workers));
  for (int k = 0; k < scenario.problem.workers; ++k)
    rows[static_cast<std::size_t>(k)].learner = learner_of(scenario, k);
  std::vector<float> common = rows[0].model();
  const auto row = [&](Rank rank) -> Row& { return rows[static_cast<std::size_t>(rank.value)]; };
  // The variance of the newest check, which is judged once it is known whether models followed.
  std::optional<std::pair<Step, double>> check;
  std::vector<Rank> checked;
  const auto judge = [&](bool synchronised) {
    if (!check || !threshold) return;
    constexpr double kRounding = 1e-4;
    const auto [step, variance] = *std::exchange(check, std::nullopt);
    if (!synchronised && variance > *threshold * (1.0 + kRounding) + kRounding) {
      objections.push_back("U3: after step " + std::to_string(step.value) + " the variance is " +
                           std::to_string(variance) + ", and nobody synchronised");
    }
  };
  Step newest;
  for (const Entry& entry : world.log()) {
    if (entry.kind == Entry::Kind::kLeft) {
      row(entry.rank).is_present = false;
      // Where nobody is left of those that a check was of, their round is given up, and their models with it.
      const auto is_present = [&](Rank rank) { return row(rank).is_present; };
      if (check && std::ranges::none_of(checked, is_present)) check.reset();
      continue;
    }
    if (entry.kind == Entry::Kind::kRestarted) {
      for (std::size_t k = 0; k < rows.size(); ++k) {
        rows[k].is_present = rows[k].is_present && entry.view.contains({static_cast<std::int32_t>(k)});
      }
      continue;
    }
    if (entry.kind == Entry::Kind::kEntered) {
      Row& one = row(entry.rank);
      if (one.is_present) objections.push_back("worker " + std::to_string(entry.rank.value) + " enters twice");
      one.is_present = true;
      one.step = entry.step;
      std::copy(common.begin(), common.end(), one.learner->params().begin());
      if (entry.step < newest) objections.push_back("a step goes backwards");
      if (!entry.view.contains(entry.rank)) objections.push_back("a view without who enters it");
      continue;
    }
    // Below the newest common model nobody goes; checks since then may be repeated.
    if (entry.step < newest) objections.push_back("a step goes backwards");
    if (entry.changes_model) newest = entry.step;
    std::vector<std::vector<float>> models;
    for (const Rank rank : entry.view.members) {
      if (!row(rank).is_present) {
        objections.push_back("U2: worker " + std::to_string(rank.value) + " is in an average and not present");
      }
      row(rank).go_to(entry.step);
      models.push_back(row(rank).model());
    }
    if (static_cast<int>(models.size()) < options.least) objections.push_back("an average over too few");
    if (!entry.changes_model) {
      if (check && check->first < entry.step) judge(false);  // a check may take several exchanges
      check.emplace(entry.step, variance_of(models));
      checked = entry.view.members;
      continue;
    }
    judge(true);
    common = mean_of(models);
    for (const Rank rank : entry.view.members) {
      std::copy(common.begin(), common.end(), row(rank).learner->params().begin());
    }
  }
  judge(false);
  const std::span<const float> kept = world.hub().strategy().common_model();
  if (!std::ranges::equal(kept, common)) objections.push_back("U1: the coordinator has another common model");
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
