// Who is present, within one test: at the coordinator a list that the test writes, at a worker what it has heard.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "comm/attendance.h"

namespace laconic {

class Book final : public Attendance {
 public:
  // Workers 0, 1, ...
  explicit Book(int workers, std::uint32_t history) : history_(history) {
    for (std::int32_t rank = 0; rank < workers; ++rank) view_.members.push_back({rank});
  }

  void begin(const Frame&) override {}
  const View& view() const override { return view_; }
  bool is_there(Rank rank) const override { return view_.contains(rank) && !lost.contains(rank); }
  Step step() const override { return {}; }
  std::uint32_t history() const override { return history_; }
  void dismiss(Rank rank, const std::string& why) override {
    dismissed[rank] = why;
    std::erase(view_.members, rank);
    ++view_.number;
  }
  Seconds allowance(Rank) const override { return {}; }
  bool is_enough() const override { return view_.size() >= least; }
  void give_up() override { ++given_up; }
  bool has_news() const override { return view_.number != 1; }
  void commit(Round, Step step, std::span<const Answer>, bool changes_model) override {
    committed.emplace_back(step, changes_model);
  }

  void begin_average() override {}
  void abandon() override { ++abandoned; }
  std::uint64_t entry(Rank) const override { return 0; }
  bool was_restarted() const override { return false; }

  std::size_t least = 1;
  std::set<Rank> lost;  // and still in the view
  std::map<Rank, std::string> dismissed;
  int given_up = 0;
  int abandoned = 0;
  std::vector<std::pair<Step, bool>> committed;

 private:
  View view_{.number = 1, .members = {}};
  std::uint32_t history_;
};

class Hearer final : public Membership {
 public:
  Hearer(const Standing& own, const View& first) : view_(first), own_(own) {}

  Standing standing() override { return own_; }
  void heard(const View& now, const Frame&) override {
    view_ = now;
    ++results;
  }
  const View& view() const override { return view_; }
  std::uint32_t coordinators() const override { return 1; }

  int results = 0;

 private:
  View view_;
  Standing own_;
};

}  // namespace laconic
