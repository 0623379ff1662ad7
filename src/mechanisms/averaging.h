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

#include <functional>

#include "comm/mean_weights.h"
#include "mechanisms/model_codec.h"

namespace laconic {

class Averaging {
 public:
  Averaging(const StrategySetting& setting, SharedWeights weights);

  // The weighted average of all workers' params(), d elements; the workers call it in the same round. Where it is compressed it
  // becomes what the next differences are taken from.
  Task<SharedVector> mean(Worker& self);
  // Has the next differences taken from `common`, the same on all nodes, where averages are compressed.
  void refer_to(const SharedVector& common);
  // The coordinator's side; serves the other collectives too. `averaged` is told of each average of whole models, where
  // workers come and go; it may be empty.
  Task<void> coordinate(Coordinator& self, std::function<void(const SharedVector& mean)> averaged = {});

  // Where workers come and go, without compression: the newest average, before the first one the start.
  const SharedVector& common() const { return common_; }
  void archive_common(Archive& archive);

  bool compresses() const { return up_.compresses(); }
  void archive(Archive& archive);

 private:
  Task<Frame> collect(Comm& comm, Round round, Rank first_rank, Frame first);

  std::uint64_t seed_;
  SharedWeights weights_;
  CompressorFactory compressor_;
  ModelCodec up_;
  SharedVector common_;  // empty where all are present always
  // The collector's, made when it first collects: of differences, whatever they are from.
  std::optional<ModelCodec> down_;
};

// Adds one average of all models to what a synchronisation costs.
void add_average(TrafficFormula& formula, const StrategySetting& setting);

}  // namespace laconic
