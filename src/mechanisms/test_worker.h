// What the tests of this folder share: workers on a network within the test, and saved state.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "comm/test_network.h"
#include "compress/test_support.h"
#include "protocol/worker.h"

namespace laconic {

// A worker on a vector, whose step takes the gradient off it; work is done at once.
class TestWorker final : private Learner, private StrategyEvents {
 public:
  TestWorker(Transport& transport, std::vector<float> model, const CommOptions& options = {})
      : comm(transport, processor_, options),
        self(transport.self(), 1, {.learner = *this, .comm = comm, .processor = processor_, .events = *this}),
        model_(std::move(model)),
        gradient_(model_.size()),
        layout_(flat_layout(model_.size())) {}
  TestWorker(const TestWorker&) = delete;
  TestWorker& operator=(const TestWorker&) = delete;

 private:
  InPlaceProcessor processor_;

 public:
  Comm comm;
  Worker self;
  std::vector<std::string> warnings;
  std::map<std::string, double, std::less<>> figures;  // measured last

 private:
  std::span<float> params() override { return model_; }
  std::span<float> gradient() override { return gradient_; }
  const Layout& layout() const override { return layout_; }
  std::span<float> buffers() override { return {}; }
  std::uint64_t samples() const override { return 1; }
  double learning_rate() const override { return 1.0; }
  StepResult compute_gradient(Step) override { return {.loss = 0.0, .samples = 1}; }
  void apply_gradient() override {
    for (std::size_t j = 0; j < model_.size(); ++j) model_[j] -= gradient_[j];
  }
  StepResult local_step(Step step) override {
    apply_gradient();
    return compute_gradient(step);
  }
  Evaluation evaluate(std::span<const float>, std::span<const float>, Split) override { return {}; }
  void archive(Archive&) override {}
  void synchronised(Rank, Step) override {}
  void measured(Rank, Step, std::string_view name, double value) override { figures[std::string(name)] = value; }
  void warned(Rank, Step, const std::string& text) override { warnings.push_back(text); }

  std::vector<float> model_;
  std::vector<float> gradient_;
  Layout layout_;
};

// All workers of a job, and its network.
struct Crew {
  explicit Crew(const std::vector<std::vector<float>>& models, const CommOptions& options = {})
      : network(static_cast<int>(models.size())) {
    for (std::size_t k = 0; k < models.size(); ++k) {
      workers.emplace_back(network.node(static_cast<int>(k)), models[k], options);
    }
  }
  // The same on all workers, side by side.
  void each(const std::function<Task<void>(Worker&)>& part) {
    std::vector<Task<void>> tasks;
    for (TestWorker& worker : workers) tasks.push_back(part(worker.self));
    network.run(std::move(tasks));
  }

  TestNetwork network;
  InPlaceProcessor processor;  // for the coordinator's Comm
  std::deque<TestWorker> workers;
};

inline std::vector<std::vector<float>> gaussian_models(std::size_t workers, std::size_t size, std::uint64_t seed = 1) {
  std::vector<std::vector<float>> models;
  for (std::size_t k = 0; k < workers; ++k) models.push_back(gaussian_vector(size, seed * 1000 + k));
  return models;
}

inline CompressorFactory operator_of(const std::string& name, const std::map<std::string, std::string>& options,
                                     std::size_t size) {
  const Case made = make_case(name, options);
  return made.row->make(made.options, flat_layout(size));
}

// What object.archive(archive, more...) keeps; and the same read back.
template <typename Object, typename... More>
std::vector<std::byte> saved(Object& object, const More&... more) {
  Archive archive;
  object.archive(archive, more...);
  return archive.take();
}
template <typename Object, typename... More>
void load(Object& object, std::span<const std::byte> bytes, const More&... more) {
  Archive archive(bytes);
  object.archive(archive, more...);
  archive.expect_end();
}

// The text of the error with which `work` ends; a failure of the test where it ends with another or with none.
template <typename ErrorType, typename Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const ErrorType& error) {
    return error.what();
  }
  ADD_FAILURE() << "no such error";
  return {};
}
inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace laconic
