// Job files as people write them who know other programs: each is refused with one line that names the place and the
// mend, and with that mend the job is accepted.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "job/job_test.h"

namespace laconic {
namespace {

// What stands in line `line` of the good job, the refusal, and its mend: lines whose values the refusal tells to write.
// They take the place of the line, or, with `behind`, stand behind that line of the good job instead. An empty mend: what
// was written goes, and the good line stands there again.
struct Stranger {
  std::size_t line;
  std::string written;
  std::string refusal;
  std::string mend;
  std::size_t behind = 0;
};

std::string mended(const Stranger& job) {
  if (job.mend.empty()) return joined(kGood);
  if (job.behind == 0) return with_line(job.line, job.mend);
  return with_line(job.behind, kGood.at(job.behind - 1) + "\n" + job.mend);
}

void expect_mended(const std::vector<Stranger>& jobs) {
  for (const Stranger& job : jobs) {
    const std::string line = refusal(with_line(job.line, job.written));
    EXPECT_EQ(line, job.refusal);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(!job.mend.empty() || line.find("remove") != std::string::npos) << line;
    std::istringstream lines(job.mend);
    for (std::string one; std::getline(lines, one);) {
      if (job.written.find(one) != std::string::npos) continue;
      const std::size_t equals = one.find(" = ");
      const std::string value = equals == std::string::npos ? one : one.substr(equals + 3);
      EXPECT_NE(line.find(value), std::string::npos) << "the refusal does not tell to write " << one;
    }
    EXPECT_EQ(refusal(mended(job)), "accepted") << "the mend of: " << line;
  }
}

TEST(StrangersJob, InWrongTomlIsMended) {
  expect_mended({
      {12, "name = fda", "job.toml:12: text needs quotes; write name = \"fda\"", "name = \"fda\""},
      {12, "name: fda", "job.toml:12: TOML uses = between a key and its value; write name = \"fda\"", "name = \"fda\""},
      {12, "name = \u201cfda\u201d", "job.toml:12: TOML needs plain quotes and signs; write name = \"fda\"",
       "name = \"fda\""},
      {12, "name = 'fda\"", "job.toml:12: a quote is not closed; write name = \"fda\"", "name = \"fda\""},
      {11, "[strategy", "job.toml:11: a section name needs square brackets; write [strategy]", "[strategy]"},
      {11, "[[strategy]]", "job.toml:11: a section name has single brackets; write [strategy]", "[strategy]"},
      {4, "dataset = \"mnist\"\nvalidation = 10%", "job.toml:5: a percentage needs quotes; write validation = \"10%\"",
       "validation = \"10%\"", 4},
      {4, "dataset = \"mnist\"\npartition = dirichlet(0.3)",
       "job.toml:5: a parameter follows a colon, in quotes; write partition = \"dirichlet:0.3\"",
       "partition = \"dirichlet:0.3\"", 4},
      {4, "dataset = \"cifar10\"\naugment = True", "job.toml:5: a flag is true or false; write augment = true",
       "dataset = \"cifar10\"\naugment = true"},
      {8, "name = \"sgd\"\nlearning_rate = .1",
       "job.toml:9: a number needs a digit before and after the point; write learning_rate = 0.1",
       "learning_rate = 0.1", 8},
      {2, "epochs = 2\nname = None", "job.toml:3: TOML has no None; remove the line, and the key has its default", ""},
      {2, "steps = 1,000", "job.toml:2: a number has no commas (a list needs square brackets); write steps = 1000",
       "steps = 1000"},
      {2, "epochs = 2 // for now", "job.toml:2: a comment begins with #; write epochs = 2 # for now",
       "epochs = 2 # for now"},
      {2, "epochs = 2,", "job.toml:2: no comma follows a value; write epochs = 2", "epochs = 2"},
      {15, "latency = 10 ms", "job.toml:15: a number with a unit needs quotes; write latency = \"10 ms\"",
       "latency = \"10 ms\""},
      {10, "count 8", "job.toml:10: an = is missing; write count = 8", "count = 8"},
  });
}

TEST(StrangersJob, WithKeysOfOtherProgramsIsMended) {
  expect_mended({
      {8, "name = \"adam\"\nlr = 0.01", "job.toml:9: 'optimizer.lr' is learning_rate here; write learning_rate = 0.01",
       "learning_rate = 0.01", 8},
      {2, "epochs = 2\nlr = 0.01",
       "job.toml:3: 'job.lr' is optimizer.learning_rate here; write [optimizer] learning_rate = 0.01",
       "learning_rate = 0.01", 8},
      {2, "epochs = 2\nlearning_rate = 0.01",
       "job.toml:3: unknown key 'job.learning_rate'; it belongs to [optimizer]: write [optimizer] learning_rate = 0.01",
       "learning_rate = 0.01", 8},
      {1, "lr = 0.01\n[job]",
       "job.toml:1: 'lr' is optimizer.learning_rate here; write [optimizer] learning_rate = 0.01",
       "learning_rate = 0.01", 8},
      {2, "epochs = 2\nbatch_size = 64", "job.toml:3: 'job.batch_size' is data.batch here; write [data] batch = 64",
       "batch = 64", 4},
      {8, "name = \"adam\"\nseed = 5",
       "job.toml:9: unknown key 'optimizer.seed'; it belongs to [job]: write [job] seed = 5", "seed = 5", 1},
      {10, "num_clients = 8", "job.toml:10: 'workers.num_clients' is count here; write count = 8", "count = 8"},
      {10, "world_size = 8", "job.toml:10: 'workers.world_size' is count here; write count = 8", "count = 8"},
      {2, "num_rounds = 20",
       "job.toml:2: 'job.num_rounds' is steps here (a run's length is its local steps: rounds times strategy.period); "
       "write steps = 1000",
       "steps = 1000"},
      {10, "count = 8\ndevice = \"cuda\"",
       "job.toml:11: 'workers.device': laconic computes on the CPU; remove it (workers.threads says on how many "
       "threads)",
       ""},
      {2, "epochs = 2\nbackend = \"nccl\"",
       "job.toml:3: 'job.backend': the launcher tells each process this (mpirun -n 8 laconic run job.toml); remove it",
       ""},
      {2, "epochs = 2\nfp16 = true",
       "job.toml:3: 'job.fp16': laconic computes in 32-bit floats; remove it (for half the bytes on the wire: "
       "[compression] operator = \"float16\")",
       ""},
      {4, "dataset = \"mnist\"\nnum_workers = 4",
       "job.toml:5: 'data.num_workers': all samples are in memory, without loader processes; remove it", ""},
      {4, "dataset = \"mnist\"\nalpha = 0.3",
       "job.toml:5: 'data.alpha' is partition here; write partition = \"dirichlet:0.3\"",
       "partition = \"dirichlet:0.3\"", 4},
      {4, "name = \"MNIST\"", "job.toml:4: 'data.name' is dataset here; write dataset = \"MNIST\"",
       "dataset = \"MNIST\""},
      {6, "arch = \"lenet5\"", "job.toml:6: 'model.arch' is name here; write name = \"lenet5\"", "name = \"lenet5\""},
      {6, "name = \"lenet5\"\npretrained = true",
       "job.toml:7: 'model.pretrained' is start here; write start = \"runs/before/model.safetensors\"",
       "start = \"runs/before/model.safetensors\"", 6},
      {6, "name = \"lenet5\"\nweight_decay = 0.001",
       "job.toml:7: unknown key 'model.weight_decay'; it belongs to [optimizer]: write [optimizer] weight_decay = "
       "0.001",
       "weight_decay = 0.001", 8},
      {8, "name = \"sgd\"\nscheduler = \"cosine\"",
       "job.toml:9: 'optimizer.scheduler' is schedule here; write schedule = \"cosine\"", "schedule = \"cosine\"", 8},
      {8, "name = \"sgd\"\nscheduler = \"StepLR\"",
       "job.toml:9: 'optimizer.scheduler' is schedule here; write schedule = \"milestones\" and milestones = [\"10 "
       "epochs\", \"15 epochs\"]",
       "schedule = \"milestones\"\nmilestones = [\"10 epochs\", \"15 epochs\"]", 8},
      {1, "[training]", "job.toml:1: [training] is [job] here; write [job]", "[job]"},
      {3, "[dataset]", "job.toml:3: [dataset] is [data] here; write [data]", "[data]"},
      {16, "[eval]", "job.toml:16: [eval] is [evaluation] here; write [evaluation]", "[evaluation]"},
      {7, "[optimizer.adam]\n[optimizer]",
       "job.toml:7: [optimizer.adam]: sections cannot be nested; put the keys under [optimizer], with name "
       "= "
       "\"adam\"",
       "[optimizer]"},
      {1, "strategy = \"FedAvg\"\n[job]",
       "job.toml:1: 'strategy' is the section in line 12; remove this line, and put its value under [strategy]", ""},
      {17, "eval_every = 100", "job.toml:17: 'evaluation.eval_every' is every here; write every = \"1 epoch\"",
       "every = \"1 epoch\""},
      {15, "bandwidth = \"10 Mbit/s\"",
       "job.toml:15: 'network.bandwidth' is up here (and the same for down); write up = \"10 Mbit/s\"",
       "up = \"10 Mbit/s\""},
  });
}

TEST(StrangersJob, WithWrongValuesIsMended) {
  expect_mended({
      {2, "steps = \"2 epochs\"", "job.toml:2: job.steps: takes a whole number, not text; write epochs = 2",
       "epochs = 2"},
      {2, "epochs = \"100 steps\"", "job.toml:2: job.epochs: takes a number, not text; write steps = 100",
       "steps = 100"},
      {2, "steps = \"1000\"", "job.toml:2: job.steps: a number takes no quotes; write steps = 1000", "steps = 1000"},
      {2, "steps = -5",
       "job.toml:2: job.steps: '-5' is not a whole number from 0 to 1000000000000, such as steps = 1000",
       "steps = 1000"},
      {2, "epochs = [1, 2]",
       "job.toml:2: job.epochs: takes one value, not a list; write epochs = 1 (laconic sweep runs a job with each of "
       "several)",
       "epochs = 1"},
      {2, "epochs = 2\nuntil = \"acc > 0.9\"",
       "job.toml:3: job.until: 'acc > 0.9': 'acc' is accuracy here; write \"accuracy > 0.9\"",
       "until = \"accuracy > 0.9\"", 2},
      {4, "dataset = \"CIFAR-100\"",
       "job.toml:4: data.dataset: 'CIFAR-100': write dataset = \"image_folder\" and dir = \"data/images\"",
       "dataset = \"image_folder\""},
      {4, "dataset = \"mnist\"\npartition = \"dirichlet(0.3)\"",
       "job.toml:5: data.partition: 'dirichlet(0.3)': write \"dirichlet:0.3\"", "partition = \"dirichlet:0.3\"", 4},
      {4, "dataset = \"mnist\"\npartition = \"dirichlet 0.3\"",
       "job.toml:5: data.partition: 'dirichlet 0.3': write \"dirichlet:0.3\"", "partition = \"dirichlet:0.3\"", 4},
      {4, "dataset = \"mnist\"\npartition = \"dirichlet\"",
       "job.toml:5: data.partition: 'dirichlet': it is written dirichlet:ALPHA, such as \"dirichlet:0.3\"",
       "partition = \"dirichlet:0.3\"", 4},
      {4, "dataset = \"mnist\"\npartition = \"non-iid\"",
       "job.toml:5: data.partition: 'non-iid': write partition = \"dirichlet:0.3\"", "partition = \"dirichlet:0.3\"",
       4},
      {6, "name = \"ResNet18\"",
       "job.toml:6: model.name: 'ResNet18': export it from Python (examples/pytorch_model); write file = \"net.pt\"",
       "file = \"net.pt\""},
      {6, "name = \"lenet\"", "job.toml:6: model.name: 'lenet': write name = \"lenet5\"", "name = \"lenet5\""},
      {8, "name = \"RMSprop\"",
       "job.toml:8: optimizer.name: 'RMSprop': it is not here; there are sgd, adam and adamw; write name = \"adam\"",
       "name = \"adam\""},
      {13, "threshold = \"2.5\"", "job.toml:13: strategy.threshold: a number takes no quotes; write threshold = 2.5",
       "threshold = 2.5"},
      {15, "latency = 10",
       "job.toml:15: network.latency: needs a unit, in quotes; write latency = \"10 ms\", or another unit",
       "latency = \"10 ms\""},
      {15, "up = \"10 MB\"",
       "job.toml:15: network.up: '10 MB' is not a number with one of the units bit/s, kbit/s, Mbit/s, Gbit/s, kB/s, "
       "MB/s, GB/s, such as \"10 MB/s\"",
       "up = \"10 MB/s\""},
      {17, "every = 100",
       "job.toml:17: evaluation.every: takes text in quotes, not a number; write every = \"100 steps\"",
       "every = \"100 steps\""},
      {4, "dataset = \"cifar10\"\naugment = \"true\"",
       "job.toml:5: data.augment: true and false take no quotes; write augment = true",
       "dataset = \"cifar10\"\naugment = true"},
      {8, "name = \"adam\"\nlearning_rate = [0.1, 0.01]",
       "job.toml:9: optimizer.learning_rate: takes one value, not a list; write learning_rate = 0.1 (laconic sweep "
       "runs a "
       "job with each of several)",
       "learning_rate = 0.1", 8},
  });
}

TEST(StrangersJob, ThatNamesAStrategyOfAnotherProgramIsToldWhichComesNear) {
  const auto with_strategy = [](const std::string& lines) {
    std::vector<std::string> job = kGood;
    job[11] = lines;
    job[12] = "";
    return joined(job);
  };
  EXPECT_EQ(
      refusal(with_strategy("name = \"FedProx\"")),
      "job.toml:12: strategy.name: 'FedProx': FedProx is not here; a shorter strategy.period keeps workers as near: "
      "write name = \"fedavg\" and period = 5");
  EXPECT_EQ(refusal(with_strategy("name = \"fedavg\"\nperiod = 5")), "accepted");
  EXPECT_EQ(refusal(with_strategy("name = \"FedAdam\"")),
            "job.toml:12: strategy.name: 'FedAdam': write name = \"fedopt\" and server = \"adam\"");
  EXPECT_EQ(refusal(with_strategy("name = \"fedopt\"\nserver = \"adam\"")), "accepted");
  EXPECT_EQ(refusal(with_strategy("name = \"fedavg\"\nfraction_fit = 0.5")),
            "job.toml:13: 'strategy.fraction_fit' is fraction here (of fedavg); write fraction = 0.5");
  EXPECT_EQ(refusal(with_strategy("name = \"fedavg\"\nfraction = 0.5")), "accepted");
  EXPECT_EQ(refusal(with_strategy("name = \"fedavg\"\nfraction = \"50%\"")), "accepted");
  EXPECT_EQ(refusal(with_strategy("nmae = \"fda\"\nthreshold = 1")),
            "job.toml:12: unknown key 'strategy.nmae'; did you mean 'name'?");
}

TEST(StrangersJob, InAnotherSpellingIsTheSameJob) {
  const std::string identity = parse(joined(kGood)).identity();
  const std::vector<Stranger> spellings = {
      {4, "dataset = \"Fashion-MNIST\"", "", ""},
      {4, "dataset = \"FashionMNIST\"", "", ""},
      {6, "name = \"LeNet-5\"", "", ""},
      {8, "name = \"Adam\"", "", ""},
      {12, "name = \"FDA\"", "", ""},
      {13, "threshold = 2.50", "", ""},
      {2, "epochs = 2e0", "", ""},
      {13, "threshold = 2.5\nmonitor = \"Linear\"", "", ""},
  };
  for (const Stranger& job : spellings) {
    EXPECT_EQ(parse(with_line(job.line, job.written)).identity(), identity) << job.written;
  }
  EXPECT_EQ(parse(with_line(4, "dataset = \"mnist\"\nvalidation = \"10%\"")).section("data").number("validation"), 0.1);
  EXPECT_EQ(parse(with_line(2, "steps = 1e3")).length.numerator, 1000u);
  EXPECT_EQ(parse(with_line(2, "epochs = 2\nuntil = \"accuracy >= 88%\"")).until->value, 0.88);
  EXPECT_EQ(parse(with_line(15, "up = \"1Gbps\"\nlatency = \"5 msec\"")).section("network").rate("up").value, 1e9);
}

}  // namespace
}  // namespace laconic
