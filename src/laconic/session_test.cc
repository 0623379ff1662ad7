#include "laconic/session.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <future>
#include <limits>
#include <stdexcept>

#include "base/error.h"
#include "laconic/loops_test.h"

namespace laconic {
namespace {

using testing::kSteps;
using testing::Loops;
using testing::own_loop_job;
using testing::Toy;

TEST_F(Loops, BeginWithTheParametersOfWorkerZero) {
  Simulation simulation(file("local"));
  std::atomic<int> checked = 0;
  simulation.run([&](int rank) {
    Toy toy(static_cast<float>(rank + 5));
    Session session = simulation.join(rank, toy.tensors);
    for (const at::Tensor& tensor : toy.tensors) checked += tensor.eq(5.0F).all().item<bool>() ? 1 : 0;
    while (session.step()) {
    }
    EXPECT_TRUE(session.finished());
    EXPECT_EQ(session.steps_done(), kSteps);
  });
  EXPECT_EQ(checked.load(), 4);
}

TEST_F(Loops, AverageGradientsOfWhichAnUndefinedOneIsZeros) {
  Simulation simulation(file("all_reduce"));
  simulation.run([&](int rank) {
    Toy toy;
    Session session = simulation.join(rank, toy.tensors);
    EXPECT_TRUE(session.needs_gradient());
    bool more = true;
    while (more) {
      toy.tensors[0].mutable_grad() = at::full({2, 3}, rank == 0 ? 2.0F : 4.0F);
      toy.tensors[1].mutable_grad() = rank == 0 ? at::full({4}, 6.0F) : at::Tensor();
      session.gradient_ready();
      EXPECT_TRUE(toy.tensors[0].grad().eq(3.0F).all().item<bool>());
      EXPECT_TRUE(toy.tensors[1].grad().eq(3.0F).all().item<bool>());
      more = session.step();
    }
  });
}

TEST_F(Loops, KeepWhatTheyDoToTheirModelsBeforeTheGradientIsReady) {
  for (const char* strategy : {"all_reduce", "synchronous"}) {
    Simulation simulation(file(strategy));
    simulation.run([&](int rank) {
      Toy toy;
      Session session = simulation.join(rank, toy.tensors);
      bool more = true;
      while (more) {
        const at::NoGradGuard no_gradient;
        for (at::Tensor& tensor : toy.tensors) tensor.fill_(7.0F);
        session.gradient_ready();
        EXPECT_TRUE(toy.tensors[0].eq(7.0F).all().item<bool>()) << strategy;
        toy.add(1.0F);
        more = session.step();
        EXPECT_TRUE(toy.tensors[1].eq(8.0F).all().item<bool>()) << strategy;
      }
    });
  }
}

TEST_F(Loops, AreToldOfASessionThatIsNoMore) {
  Simulation simulation(file("local", "", 1));
  simulation.run([&](int rank) {
    Toy toy;
    Session first = simulation.join(rank, toy.tensors);
    Session second = std::move(first);
    EXPECT_THROW(first.step(), UsageError);
    while (second.step()) {
    }
  });
}

TEST_F(Loops, EndWithTheErrorOfTheOneThatThrows) {
  Simulation simulation(file("synchronous"));
  std::atomic<int> told = 0;
  EXPECT_EQ(error_of(simulation,
                     [&](int rank) {
                       Toy toy;
                       Session session = simulation.join(rank, toy.tensors);
                       for (int step = 0;; ++step) {
                         if (rank == 1 && step == 3) throw std::runtime_error("the disk is full");
                         try {
                           session.step();
                         } catch (const RunError& error) {
                           told += std::string(error.what()).find("worker 1 has left after 3 of 12 steps") == 0 ? 1 : 0;
                           throw;
                         }
                       }
                     }),
            "the disk is full");
  EXPECT_EQ(told.load(), 1);
  EXPECT_THROW(simulation.summary(), RunError);
}

TEST_F(Loops, EndWhereOneLeavesEarly) {
  Simulation simulation(file("synchronous"));
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy;
    Session session = simulation.join(rank, toy.tensors);
    for (int step = 0; rank == 0 || step < 3; ++step) session.step();
  });
  EXPECT_EQ(error.find("worker 1 has left after 3 of 12 steps"), 0U) << error;
}

TEST_F(Loops, AreToldOfCallsOutOfOrder) {
  Simulation reduced(file("all_reduce"));
  std::string error = error_of(reduced, [&](int rank) {
    Toy toy;
    Session session = reduced.join(rank, toy.tensors);
    session.step();
  });
  EXPECT_NE(error.find("calls step() without gradient_ready() in step 1"), std::string::npos) << error;

  Simulation twice(file("all_reduce"));
  error = error_of(twice, [&](int rank) {
    Toy toy;
    Session session = twice.join(rank, toy.tensors);
    session.gradient_ready();
    session.gradient_ready();
  });
  EXPECT_NE(error.find("calls gradient_ready() a second time in step 1"), std::string::npos) << error;

  Simulation longer(file("local"));
  error = error_of(longer, [&](int rank) {
    Toy toy;
    Session session = longer.join(rank, toy.tensors);
    for (std::uint64_t step = 0; step <= kSteps; ++step) session.step();
  });
  EXPECT_NE(error.find("has taken all of the job's 12 steps"), std::string::npos) << error;
}

TEST_F(Loops, ThatNeverJoinAreNamedAtTheDeadline) {
  Simulation simulation(file("local", "[network]\ndeadline = \"200 ms\"\n", 3));
  Toy toy;
  try {
    simulation.join(1, toy.tensors);
    FAIL();
  } catch (const PeerLost& error) {
    EXPECT_EQ(std::string(error.what()).find("worker 0, worker 2 did not join within"), 0U) << error.what();
  }
  const std::string error = error_of(simulation, [](int) {});
  EXPECT_NE(error, "none");
}

TEST_F(Loops, ThatDoNotComeBackAreNamedAtTheDeadline) {
  Simulation simulation(file("synchronous", "[network]\ndeadline = \"1 s\"\n"));
  std::promise<void> other_knows;
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy;
    Session session = simulation.join(rank, toy.tensors);
    session.step();
    if (rank == 1) {
      EXPECT_EQ(other_knows.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
      session.step();
    }
    try {
      while (session.step()) {
      }
    } catch (const PeerLost&) {
      other_knows.set_value();
      throw;
    }
  });
  EXPECT_EQ(error.find("worker 1's loop has not come back in step 2 within 1.00 s"), 0U) << error;
}

TEST_F(Loops, ThatDivergeAreNamed) {
  Simulation simulation(file("synchronous"));
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy;
    Session session = simulation.join(rank, toy.tensors);
    if (rank == 1) toy.add(std::numeric_limits<float>::infinity());
    while (session.step()) {
    }
  });
  EXPECT_EQ(error.find("training diverged: a parameter of worker 1 is not finite after step 1"), 0U) << error;
}

TEST_F(Loops, RefuseWhatTheJobCannotSayForThem) {
  const auto refused = [&](const std::string& more, const std::string& what) {
    testing::write_text(root_.path("own.toml"), own_loop_job("name = \"local\"", 1, more));
    try {
      const Simulation simulation(root_.path("own.toml"));
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
      return;
    }
    ADD_FAILURE() << more << " was taken";
  };
  for (const char* section : {"data", "model", "optimizer", "drift", "energy", "evaluation", "checkpoint", "output"}) {
    refused("[" + std::string(section) + "]\n",
            "[" + std::string(section) + "] means nothing where the loop is your own");
  }
  EXPECT_THROW(Simulation(file("local"), {"job.epochs=2"}), UsageError);
  EXPECT_THROW(Simulation(file("local"), {"job.until=step >= 3"}), UsageError);
  EXPECT_THROW(Simulation(file("local"), {"workers.threads=2"}), UsageError);
}

}  // namespace
}  // namespace laconic
