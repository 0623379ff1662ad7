// What a node of dynamic averaging with balancing does on both its clocks (strategies/dma.cc): a worker looks at how far
// its model has strayed from the reference and tells it; the coordinator balances the models of some.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "comm/mean_weights.h"
#include "mechanisms/balance.h"
#include "mechanisms/budget.h"
#include "mechanisms/dma_messages.h"
#include "mechanisms/dma_options.h"
#include "mechanisms/model_codec.h"

namespace laconic {

// What all nodes of a job know.
struct DmaJob {
  const DmaOptions& options;
  const StrategySetting& setting;
  SharedVector start;        // the first reference
  SharedWeights weights;     // B_i of each worker
  Budget::Costs costs = {};  // with a budget
};

// The two clocks.
std::unique_ptr<Strategy> make_dma_in_rounds(const DmaJob& job);
std::unique_ptr<Strategy> make_asynchronous_dma(const DmaJob& job);

class DmaNode : public Strategy {
 public:
  void archive(Archive& archive) override;
  void archive_common(Archive& archive) override;
  std::span<const float> common_model() const override { return codec_.reference(); }

 protected:
  // `behind_model`, `behind_mean`: bytes behind a model on its way up, and behind a mean on its way down, flag included.
  DmaNode(const DmaJob& job, std::size_t behind_model, std::size_t behind_mean);

  const DmaOptions& options() const { return options_; }
  std::size_t dimension() const { return codec_.reference().size(); }  // d
  // How many workers there are, and how many of them are there.
  std::size_t nodes() const { return nodes_; }
  std::size_t present() const { return present_; }
  void now_present(std::size_t count) { present_ = count; }
  std::vector<Rank> everyone() const;

  // ---- a worker

  // ||f_i - r||^2, and whether that is more than Delta.
  Task<double> distance(Worker& self);
  bool strays(double distance) const { return !(distance <= threshold_); }
  bool check_is_due(const Worker& self) const { return self.step().value % options_.check_every == 0; }
  // The worker's model on its way, with the bytes of `behind` after it; and where it is compressed how it is read at
  // the other end.
  struct Told {
    Frame frame;
    SharedVector model;  // empty: whole
  };
  Task<Told> tell_model(Worker& self, Round round, std::span<const std::byte> behind = {});
  // The mean in a frame of the coordinator's. Throws DecodeError.
  SharedVector mean_in(const Frame& frame) { return codec_.decode(frame, behind_mean_); }
  // The worker has taken in the mean: of all, it is the reference from now on.
  void after_balance(Worker& self, const Frame& frame, const SharedVector& mean);

  // ---- the coordinator

  // A balance around the reference, without members.
  Balance no_balance() const { return {codec_.reference(), weights_->of_worker()}; }
  // Adds a node's model to the balance; or says why not.
  Task<DmaVerdict> take(Comm& comm, Balance& balance, Rank node, const Frame& frame);
  // Asks those of `rest`, in their order, for their models until the mean is near enough or nobody is left. `refuse`
  // tells a node what is amiss with its model.
  Task<void> enlarge(Comm& comm, Balance& balance, bool to_all, std::vector<Rank> rest, Round round,
                     std::function<void(Rank, DmaVerdict)> refuse);
  // The model of the balance to its members, with the bytes of `behind` after its flag. `number`: of this balance among
  // those of its round. Returns its frame.
  Task<Frame> answer(Comm& comm, const Balance& balance, Round round, std::uint64_t number,
                     std::span<const std::byte> behind = {});
  // Whoever is asked for a model is drawn.
  RandomStream drawn(std::uint64_t round) const { return {seed_, "dma", {round}}; }
  // Counts violations since the last full synchronisation. Returns whether the balance has to be of all.
  bool too_many(std::uint64_t violators);
  std::uint64_t violations() const { return violations_; }
  void set_violations(std::uint64_t count) { violations_ = count; }

  // What a frame of a node that was asked is, where it is no model: then whether that node still owes its model.
  enum class Notice { kNone, kOwes, kOwesNothing };

  double threshold_;              // of this check
  std::uint64_t references_ = 0;  // full synchronisations taken in

 private:
  virtual void tell(Comm& comm, Rank node, Round round, DmaVerdict verdict) = 0;
  virtual void send_down(Comm& comm, Rank node, const Frame& frame) { comm.send(node, frame); }
  // Of those that were asked for their models what comes until `end`.
  virtual Task<std::vector<Contribution>> replies_of(Comm& comm, std::vector<Rank> group, Round round, Seconds end);
  virtual Notice read_notice(const Comm& comm, Rank node, const Frame& frame);
  // Whether a model has strayed from another reference than the coordinator's.
  virtual bool is_of_other_reference(const Frame& frame) const;
  Task<bool> enough(Comm& comm, const Balance& balance) const;

  DmaOptions options_;
  std::size_t nodes_;
  std::uint64_t seed_;
  std::size_t behind_model_;
  std::size_t behind_mean_;
  SharedWeights weights_;
  ModelCodec codec_;  // of the reference
  // The coordinator's.
  std::uint64_t violations_ = 0;
  std::size_t present_;
};

}  // namespace laconic
