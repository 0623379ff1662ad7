#include "mechanisms/averaging.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr std::size_t kSize = 14;
constexpr std::size_t kKept = 4;
using Vector = std::vector<double>;

Vector top(const Vector& v) {
  std::vector<std::size_t> order(v.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return std::abs(v[a]) > std::abs(v[b]); });
  Vector result(v.size(), 0.0);
  for (std::size_t i = 0; i < kKept; ++i) result[order[i]] = v[order[i]];
  return result;
}

// All nodes of a job, each with its own part in the averages.
struct Job {
  // `weights`: empty: one each.
  Job(std::size_t workers, Collective collective, const std::string& name = "top_k", Vector weights = {})
      : crew(gaussian_models(workers, kSize), {.collective = collective}) {
    setting.dimension = kSize;
    setting.world_size = static_cast<int>(workers);
    setting.seed = 1;
    setting.collective = collective;
    setting.start = gaussian_vector(kSize, 9);
    if (name == "sign") {
      setting.compressor = operator_of(name, {}, kSize);
    } else if (!name.empty()) {
      setting.compressor = operator_of(name, {{"k", std::to_string(kKept)}}, kSize);
    }
    const SharedWeights shared =
        std::make_shared<MeanWeights>(weights.empty() ? Vector(workers, 1.0) : std::move(weights));
    for (std::size_t k = 0; k <= workers; ++k) parts.emplace_back(setting, shared);
    comm = std::make_unique<Comm>(crew.network.node(setting.world_size), crew.processor, CommOptions{collective});
  }
  void start() {
    coordinator = std::make_unique<Coordinator>(*comm);
    if (setting.collective == Collective::kStar) crew.network.start(parts.back().coordinate(*coordinator));
  }
  // The average of the round's models, which is the same on all.
  std::vector<float> mean(std::uint64_t round) {
    std::vector<std::vector<float>> means(crew.workers.size());
    crew.each([&](Worker& self) -> Task<void> {
      const auto k = static_cast<std::size_t>(self.rank().value);
      const std::vector<float> model = gaussian_vector(kSize, 100 * round + k);
      std::copy(model.begin(), model.end(), self.params().begin());
      const SharedVector mean = co_await parts[k].mean(self);
      means[k].assign(mean.values().begin(), mean.values().end());
    });
    for (const std::vector<float>& own : means) EXPECT_EQ(own, means[0]);
    return means[0];
  }
  // Every node's, and where its Comm stands.
  void archive(Archive& archive) {
    for (Averaging& part : parts) part.archive(archive);
    for (TestWorker& worker : crew.workers) worker.comm.archive(archive);
    comm->archive(archive);
  }

  StrategySetting setting;
  std::deque<Averaging> parts;  // the last one the coordinator's
  std::unique_ptr<Comm> comm;
  std::unique_ptr<Coordinator> coordinator;
  Crew crew;
};

TEST(Averaging, WithoutAnOperatorIsTheMean) {
  for (const std::size_t workers : {1, 5}) {
    for (const Collective collective : {Collective::kStar, Collective::kRing}) {
      Job job(workers, collective, "");
      job.start();
      const std::vector<float> mean = job.mean(3);
      for (std::size_t j = 0; j < kSize; ++j) {
        double expected = 0.0;
        for (std::size_t k = 0; k < workers; ++k) {
          expected += static_cast<double>(gaussian_vector(kSize, 300 + k)[j]) / static_cast<double>(workers);
        }
        EXPECT_NEAR(mean[j], expected, 1e-6);
      }
    }
  }
}

TEST(Averaging, WithWeightsIsTheWeightedMeanOfWholeModelsAndOfCompressedChanges) {
  const Vector weights = {3.0, 1.0, 0.0, 400.0};
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    for (const bool compressed : {false, true}) {
      Job job(4, collective, compressed ? "top_k" : "", weights);
      job.start();
      const std::vector<float> mean = job.mean(3);
      Vector expected(kSize, 0.0);  // less r, where it is compressed
      for (std::size_t k = 0; k < 4; ++k) {
        const std::vector<float> model = gaussian_vector(kSize, 300 + k);
        Vector own(model.begin(), model.end());
        for (std::size_t j = 0; compressed && j < kSize; ++j) own[j] -= job.setting.start[j];
        const Vector told = compressed ? top(own) : own;
        for (std::size_t j = 0; j < kSize; ++j) expected[j] += weights[k] * told[j] / 404.0;
      }
      if (compressed) expected = top(expected);
      for (std::size_t j = 0; j < kSize; ++j) {
        EXPECT_NEAR(mean[j], expected[j] + (compressed ? job.setting.start[j] : 0.0F), 1e-5) << compressed;
      }
    }
  }
}

// v_k = x_k - r + e_k; m = 1/K sum C(v_k); v = m + e; the average r + C(v), which r becomes (DoubleSqueeze).
TEST(Averaging, OfCompressedDifferencesIsErrorFeedbackInBothDirections) {
  for (const std::size_t workers : {1, 4}) {
    for (const Collective collective : {Collective::kStar, Collective::kRing}) {
      Job job(workers, collective);
      job.start();
      std::vector<Vector> errors(workers, Vector(kSize, 0.0));
      Vector error(kSize, 0.0);
      Vector r(job.setting.start.begin(), job.setting.start.end());
      for (std::uint64_t round = 0; round < 12; ++round) {
        Vector v = error;
        for (std::size_t k = 0; k < workers; ++k) {
          const std::vector<float> model = gaussian_vector(kSize, 100 * round + k);
          Vector own = errors[k];
          for (std::size_t j = 0; j < kSize; ++j) own[j] += model[j] - r[j];
          const Vector told = top(own);
          for (std::size_t j = 0; j < kSize; ++j) {
            errors[k][j] = own[j] - told[j];
            v[j] += told[j] / static_cast<double>(workers);
          }
        }
        const Vector told = top(v);
        const std::vector<float> mean = job.mean(round);
        for (std::size_t j = 0; j < kSize; ++j) {
          error[j] = v[j] - told[j];
          r[j] += told[j];
          EXPECT_NEAR(mean[j], r[j], 1e-5) << workers << " workers, round " << round;
        }
        if (round == 6) {  // all come to another model in another way
          const std::vector<float> common = gaussian_vector(kSize, 8);
          r.assign(common.begin(), common.end());
          for (std::size_t k = 0; k < workers; ++k) job.parts[k].refer_to(SharedVector(common));
        }
      }
    }
  }
}

TEST(Averaging, SavedAndLoadedBetweenTwoAveragesItGoesOnBitForBit) {
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    Job kept(3, collective, "random_k");
    kept.start();
    for (std::uint64_t round = 0; round < 4; ++round) kept.mean(round);
    const std::vector<std::byte> bytes = saved(kept);
    Job loaded(3, collective, "random_k");
    load(loaded, bytes);
    EXPECT_EQ(saved(loaded), bytes);
    loaded.start();
    for (std::uint64_t round = 4; round < 8; ++round) EXPECT_EQ(loaded.mean(round), kept.mean(round));
    for (std::size_t size = 0; size < bytes.size(); size += 31) {
      Job other(3, collective, "random_k");
      EXPECT_THROW(load(other, std::span(bytes).first(size)), DecodeError) << size;
    }
  }
}

TEST(Averaging, AModelThatIsNotFiniteIsNotSentAndHostileBytesAreRefusedWithTheirSenderNamed) {
  Job job(2, Collective::kRing);
  job.crew.workers[0].self.params()[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(job.crew.network.run(job.parts[0].mean(job.crew.workers[0].self)), RunError);
  for (const std::size_t size : {0, 1, 40}) {
    Job other(2, Collective::kRing);
    const FrameHeader header{Traffic::kModel, Tag::kGather, {0}};
    other.crew.network.node(1).send({0}, Frame(header, std::vector<std::byte>(size, std::byte{0xff})));
    const std::string text =
        error_of<DecodeError>([&] { other.crew.network.run(other.parts[0].mean(other.crew.workers[0].self)); });
    EXPECT_TRUE(contains(text, "the model of worker 1 for worker 0")) << text;
  }
}

TEST(Averaging, CostsWhatTheFormulaSays) {
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    for (const std::size_t workers : {1, 2, 5}) {
      Job job(workers, collective, "sign");
      TrafficFormula formula;
      add_average(formula, job.setting);
      EXPECT_FALSE(formula.depends_on_values);
      job.start();
      job.mean(0);
      std::uint64_t carried = 0;
      for (int rank = 0; rank <= job.setting.world_size; ++rank) carried += job.crew.network.node(rank).carried().value;
      // Every byte at two ends; the header of a short frame takes 7.
      const std::uint64_t frames = collective == Collective::kStar ? 2 * workers : 2 * (workers - 1);
      EXPECT_EQ(carried, 2 * (formula.sync(Traffic::kModel) + 7 * frames));
    }
  }
}

}  // namespace
}  // namespace laconic
