// What is saved of a run while all processes stand still, and loaded before it goes on.
#include <utility>

#include "base/error.h"
#include "runtimes/node/node_state.h"
#include "runtimes/process/run.h"

namespace laconic::process {

Task<void> Run::checkpoint(Node&) {
  co_await drain(kCheckpoints);
  if (leads()) {
    co_await measure_what_is_due();
    if (stopped_) co_return;
    // What a worker said before it stopped has come before its word that it has.
    if (const std::optional<Rank> missing = evaluation_.missing()) {
      throw PeerLost("worker 0 got no report of worker " + std::to_string(missing->value) + " up to step " +
                     std::to_string(worker().step().value) +
                     ", at which all have stopped; see whether the network loses frames");
    }
  }
  if (options_.checkpoints.keeper == nullptr) co_return;
  if (leads()) {
    co_await lead_save(*options_.checkpoints.keeper);
  } else {
    co_await follow_save();
  }
}

// Nobody goes on before the checkpoint is whole: what comes for a process must not change what it saves.
Task<void> Run::follow_save() {
  const DrainVerdict begin = co_await take_drain_verdict(kCheckpoints);
  LACONIC_CHECK(begin == DrainVerdict::kSave, "a checkpoint that is not to be saved");
  ByteWriter out;
  encode_part(out, save_worker());
  const FrameHeader header{Traffic::kControl, Tag::kReport, kCheckpoints};
  send_report(header, out.bytes());
  const Frame frame = co_await take_verdict(kCheckpoints, "that the checkpoint is whole");
  ByteReader in(frame.payload(), "word that the checkpoint is whole");
  const std::vector<Step> kept = decode_kept(in);
  options_.checkpoints.keeper->keep_only(kept);
}

Task<void> Run::lead_save(CheckpointKeeper& keeper) {
  const Step step = worker().step();
  tell_all(kCheckpoints, DrainVerdict::kSave);
  std::vector<PartRecord> parts = {save_worker()};
  if (coordinator_) {
    Archive part;
    archive_coordinator(part);
    parts.push_back(keeper.save(step, part_name(kCoordinator), part.take()));
  }
  Archive run;
  archive_run(run);
  parts.push_back(keeper.save(step, kRunPart, run.take()));
  Model model = model_to_measure();
  Step of = step;
  Seconds now = local_.clock.now();
  Archive model_part;
  archive_model(model_part, of, now, model.params, model.buffers);
  parts.push_back(keeper.save(step, kModelPart, model_part.take()));
  for (Rank rank{1}; rank.value < size_; ++rank.value) {
    const Frame frame = co_await take_report(kCheckpoints, rank, "word that its part of the checkpoint is saved");
    try {
      parts.push_back(decode_part(frame.payload()));
    } catch (const DecodeError& error) {
      throw DecodeError("report of worker " + std::to_string(rank.value) +
                        " on its part of a checkpoint: " + error.what());
    }
    if (parts.back().name != part_name(rank)) {
      throw DecodeError("worker " + std::to_string(rank.value) + " saved part '" + parts.back().name + "'");
    }
  }
  const std::vector<Step> kept = keeper.complete(step, std::move(parts));
  ByteWriter out;
  encode_kept(out, kept);
  const FrameHeader header{Traffic::kControl, Tag::kVerdict, kCheckpoints};
  for (Rank rank{1}; rank.value < size_; ++rank.value) send_verdict(rank, header, out.bytes());
}

PartRecord Run::save_worker() {
  Archive part;
  archive_worker(part);
  return options_.checkpoints.keeper->save(worker().step(), part_name({rank_}), part.take());
}

void Run::archive_worker(Archive& part) {
  worker_seat_.node.archive(part);
  local_.ledger.archive(part, {rank_});
  part.value("process.sent", local_.sent);
  part.value("process.delivered", local_.delivered);
  Seconds now = local_.clock.now();
  part.value("process.now", now.value);
  if (part.loading()) local_.clock.set(now);
}

void Run::archive_coordinator(Archive& part) {
  coordinator_->node.archive(part);
  local_.ledger.archive(part, kCoordinator);
}

void Run::archive_run(Archive& part) {
  evaluation_.archive(part);
  part.value("run.always_synchronised", always_synchronised_);
  bool has_model = synchronised_.has_value();
  part.value("run.has_model", has_model);
  if (has_model) {
    if (!synchronised_) synchronised_ = model_of(learner_);
    part.floats("run.params", synchronised_->params);
    part.floats("run.buffers", synchronised_->buffers);
  }
  if (observer_.archive) observer_.archive(part);
}

void Run::load(const ResumePoint& point) {
  if (point.from_model) {
    local_.clock.set(load_model(point, worker_seat_.node));
    if (leads()) load_part(point, kRunPart, [this](Archive& part) { archive_run(part); });
    return;
  }
  load_node(point, worker_seat_.node, [this](Archive& part) { archive_worker(part); });
  if (coordinator_) load_node(point, coordinator_->node, [this](Archive& part) { archive_coordinator(part); });
  if (leads()) load_part(point, kRunPart, [this](Archive& part) { archive_run(part); });
}

}  // namespace laconic::process
