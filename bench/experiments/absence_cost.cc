// What it costs that workers may be absent, where none ever is: the examples' jobs in the simulator, where all are
// present always, and with `workers.least` below the count, where the coordinator has a process of its own that decides
// who is present. Both train the same; the bytes are those of frames. And how often the coordinator's disk is written
// while checks are quiet.
#include <algorithm>
#include <exception>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "faults/membership_world.h"
#include "harness.h"
#include "job/job.h"
#include "job/wiring.h"

namespace laconic::bench {
namespace {

struct Cost {
  double bytes_without = 0.0;
  double bytes_with = 0.0;
  std::uint64_t checks = 0;  // and those that an average followed
  std::uint64_t averages = 0;
  std::uint64_t syncs_without = 0;
  std::uint64_t writes = 0;           // of the coordinator's disk
  std::uint64_t writes_of_quiet = 0;  // between two quiet checks
  bool is_same = false;               // the models at the end
};

class Counting {
 public:
  explicit Counting(const JobSetup& setup, const Job& job) : options_(options_of(setup, job)) {
    options_.stepped = [this](int, Step) { look(); };
    world_.emplace(options_);
  }

  // To the end.
  void run(Cost& cost) {
    world_->run({1e9});
    if (world_->hub().error()) std::rethrow_exception(world_->hub().error());
    look();
    const Ledger& ledger = world_->hub().ledger();
    cost.bytes_with =
        static_cast<double>((ledger.sent(kCoordinator).framed + ledger.received(kCoordinator).framed).value);
    cost.checks = checks_;
    cost.averages = averages_;
    cost.writes = world_->disk().writes();
    cost.writes_of_quiet = writes_of_quiet_;
  }
  std::span<const float> model() { return world_->learner(0).params(); }

 private:
  static faults::MembershipOptions options_of(const JobSetup& setup, const Job& job) {
    StrategySetting setting = setup.strategy_setting;
    setting.comes_and_goes = true;
    faults::MembershipOptions options;
    options.job = {.strategy = job.strategy,
                   .options = setup.strategy_options,
                   .setting = std::move(setting),
                   .learner = [&setup](int worker) { return setup.training->learner({worker}); },
                   .deadline = {60.0}};
    options.network.latency = {0.001};
    return options;
  }

  // What was written since the last look is a quiet check's where nothing else came to its end meanwhile.
  void look() {
    const std::vector<faults::MembershipWorld::Entry>& log = world_->log();
    bool is_quiet = read_ < log.size();
    for (; read_ < log.size(); ++read_) {
      // A balance of some models changes nothing that all have in common, and is in the log.
      const bool is_check = log[read_].kind == faults::MembershipWorld::Entry::Kind::kCommitted &&
                            !log[read_].changes_model && log[read_].traffic != Traffic::kModel;
      const bool is_average = log[read_].changes_model;
      checks_ += is_check ? 1 : 0;
      averages_ += is_average ? 1 : 0;
      is_quiet = is_quiet && is_check;
    }
    const std::uint64_t writes = world_->disk().writes();
    if (is_quiet) writes_of_quiet_ += writes - writes_;
    writes_ = writes;
  }

  faults::MembershipOptions options_;
  std::optional<faults::MembershipWorld> world_;
  std::size_t read_ = 0;
  std::uint64_t checks_ = 0;
  std::uint64_t averages_ = 0;
  std::uint64_t writes_ = 0;
  std::uint64_t writes_of_quiet_ = 0;
};

Cost cost_of(const Job& job) {
  Cost cost;
  const JobSetup setup = set_up(job);
  const RunResult result = run_job(job, setup);
  if (result.outcome.error) std::rethrow_exception(result.outcome.error);
  const Ledger& ledger = result.outcome.ledger;
  cost.bytes_without =
      static_cast<double>(ledger.total().framed.value - ledger.total(Traffic::kEvaluation).framed.value);
  cost.syncs_without = result.outcome.syncs;
  Counting counting(setup, job);
  counting.run(cost);
  cost.is_same = cost.averages == cost.syncs_without;
  return cost;
}

int run(int argc, char** argv) {
  Harness harness("absence_cost", "What it costs that workers may be absent, where none is");
  std::vector<std::string> jobs = {"examples/fashion_mnist_fda/fda.toml", "examples/comparison/fda.toml",
                                   "examples/cluster/job.toml", "examples/own_data/job.toml",
                                   // The same training under dma, of which there is no example.
                                   "examples/comparison/fda.toml strategy.name=dma strategy.threshold=5 "
                                   "strategy.check_every=5"};
  int steps = 0;
  harness.options().add_option("--jobs", jobs, "job files, each with settings behind it that are instead of its own");
  harness.options().add_option("--steps", steps, "of each worker (default: as the job says)");
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (harness.quick() && steps == 0) steps = 60;
  std::vector<std::vector<nlohmann::json>> rows;
  bool is_same = true;
  for (const std::string& file : jobs) {
    harness.progress(file);
    std::istringstream words(file);
    std::string path;
    words >> path;
    std::vector<std::string> overrides(std::istream_iterator<std::string>(words), {});
    overrides.push_back("evaluation.every=1000000 steps");
    if (steps > 0) overrides.push_back("job.steps=" + std::to_string(steps));
    const Job job = load_job(path, overrides);
    const Cost cost = cost_of(job);
    is_same = is_same && cost.is_same;
    const double more = cost.bytes_with / cost.bytes_without - 1.0;
    rows.push_back({file, cost.averages, cost.checks, cost.bytes_without / 1e6, cost.bytes_with / 1e6, 100.0 * more,
                    cost.writes, cost.writes_of_quiet});
    harness.add(file + ": more bytes", 100.0 * more, "%", at_most(0.5));
    harness.add(file + ": writes of the disk by quiet checks", static_cast<double>(cost.writes_of_quiet), "",
                at_most(0.0));
  }
  harness.table({"job", "averages", "checks", "MB", "MB, least < count", "more %", "disk writes", "by quiet checks"},
                std::move(rows));
  harness.check("as many averages with workers.least as without", is_same);
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
