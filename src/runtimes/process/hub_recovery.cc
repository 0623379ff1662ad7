// A coordinator that was started again: what its log says, and what those who are present have heard.
//
// Let b be the round of the newest result that anybody has heard, or that is in the log. Only one result of a round was
// ever sent, so whoever has heard it can tell those who have not. A common model is in the log before it is sent, so
// nobody has heard of one that the log has not. Who is two results behind is out. Then all wait for the result of round
// b + 1 or are on their way to it, and their parts come once more.
#include <algorithm>

#include "base/error.h"
#include "runtimes/process/hub.h"

namespace laconic::process {

std::vector<std::byte> Hub::state_to_log(std::span<const Answer> result, bool changes_model) {
  Archive archive;
  std::uint64_t history = history_;
  archive.value("hub.history", history);
  std::uint64_t version = version_;
  archive.value("hub.version", version);
  archive.value("hub.changes_model", changes_model);
  ByteWriter members;
  write_members(members, view_.members, workers());
  std::vector<std::byte> over = members.take();
  archive.bytes("hub.over", over, over.size());
  std::vector<Answer> answers(result.begin(), result.end());
  archive_result(archive, answers);
  archive_told(archive);
  strategy().archive_common(archive);
  strategy().archive(archive);  // what only the coordinator has, such as what it has not told yet
  return archive.take();
}

void Hub::archive_result(Archive& archive, std::vector<Answer>& result) const {
  std::uint64_t frames = result.size();
  archive.value("hub.frames", frames);
  if (frames > slots_.size())
    throw DecodeError("the coordinator's log: a result of " + std::to_string(frames) + " frames");
  result.resize(frames);
  for (Answer& answer : result) {
    ByteWriter to;
    write_members(to, answer.to, workers());
    std::vector<std::byte> ranks = to.take();
    archive.bytes("hub.to", ranks, ranks.size());
    std::vector<std::byte> wire(answer.frame.wire().begin(), answer.frame.wire().end());
    archive.bytes("hub.result", wire, options_.max_state);
    if (!archive.loading()) continue;
    ByteReader in(ranks, "a result in the coordinator's log");
    answer.to = read_members(in, workers());
    answer.frame = Frame::decode(wire, options_.max_state);
  }
}

void Hub::load_log() {
  const LogContents& log = options_.log->contents();
  if (!log.view) return;
  if (log.view->incarnations.size() != slots_.size()) {
    throw UsageError("the coordinator's log is of a job of " + std::to_string(log.view->incarnations.size()) +
                     " workers, and this one has " + std::to_string(workers()));
  }
  view_ = {.number = static_cast<std::uint32_t>(log.view->number), .members = log.view->present};
  incarnations_ = log.view->incarnations;
  if (events_.restarted) events_.restarted(view_);
  if (const std::optional<Synchronisation>& newest = log.synchronisation) {
    const std::vector<std::byte> state = options_.log->take_state();
    Archive archive(state);
    std::uint64_t history = 0;
    archive.value("hub.history", history);
    std::uint64_t version = 0;
    archive.value("hub.version", version);
    bool changes_model = false;
    archive.value("hub.changes_model", changes_model);
    std::vector<std::byte> over;
    archive.bytes("hub.over", over, (slots_.size() + 7) / 8);
    ByteReader members(over, "view of the newest common model");
    archive_result(archive, logged_result_);
    archive_told(archive);
    strategy().archive_common(archive);
    strategy().archive(archive);
    archive.expect_end();
    history_ = static_cast<std::uint32_t>(history);
    version_ = static_cast<std::uint32_t>(version);
    logged_ = newest->number;
    step_ = newest->step;
    told_view_ = static_cast<std::uint32_t>(newest->view);
    seat_->node.comm().resume_at(newest->round);
    if (events_.committed) {
      events_.committed({.step = step_,
                         .view = {.number = told_view_, .members = read_members(members, workers())},
                         .changes_model = changes_model,
                         .traffic = logged_result_.front().frame.header().traffic,
                         .over = balanced_in(logged_result_),
                         .logged = logged_});
    }
  }
  has_begun_ = !view_.members.empty() || version_ > 0;
  has_forgotten_ = keeps_nothing() && has_begun_;
  if (view_.members.empty()) return;
  waiting_since_.reset();
  was_restarted_ = true;
  recovery_.emplace();
  recovery_->until = loop_.now() + silence();
}

void Hub::hear_here(Rank from, const Here& here) {
  if (!recovery_ || !view_.contains(from)) {
    // Too late: its place in the view is gone. Who is present has no reason to say so.
    if (!view_.contains(from)) send(from, Out{.reason = "the coordinator was started again and went on without it"});
    return;
  }
  if (lost_.contains(from)) return;  // what it said before cannot be
  hear_at(from, here.step);
  slot(from).state = Slot::State::kPresent;
  recovery_->here[from] = here;
}

void Hub::hear_heard(Rank from, const Heard& heard) {
  if (!recovery_ || recovery_->asked != from) return;
  Frame frame = Frame::decode(heard.result, options_.max_state);
  if (!recovery_->here.contains(from)) return;
  if (frame.header().traffic == Traffic::kModel ||
      frame.header().round.value + 1 != recovery_->here.at(from).round.value) {
    throw DecodeError("it says that it has heard a result that nobody was told");
  }
  static_cast<void>(next_history(0, frame, workers()));  // throws where it is no result
  // Of several frames it would be in the log: it is for all.
  recovery_->newest = {{.frame = std::move(frame), .to = view_.members}};
}

// Nothing that it has said counts.
void Hub::forget_in_recovery(Rank rank) {
  recovery_->here.erase(rank);
  if (recovery_->asked == rank) recovery_->asked.reset();
}

void Hub::look_after_recovery() {
  const Seconds now = loop_.now();
  std::erase_if(recovery_->here,
                [&](const auto& one) { return now - loop_.last_heard(process_of(one.first)) >= silence(); });
  if (recovery_->here.size() < view_.size() && now < recovery_->until) return;
  const Round logged = seat_->node.comm().upcoming_round();
  if (is_asynchronous()) {
    bring_each_to_its_own();
    end_recovery({});
    return;
  }
  Round front = logged;
  std::optional<Rank> ahead;
  for (const auto& [rank, here] : recovery_->here) {
    if (here.round <= front) continue;
    front = here.round;
    ahead = rank;
  }
  if (!ahead) {
    bring_all_to(front, history_, logged_result_);
    end_recovery(front);
    return;
  }
  const Here& newest = recovery_->here.at(*ahead);
  const bool all_have_it =
      std::ranges::all_of(recovery_->here, [&](const auto& one) { return one.second.round == front; });
  if (!all_have_it && recovery_->newest.empty()) {
    if (recovery_->asked != ahead) {
      send(*ahead, Repeat{});
      recovery_->asked = ahead;
      recovery_->answer_until = now + options_.comm.deadline;
    } else if (now >= recovery_->answer_until) {
      lose(*ahead, "it does not say the result that it says it has heard");
    }
    return;
  }
  history_ = newest.history;
  step_ = newest.step;
  has_forgotten_ = false;
  told_view_ = newest.view;
  bring_all_to(front, history_, recovery_->newest);
  end_recovery(front);
}

// Sends the result before round `front` to those who have not heard it; who has heard something else is out.
void Hub::bring_all_to(Round front, std::uint32_t history, std::span<const Answer> newest) {
  for (const auto& [rank, here] : recovery_->here) {
    if (here.round == front && here.history == history) continue;
    const auto own = std::ranges::find_if(
        newest, [rank = rank](const Answer& answer) { return std::ranges::find(answer.to, rank) != answer.to.end(); });
    const bool lacks_one = here.round.value + 1 == front.value && own != newest.end() &&
                           own->frame.header().round == here.round &&
                           next_history(here.history, own->frame, workers()) == history;
    if (lacks_one) {
      seat_->endpoint.send(rank, own->frame);
    } else {
      slot(rank).state = Slot::State::kPresent;
      dismiss(rank, "it has heard other results than the rest");
    }
  }
}

void Hub::end_recovery(Round front) {
  const std::map<Rank, Here> here = std::exchange(recovery_, std::nullopt)->here;
  for (const Rank rank : std::vector(view_.members)) {
    if (!here.contains(rank)) lose(rank, "it was not there when the coordinator was started again");
  }
  seat_->node.comm().resume_at(front);
  seat_->endpoint.mailbox().drop_before(front);
  start_coordinating();
}

}  // namespace laconic::process
