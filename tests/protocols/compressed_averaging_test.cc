// Averages of compressed differences, against the algorithm written out over all workers at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "mechanisms/model_codec.h"
#include "run.h"

namespace laconic::tests {
namespace {

using Vector = std::vector<double>;

// The k largest magnitudes of v; the rest 0.
Vector largest(const Vector& v, std::size_t k) {
  std::vector<std::size_t> order(v.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::abs(v[a]) > std::abs(v[b]); });
  Vector result(v.size(), 0.0);
  for (std::size_t i = 0; i < k; ++i) result[order[i]] = v[order[i]];
  return result;
}

struct DoubleSqueeze {
  Vector reference;
  std::vector<Vector> up;  // errors
  Vector down;
  std::size_t k;

  // The common model after an average of `models`, of which those in `chosen` speak.
  Vector average(const std::vector<Vector>& models, const std::vector<std::size_t>& chosen, const Vector& weights) {
    Vector sum(reference.size(), 0.0);
    double total = 0.0;
    for (const std::size_t i : chosen) {
      Vector v = up[i];
      for (std::size_t j = 0; j < v.size(); ++j) v[j] += models[i][j] - reference[j];
      const Vector c = largest(v, k);
      for (std::size_t j = 0; j < v.size(); ++j) {
        up[i][j] = v[j] - c[j];
        sum[j] += weights[i] * c[j];
      }
      total += weights[i];
    }
    for (std::size_t j = 0; j < sum.size(); ++j) down[j] += sum[j] / total;
    const Vector c = largest(down, k);
    for (std::size_t j = 0; j < sum.size(); ++j) {
      down[j] -= c[j];
      reference[j] += c[j];
    }
    return reference;
  }
};

Scenario compressed(const std::string& strategy, std::map<std::string, std::string> options) {
  return {.problem = {.workers = 5, .dimension = 40, .seed = 4, .learning_rate = 0.05},
          .strategy = strategy,
          .options = std::move(options),
          .steps = 60,
          .compressor = "top_k",
          .compression = {{"k", "7"}}};
}

// What all workers hold in the end.
Vector expected(const Scenario& s, std::uint64_t period) {
  const auto workers = static_cast<std::size_t>(s.problem.workers);
  const std::vector<float> start = s.problem.start();
  const Vector first(start.begin(), start.end());
  DoubleSqueeze oracle{.reference = first,
                       .up = std::vector<Vector>(workers, Vector(first.size(), 0.0)),
                       .down = Vector(first.size(), 0.0),
                       .k = 7};
  std::vector<Vector> models(workers, first);
  std::vector<std::size_t> everyone(workers);
  std::iota(everyone.begin(), everyone.end(), std::size_t{0});
  Vector weights(workers, 1.0);
  const auto given = s.options.find("weights");
  if (given == s.options.end() ? s.strategy == "fedavg" : given->second == "samples") {
    for (std::size_t i = 0; i < workers; ++i) {
      weights[i] = static_cast<double>(s.problem.samples(static_cast<int>(i)));
    }
  }
  for (std::uint64_t step = 0; step < s.steps; ++step) {
    for (std::size_t i = 0; i < workers; ++i) {
      const Vector gradient = s.problem.gradient(static_cast<int>(i), step, models[i]);
      for (std::size_t j = 0; j < first.size(); ++j) models[i][j] -= s.problem.rate(step) * gradient[j];
    }
    if ((step + 1) % period == 0) {
      std::fill(models.begin(), models.end(), oracle.average(models, everyone, weights));
    }
  }
  return models.front();
}

TEST(CompressedAverages, AreErrorFeedbackInBothDirections) {
  const std::vector<std::pair<Scenario, std::uint64_t>> cases = {
      {compressed("synchronous", {}), 1},
      {compressed("periodic", {{"period", "4"}}), 4},
      {compressed("fedopt", {{"server", "average"}, {"period", "4"}}), 4},
      {compressed("fedavg", {{"period", "4"}}), 4},
      {compressed("fda", {{"threshold", "0"}, {"monitor", "naive"}, {"check_every", "4"}}), 4},
      {compressed("synchronous", {{"weights", "samples"}}), 1},
      {compressed("periodic", {{"period", "4"}, {"weights", "samples"}}), 4},
      {compressed("fedopt", {{"server", "average"}, {"period", "4"}, {"weights", "samples"}}), 4},
      {compressed("fedavg", {{"period", "4"}, {"weights", "equal"}}), 4},
      {compressed("fda", {{"threshold", "0"}, {"monitor", "naive"}, {"check_every", "4"}, {"weights", "samples"}}), 4}};
  for (auto [scenario, period] : cases) {
    const Vector truth = expected(scenario, period);
    for (const Collective collective : {Collective::kStar, Collective::kRing}) {
      scenario.collective = collective;
      const Result result = run(scenario);
      ASSERT_EQ(result.outcome.end, Outcome::End::kSteps) << scenario.strategy;
      for (const auto& params : result.params) {
        for (std::size_t j = 0; j < truth.size(); ++j) ASSERT_NEAR(params[j], truth[j], 2e-5) << scenario.strategy;
      }
    }
  }
}

TEST(CompressedAverages, ComeNearTheMinimumWithEveryKindOfOperator) {
  const std::vector<std::pair<std::string, std::map<std::string, std::string>>> operators = {
      {"top_k", {{"ratio", "0.1"}}},
      {"random_k", {{"ratio", "0.2"}}},
      {"sign", {}},
      {"qsgd", {}},
      {"bfloat16", {}},
      {"natural", {}}};
  const std::vector<std::pair<std::string, std::map<std::string, std::string>>> strategies = {
      {"periodic", {{"period", "2"}}},
      {"fedavg", {{"period", "2"}}},
      {"fedopt", {{"period", "2"}, {"server", "momentum"}, {"server_beta", "0.5"}, {"server_learning_rate", "0.5"}}},
      {"fda", {{"threshold", "0.05"}}},
      {"fda", {{"threshold", "0.05"}, {"screen", "late"}}},
      {"dma", {{"threshold", "0.05"}}},
      {"dma", {{"threshold", "0.05"}, {"clock", "asynchronous"}}}};
  for (const auto& [name, options] : strategies) {
    Scenario exact = compressed(name, options);
    exact.problem.noise = 0.0;
    exact.problem.spread = 0.1;
    exact.steps = 600;
    exact.compressor = {};
    exact.compression = {};
    exact.evaluate_every = 5;
    const Result whole = run(exact);
    for (const auto& [op, values] : operators) {
      Scenario s = exact;
      s.compressor = op;
      s.compression = values;
      const Result result = run(s);
      ASSERT_EQ(result.outcome.end, Outcome::End::kSteps) << name << " " << op;
      const double fallen = result.measurements.front().test.loss - result.measurements.back().test.loss;
      const double wanted = whole.measurements.front().test.loss - whole.measurements.back().test.loss;
      EXPECT_GT(fallen, 0.98 * wanted) << name << " " << op;
    }
  }
}

TEST(CompressedAverages, OfWholeDifferencesAreTheAveragesOfModels) {
  for (const char* strategy : {"synchronous", "periodic", "fedavg"}) {
    Scenario s = compressed(strategy, {});
    s.compressor = {};
    s.compression = {};
    const Result whole = run(s);
    s.compressor = "none";
    const Result none = run(s);
    for (std::size_t j = 0; j < 40; ++j) ASSERT_NEAR(none.params[0][j], whole.params[0][j], 1e-5) << strategy;
  }
}

// A mean of two models that is told in part leaves behind for two: whoever hears the rest, in whatever numbers, the sum
// of all models ends as it would have with whole means (P1).
TEST(ModelCodec, TellsInTheEndAsManyTimesWhatItWasGivenForAsMany) {
  const Scenario s = compressed("dma", {{"threshold", "1"}});
  const StrategySetting setting = strategy_setting(s);
  const std::vector<float> reference = s.problem.start();
  ModelCodec sender(setting.compressor, SharedVector(reference));
  ModelCodec receiver(setting.compressor, SharedVector(reference));
  RandomStream random(1, "test");
  const FrameHeader header{Traffic::kModel, Tag::kBroadcast, Round{1}};
  Vector given(40, 0.0), told(40, 0.0);
  for (int t = 0; t < 40; ++t) {
    const double weight = t < 20 ? 1.0 + t % 4 : 1.0 + t % 3;
    std::vector<float> model = reference;  // nothing new from the 20th on
    for (float& value : model) value += t < 20 ? static_cast<float>(random.gaussian()) : 0.0F;
    const SharedVector heard = receiver.decode(sender.encode(header, model, random, {}, weight));
    for (std::size_t j = 0; j < 40; ++j) {
      given[j] += weight * (static_cast<double>(model[j]) - reference[j]);
      told[j] += weight * (static_cast<double>(heard.values()[j]) - reference[j]);
    }
  }
  for (std::size_t j = 0; j < 40; ++j) EXPECT_NEAR(told[j], given[j], 1e-4);
}

TEST(ModelCodec, TellsNothingLaterOfWhatIsDropped) {
  const Scenario s = compressed("dma", {{"threshold", "1"}});
  const std::vector<float> reference = s.problem.start();
  ModelCodec sender(strategy_setting(s).compressor, SharedVector(reference));
  RandomStream random(1, "test");
  const FrameHeader header{Traffic::kModel, Tag::kGather, Round{1}};
  std::vector<float> model = reference;
  for (float& value : model) value += static_cast<float>(random.gaussian());
  const auto nothing_new = [&] {
    const SharedVector heard = sender.decode(sender.encode(header, reference, random));
    return std::equal(reference.begin(), reference.end(), heard.values().begin());
  };
  sender.encode(header, model, random);
  EXPECT_FALSE(nothing_new()) << "what is not dropped is told";
  sender.drop_untold();
  EXPECT_TRUE(nothing_new());
}

TEST(ModelCodec, RefusesAMessageShorterThanWhatComesBehindIt) {
  const Scenario s = compressed("dma", {{"threshold", "1"}});
  ModelCodec codec(strategy_setting(s).compressor, SharedVector(s.problem.start()));
  const std::byte byte{};
  const Frame frame(FrameHeader{Traffic::kModel, Tag::kBroadcast, Round{1}}, std::span(&byte, 1));
  EXPECT_THROW(codec.decode(frame, 8), DecodeError);
  EXPECT_THROW(codec.decode(frame, 1), DecodeError) << "no message is empty";
}

}  // namespace
}  // namespace laconic::tests
