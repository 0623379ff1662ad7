#include "mechanisms/variance_watch.h"

#include <cmath>
#include <limits>

#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr std::size_t kSize = 50;
constexpr double kThreshold = 60.0;

using Models = std::vector<std::vector<float>>;

WatchOptions options_of(std::string_view name) {
  for (const MonitorRow& row : monitors()) {
    if (row.name == name) return {.monitor = &row, .sketch_rows = 5, .sketch_cols = 20};
  }
  ADD_FAILURE() << "no monitor " << name;
  return {};
}
StrategySetting setting_of(std::size_t workers) {
  StrategySetting setting;
  setting.dimension = kSize;
  setting.world_size = static_cast<int>(workers);
  setting.seed = 3;
  setting.start = gaussian_vector(kSize, 99);
  return setting;
}

// Every worker's watch, and the estimate that all of them make of the models.
struct Watches {
  // `by`: the workers' weights; empty: one each.
  Watches(std::string_view monitor, const Models& models, Collective collective, std::vector<double> by = {})
      : weights(std::make_shared<MeanWeights>(by.empty() ? std::vector<double>(models.size(), 1.0) : std::move(by))),
        crew(models, {.collective = collective}) {
    const WatchFactory make = make_watch(options_of(monitor), setting_of(models.size()), kThreshold);
    for (std::size_t k = 0; k < models.size(); ++k) watches.push_back(make());
    coordinator = std::make_unique<Comm>(crew.network.node(static_cast<int>(models.size())), crew.processor,
                                         CommOptions{collective});
    if (collective == Collective::kStar) crew.network.start(serve_collectives(*coordinator, weights));
  }

  VarianceWatch& of(Worker& worker) { return watches[static_cast<std::size_t>(worker.rank().value)]; }
  void observe() {
    crew.each([this](Worker& self) { return of(self).observe(self); });
  }
  double estimate() {
    observe();
    crew.each([this](Worker& self) { return of(self).reduce(self.comm(), *weights); });
    const double first = watches[0].estimate(crew.workers[0].self);
    for (std::size_t k = 0; k < watches.size(); ++k) {
      const double own = watches[k].estimate(crew.workers[k].self);
      EXPECT_TRUE(own == first || (std::isnan(own) && std::isnan(first))) << "worker " << k << ", to the bit";
      EXPECT_EQ(std::isnan(own), std::isnan(crew.workers[k].figures.at("variance_estimate")));
      if (!std::isnan(own)) {
        EXPECT_EQ(crew.workers[k].figures.at("variance_estimate"), own);
      }
    }
    return first;
  }
  void synchronised(const std::vector<float>& common) {
    for (VarianceWatch& watch : watches) watch.synchronised(SharedVector(common));
  }

  SharedWeights weights;
  Crew crew;
  std::vector<VarianceWatch> watches;
  std::unique_ptr<Comm> coordinator;
};

// (1/K) sum ||w_k - mean||^2; (1/K) sum ||w_k - r||^2; and that less the square of what the mean drift has along
// r - p.
struct Figures {
  double variance = 0.0;
  double naive = 0.0;
  double linear = 0.0;
};
Figures figures_of(const Models& models, const std::vector<float>& r, const std::vector<float>& p) {
  const auto workers = static_cast<double>(models.size());
  Figures result;
  double along = 0.0;
  double length = 0.0;
  for (std::size_t j = 0; j < kSize; ++j) {
    double mean = 0.0;
    for (const auto& model : models) mean += static_cast<double>(model[j]) / workers;
    for (const auto& model : models) {
      result.variance += std::pow(static_cast<double>(model[j]) - mean, 2) / workers;
      result.naive += std::pow(static_cast<double>(model[j]) - static_cast<double>(r[j]), 2) / workers;
    }
    const double move = static_cast<double>(r[j]) - static_cast<double>(p[j]);
    along += (mean - static_cast<double>(r[j])) * move;
    length += move * move;
  }
  result.linear = result.naive - along * along / length;
  return result;
}

TEST(VarianceWatch, EstimatesAreThoseOfTheDriftsFromTheLastCommonModel) {
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    for (const std::size_t workers : {1, 2, 5}) {
      const Models models = gaussian_models(workers, kSize);
      const std::vector<float> start = setting_of(workers).start;
      const std::vector<float> before = gaussian_vector(kSize, 70);
      const std::vector<float> common = gaussian_vector(kSize, 71);
      for (const std::string_view monitor : {"exact", "naive", "linear"}) {
        SCOPED_TRACE(std::string(monitor) + " of " + std::to_string(workers));
        Watches watches(monitor, models, collective);
        const Figures at_first = figures_of(models, start, before);
        // Along a direction of its own, which is not the last move's, the linear estimate is between the two others.
        const double first = watches.estimate();
        EXPECT_GE(first, (monitor == "naive" ? at_first.naive : at_first.variance) - 1e-3);
        EXPECT_LE(first, (monitor == "exact" ? at_first.variance : at_first.naive) + 1e-3);
        watches.synchronised(before);
        watches.synchronised(common);
        const Figures figures = figures_of(models, common, before);
        const double expected = monitor == "exact"   ? figures.variance
                                : monitor == "naive" ? figures.naive
                                                     : figures.linear;
        EXPECT_NEAR(watches.estimate(), expected, 1e-3);
      }
    }
  }
}

// Weights that are counts of workers: the estimate is that of a crew in which each is there so many times.
TEST(VarianceWatch, WithWeightsTheEstimateIsThatOfTheWeightedSet) {
  const Models models = gaussian_models(3, kSize);
  const Models repeated = {models[0], models[1], models[1], models[1], models[2], models[2]};
  const std::vector<float> common = gaussian_vector(kSize, 70);
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    for (const std::string_view monitor : {"exact", "sketch", "linear", "naive"}) {
      Watches weighted(monitor, models, collective, {1.0, 3.0, 2.0});
      Watches plain(monitor, repeated, collective);
      for (Watches* watches : {&weighted, &plain}) watches->synchronised(common);
      EXPECT_NEAR(weighted.estimate(), plain.estimate(), 1e-3) << monitor;
      EXPECT_GT(std::abs(weighted.estimate() - Watches(monitor, models, collective).estimate()), 0.1) << monitor;
    }
    Watches one_bit("max-norm", models, collective, {1.0, 3.0, 2.0});
    EXPECT_GT(one_bit.estimate(), kThreshold) << "an or of all";
  }
}

TEST(VarianceWatch, AWorkersOwnStateIsTheSquareOfItsDrift) {
  const Models models = gaussian_models(3, kSize);
  for (const std::string_view monitor : {"exact", "sketch", "linear", "naive"}) {
    Watches watches(monitor, models, Collective::kRing);
    watches.observe();
    for (std::size_t k = 0; k < models.size(); ++k) {
      EXPECT_FLOAT_EQ(watches.watches[k].own(), static_cast<float>(squared_error(models[k], setting_of(3).start)))
          << monitor << " " << k;
    }
  }
}

TEST(VarianceWatch, WithoutADriftAndWithASingleWorkerThereIsNothingToSee) {
  for (const MonitorRow& row : monitors()) {
    const std::vector<float> start = setting_of(3).start;
    Watches still(row.name, Models(3, start), Collective::kStar);
    EXPECT_EQ(still.estimate(), row.reduction == Monitor::Reduction::kAny ? kThreshold : 0.0) << row.name;
  }
  const std::vector<float> zero(kSize, 0.0F);
  Watches alone("exact", {zero}, Collective::kStar);
  EXPECT_NEAR(alone.estimate(), 0.0, 1e-4) << "a drift, and no variance";
  Watches one("linear", {gaussian_vector(kSize, 1)}, Collective::kRing);
  one.synchronised(zero);
  one.synchronised(zero);  // which has no direction
  EXPECT_FLOAT_EQ(static_cast<float>(one.estimate()), static_cast<float>(squared(gaussian_vector(kSize, 1))));
}

TEST(VarianceWatch, OneBitIsOverTheThresholdWhereAnyWorkersOwnDriftIs) {
  for (const Collective collective : {Collective::kStar, Collective::kRing}) {
    for (int far = -1; far < 4; ++far) {
      const std::vector<float> start = setting_of(4).start;
      Models models(4, start);
      for (std::size_t k = 0; k < 4; ++k) models[k][k] += static_cast<int>(k) == far ? 7.9F : 7.5F;  // 62.41, 56.25
      Watches watches("max-norm", models, collective);
      EXPECT_EQ(watches.estimate() > kThreshold, far >= 0) << far;
    }
  }
}

TEST(VarianceWatch, AModelThatIsNotFiniteIsNeverAQuietOne) {
  for (const std::string_view monitor : {"exact", "naive", "linear"}) {
    Models models = gaussian_models(3, kSize);
    models[1][4] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(Watches(monitor, models, Collective::kStar).estimate())) << monitor;
  }
}

TEST(VarianceWatch, AStateIsAsLongAsItsRowSaysAndTravelsAsTheFormulaSays) {
  for (const MonitorRow& row : monitors()) {
    for (const Collective collective : {Collective::kStar, Collective::kRing}) {
      for (const std::size_t workers : {1, 4}) {
        StrategySetting setting = setting_of(workers);
        setting.collective = collective;
        Watches watches(row.name, gaussian_models(workers, kSize), collective);
        EXPECT_EQ(watches.watches[0].state().size(), watch_state_size(options_of(row.name), setting)) << row.name;
        watches.estimate();
        std::uint64_t carried = 0;
        for (int rank = 0; rank <= static_cast<int>(workers); ++rank) {
          carried += watches.crew.network.node(rank).carried().value;
        }
        // Every byte at two ends; a frame's header takes 7 or 8.
        const std::uint64_t payload = watch_payload(options_of(row.name), setting);
        const std::uint64_t frames = collective == Collective::kStar ? 2 * workers : 2 * (workers - 1);
        EXPECT_GE(carried, 2 * (payload + 7 * frames)) << row.name;
        EXPECT_LE(carried, 2 * (payload + 8 * frames)) << row.name;
      }
    }
  }
}

TEST(VarianceWatch, SavedAndLoadedBetweenTwoChecksItGoesOnBitForBit) {
  const Models models = gaussian_models(2, kSize);
  for (const MonitorRow& row : monitors()) {
    Watches kept(row.name, models, Collective::kRing);
    kept.synchronised(gaussian_vector(kSize, 70));
    kept.synchronised(gaussian_vector(kSize, 71));
    kept.observe();
    Watches fresh(row.name, models, Collective::kRing);
    for (std::size_t k = 0; k < 2; ++k) {
      const std::vector<std::byte> bytes = saved(kept.watches[k]);
      load(fresh.watches[k], bytes);
      EXPECT_EQ(saved(fresh.watches[k]), bytes);
      Archive state;
      kept.watches[k].archive_state(state);
      const std::vector<std::byte> state_bytes = state.take();
      Archive loaded(state_bytes);
      fresh.watches[k].archive_state(loaded);
      EXPECT_EQ(fresh.watches[k].own(), kept.watches[k].own()) << row.name;
      EXPECT_EQ(std::vector<float>(fresh.watches[k].reference().values().begin(),
                                   fresh.watches[k].reference().values().end()),
                gaussian_vector(kSize, 71));
      for (std::size_t size = 0; size < bytes.size(); size += 41) {
        EXPECT_THROW(load(fresh.watches[k], std::span(bytes).first(size)), DecodeError) << row.name << " " << size;
      }
      load(fresh.watches[k], bytes);
    }
    EXPECT_EQ(fresh.estimate(), kept.estimate()) << row.name;
  }
}

TEST(VarianceWatch, StateOfAModelOfAnotherSizeIsRefused) {
  Watches watches("linear", gaussian_models(1, kSize), Collective::kRing);
  const auto load_of_sizes = [&](std::size_t reference_size, std::size_t previous_size) {
    Archive save;
    std::vector<float> reference(reference_size);
    std::vector<float> previous(previous_size);
    save.vector("watch.reference", reference, reference_size);
    save.vector("watch.previous", previous, previous_size);
    load(watches.watches[0], save.take());
  };
  for (const std::size_t size : {kSize + 1, kSize - 1, std::size_t{0}})
    EXPECT_THROW(load_of_sizes(size, size), DecodeError) << size;
  for (const std::size_t size : {kSize + 1, kSize - 1}) EXPECT_THROW(load_of_sizes(kSize, size), DecodeError) << size;
  load_of_sizes(kSize, kSize);
}

TEST(WatchOptions, EveryMonitorIsAWordOfTheOptionAndOnlyTheSketchHasSizes) {
  const std::vector<OptionSpec> specs = watch_options();
  for (const MonitorRow& row : monitors()) {
    const std::map<std::string, GivenOption> given = {{"monitor", {std::string(row.name), "test"}}};
    EXPECT_EQ(read_watch_options(Options("strategy", specs, given)).monitor->name, row.name);
    EXPECT_EQ(read_watch_options(Options("strategy", specs, given)).one_bit(), row.name == "max-norm");
    std::map<std::string, GivenOption> sized = given;
    sized["sketch_rows"] = {"7", "test"};
    if (row.name == "sketch") {
      EXPECT_EQ(read_watch_options(Options("strategy", specs, sized)).sketch_rows, 7U);
    } else {
      EXPECT_THROW(Options("strategy", specs, sized), UsageError) << row.name;
    }
  }
}

}  // namespace
}  // namespace laconic
