// The average of all workers' models, for the strategies that synchronise them all: an all-reduce of whole models, or,
// where the job compresses, of compressed differences from the last common model, in both directions
// (mechanisms/model_codec.h; Tang et al. 2019, DoubleSqueeze).
//
//   worker k     sends C(v_k),  v_k = x_k - r + e_k
//   collector    m := sum_k a_k C(v_k) / sum_k a_k;  sends C(v),  v = m + e        a_k: worker k's weight
//   all          the average := r + C(v), the same bits;  r := it
//
// The collector is the coordinator, or worker 0 where collectives go between the workers. Nothing is lost: what a
// message leaves out stays in e and comes with a later one.
// Messages, compressed: K up and K down; K - 1 each without a coordinator.
#pragma once

#include <span>

#include "comm/mean_weights.h"
#include "mechanisms/model_codec.h"

namespace laconic {

class Averaging {
 public:
  Averaging(const StrategySetting& setting, SharedWeights weights);

  // The weighted average of all workers' params(), d elements; the workers call it in the same round. Where it is
  // compressed it becomes what the next differences are taken from.
  Task<SharedVector> mean(Worker& self);
  // Has the next differences taken from `common`, the same on all nodes, where averages are compressed.
  void refer_to(const SharedVector& common);
  // The coordinator's side; serves the other collectives too. Where workers come and go `follow` hears of each result,
  // averages of compressed changes included, which are of Traffic::kModel too; and what the coordinator's differences
  // are taken from is then what it refers to. It may be empty: what is in common is then the newest average.
  Task<void> coordinate(Coordinator& self, Follow follow = {});

  // Where workers come and go and coordinate() follows nothing: the newest average, before the first one the start.
  std::span<const float> common() const { return compresses() ? up_.reference() : common_; }
  void archive_common(Archive& archive);

  bool compresses() const { return up_.compresses(); }
  void archive(Archive& archive);

 private:
  Task<Frame> collect(Comm& comm, Round round, Rank first_rank, Frame first);
  Task<void> collect_present(Comm& comm, Attendance& attendance, Round round, Arrival first, const Follow& follow);
  void begin_collecting();

  std::uint64_t seed_;
  SharedWeights weights_;
  CompressorFactory compressor_;
  ModelCodec up_;
  SharedVector common_;  // empty where all are present always, or averages are compressed
  // The collector's, made when it first collects: of differences, whatever they are from.
  std::optional<ModelCodec> down_;
};

// Adds one average of all models to what a synchronisation costs.
void add_average(TrafficFormula& formula, const StrategySetting& setting);

}  // namespace laconic
