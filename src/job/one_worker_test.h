// For the tests of who has which data: files of little data sets, and workers set up one by one as processes are.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "job/job_data.h"
#include "job/job_test.h"
#include "job/tiny_job_test.h"
#include "job/wiring.h"

namespace laconic {

inline constexpr std::uint32_t kWorkers = 4;

// FEMNIST's files with `count` training samples of 30 users.
inline void write_femnist(const std::string& folder, std::uint32_t count) {
  std::filesystem::create_directories(folder);
  for (const auto& [stem, samples] : {std::pair{"femnist-train", count}, std::pair{"femnist-test", 50U}}) {
    testing::write_split(folder, stem, samples, samples);
    RandomStream stream(samples, "users");
    std::string users = {0, 0, 0x0c, 1, 0, 0, static_cast<char>(samples >> 8), static_cast<char>(samples & 0xff)};
    for (std::uint32_t i = 0; i < samples; ++i) users += std::string{0, 0, 0, static_cast<char>(stream.below(30))};
    testing::write_text(folder + "/" + stem + "-users-idx1-int32", users);
  }
}

inline void write_play(const std::string& folder, std::string_view alphabet, std::size_t length) {
  std::filesystem::create_directories(folder);
  RandomStream stream(length, "play");
  std::string text(alphabet);
  while (text.size() < length) text += alphabet[stream.below(alphabet.size())];
  testing::write_text(folder + "/tinyshakespeare.txt", text);
}

inline std::string job_text(const std::string& dataset, const std::string& dir) {
  const bool text = dataset == "tinyshakespeare";
  return "[job]\nepochs = 2\n[data]\ndataset = \"" + dataset + "\"\ndir = \"" + dir + "\"\nbatch = 8\n" +
         (text ? "sequence = 7\n" : "") + "[model]\nname = \"" +
         (text ? "lstm\"\nembedding = 4\nhidden = 4" : "logistic_regression\"") +
         "\n[optimizer]\nname = \"sgd\"\nschedule = \"cosine\"\n[workers]\ncount = 4\nthreads = 1\n[strategy]\nname = "
         "\"local\"\n";
}

// Sets the workers up as processes of their own would be, one after another. Everyone hears in a first pass what it
// gave from all, and in a second what all gave in the first.
inline std::vector<JobSetup> set_up_one_by_one(const Job& job) {
  std::vector<std::vector<std::uint64_t>> given;  // in each exchange, by each worker
  std::vector<JobSetup> setups;
  for (const bool knows : {false, true}) {
    setups.clear();
    for (std::uint32_t worker = 0; worker < job.workers; ++worker) {
      std::size_t exchanges = 0;
      const OneWorker only{.rank = {static_cast<std::int32_t>(worker)}, .exchange = [&](std::uint64_t own) {
                             if (given.size() == exchanges) given.emplace_back(job.workers);
                             std::vector<std::uint64_t>& all = given[exchanges++];
                             all[worker] = own;
                             return knows ? all : std::vector<std::uint64_t>(job.workers, own);
                           }};
      setups.push_back(set_up(job, Purpose::kRun, {}, only));
      EXPECT_EQ(exchanges, given.size()) << "everyone exchanges equally often";
    }
  }
  return setups;
}

inline std::vector<float> after_some_steps(const Training& training, Rank rank) {
  const auto learner = training.learner(rank);
  for (std::uint64_t step = 0; step < 12; ++step) learner->local_step({step});
  return {learner->params().begin(), learner->params().end()};
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

inline bool same_samples(const Samples& a, const Samples& b) {
  return a.pixels == b.pixels && a.values == b.values && a.labels == b.labels && a.users == b.users &&
         a.tokens == b.tokens;
}

// That each worker alone does what it does among all.
inline void expect_alone_as_among_all(const Job& job, const std::string& what) {
  const JobSetup all = set_up(job);
  const std::vector<JobSetup> alone = set_up_one_by_one(job);
  std::vector<float> former;
  for (Rank rank{0}; rank.value < static_cast<std::int32_t>(job.workers); ++rank.value) {
    const JobSetup& own = alone[static_cast<std::size_t>(rank.value)];
    EXPECT_EQ(own.steps(), all.steps()) << what;
    EXPECT_EQ(own.training->training_samples(), all.training->training_samples()) << what;
    EXPECT_EQ(own.training->samples_per_step(), all.training->samples_per_step()) << what;
    EXPECT_EQ(own.strategy_setting.samples, all.strategy_setting.samples) << what;
    EXPECT_EQ(own.strategy_setting.steps_per_epoch, all.strategy_setting.steps_per_epoch) << what;
    const std::vector<float> params = after_some_steps(*own.training, rank);
    EXPECT_TRUE(same_bits(params, after_some_steps(*all.training, rank))) << what << ", worker " << rank.value;
    EXPECT_FALSE(same_bits(params, former)) << what << ": workers have samples of their own";
    former = params;
    for (Rank other{0}; other.value < static_cast<std::int32_t>(job.workers); ++other.value) {
      if (other == rank) continue;
      EXPECT_THROW(own.training->learner(other), std::logic_error) << what;
    }
    if (rank.value > 0 && has_data_by_rank(job)) {
      EXPECT_EQ(own.data->test.count() + own.data->validation.count(), 0U) << what;
    } else {
      EXPECT_TRUE(same_samples(own.data->test, all.data->test)) << what;
      EXPECT_TRUE(same_samples(own.data->validation, all.data->validation)) << what;
    }
  }
}

inline std::string refusal(const Job& job) {
  try {
    set_up(job);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

// What each worker is told when it is set up alone.
inline std::string refusal_of_processes(const Job& job) {
  try {
    set_up_one_by_one(job);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace laconic
