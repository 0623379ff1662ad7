// A job of a benchmark: its text becomes a run and the run a few figures; and the search for its best settings.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "tuning.h"

namespace laconic::bench {

// What a run came to. One that diverged has accuracy by chance: it is a result.
struct JobRun {
  bool diverged = false;
  double validation = 0.0;  // accuracies of the average model, in [0, 1]
  double test = 0.0;
  double own = 0.0;        // mean of the workers' own models
  double own_least = 0.0;  // the worst of them
  double sent_gb = 0.0;    // framed, all workers
  double model_gb = 0.0;   // of it models
  std::uint64_t syncs = 0;
  double message = 0.0;       // mean bytes of a frame
  double bytes_a_step = 0.0;  // framed, all workers
  double disagreement = 0.0;  // (1/K) sum ||x_i - mean||^2 at the end; where own models were measured
};
JobRun run_text(const std::string& text, const std::string& file);
// Throws what run_text would throw before its first step.
void check_text(const std::string& text, const std::string& file);

struct Choice {
  double learning_rate = 0.1;
  double gamma = 0.25;
  friend bool operator==(const Choice&, const Choice&) = default;
};

// The rule by which every method is tuned. From the common start the learning rate, and before it gamma where there is
// one, moves by a factor of 4 while the validation accuracy is better there; then each once more by a factor of 2. (A
// quick run leaves that out.)
//
// A gamma that is too large can look fine for long, so a run of full length confirms the choice: as long as it ends
// with less than the short one, gamma (the learning rate, where there is no gamma) is divided by 4, three times at
// most.
class Search {
 public:
  struct Options {
    std::vector<double> factors = {4.0, 2.0};
    bool has_gamma = false;
    Choice start = {};
    double nothing = 0.15;  // with an accuracy below this a model has learnt nothing
  };
  // `run` gives the validation accuracy of a choice, in a short run or in one of full length.
  Search(Options options, std::function<double(const Choice&, bool full)> run)
      : options_(std::move(options)), run_(std::move(run)), best_(options_.start) {}

  void search();
  const Choice& best() const { return best_; }
  double accuracy_of_tuning() const;
  std::size_t runs() const { return tried_.size() + confirmations_; }

 private:
  static constexpr int kCautions = 3;
  double accuracy(const Choice& choice);

  Options options_;
  std::function<double(const Choice&, bool)> run_;
  Choice best_;
  std::map<std::pair<double, double>, double> tried_;
  std::size_t confirmations_ = 0;
};

}  // namespace laconic::bench
