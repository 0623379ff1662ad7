// What loops may bring as their parameters, and what happens to those of another shape, in other memory, or not finite.
#include "laconic/tensors.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>

#include "laconic/loops_test.h"
#include "laconic/session.h"

namespace laconic {
namespace {

using testing::Loops;
using testing::Toy;

TEST_F(Loops, RefuseAModelThatChangesItsShape) {
  for (const char* strategy : {"all_reduce", "synchronous"}) {
    Simulation simulation(file(strategy));
    const std::string error = error_of(simulation, [&](int rank) {
      Toy toy;
      Session session = simulation.join(rank, toy.tensors);
      toy.tensors[0].set_data(at::ones({rank == 0 ? 3 : 2, rank == 0 ? 300 : 3}));
      session.gradient_ready();
      session.step();
    });
    EXPECT_EQ(error.find("worker 0: parameter 0 is 3x300, and was 2x3 when it joined"), 0U) << error;
  }
}

TEST_F(Loops, RefuseAGradientThatIsNotLikeItsParameter) {
  const auto error_with = [&](const at::Tensor& gradient) {
    Simulation simulation(file("all_reduce", "", 1));
    return error_of(simulation, [&](int rank) {
      Toy toy;
      Session session = simulation.join(rank, toy.tensors);
      // As a sparse embedding leaves it.
      toy.tensors[1].unsafeGetTensorImpl()->set_autograd_meta(nullptr);
      toy.tensors[1].mutable_grad() = gradient;
      session.gradient_ready();
    });
  };
  EXPECT_EQ(error_with(at::ones({4}).to_sparse()).find("worker 0: the gradient of parameter 1 is sparse"), 0U);
  EXPECT_EQ(error_with(at::ones({2})).find("worker 0: the gradient of parameter 1 is 2; it has to be dense"), 0U);
}

TEST_F(Loops, RefuseOneModelForTwoWorkers) {
  Simulation simulation(file("synchronous"));
  Toy shared;
  const std::string error = error_of(simulation, [&](int rank) {
    Toy own;
    own.tensors[1] = shared.tensors[1];
    Session session = simulation.join(rank, own.tensors);
    while (session.step()) {
    }
  });
  EXPECT_NE(error.find("; give each worker a model of its own"), std::string::npos) << error;
}

TEST_F(Loops, RefuseParametersThatCannotBeTrained) {
  const auto refused = [&](const std::vector<at::Tensor>& parameters) {
    Simulation simulation(file("local", "", 1));
    return error_of(simulation, [&](int rank) { simulation.join(rank, parameters); });
  };
  const at::Tensor good = at::zeros({3});
  EXPECT_NE(refused({}).find("worker 0 has no parameters"), std::string::npos);
  EXPECT_NE(refused({good, at::zeros({2}, at::kDouble)}).find("parameter 1 is of Double"), std::string::npos);
  EXPECT_NE(refused({good, at::Tensor()}).find("parameter 1 is undefined"), std::string::npos);
  EXPECT_NE(refused({good, at::zeros({0})}).find("parameter 1 has no elements"), std::string::npos);
  EXPECT_NE(refused({good, at::zeros({1}).expand({4})}).find("parameter 1 has gaps or overlaps"), std::string::npos);
  EXPECT_NE(refused({good, at::zeros({2}), good}).find("share memory"), std::string::npos);
  const at::Tensor whole = at::zeros({6});
  EXPECT_NE(refused({whole.narrow(0, 0, 4), whole.narrow(0, 3, 3)}).find("share memory"), std::string::npos);
}

TEST_F(Loops, RefuseAStartThatIsNotFinite) {
  Simulation simulation(file("local", "", 1));
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy(std::numeric_limits<float>::quiet_NaN());
    simulation.join(rank, toy.tensors);
  });
  EXPECT_EQ(error.find("worker 0: parameter 0 is not finite before the first step"), 0U) << error;
}

TEST_F(Loops, RefuseWorkersOfOtherModels) {
  Simulation simulation(file("local"));
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy;
    if (rank == 1) toy.tensors[1] = at::zeros({5});
    Session session = simulation.join(rank, toy.tensors);
    while (session.step()) {
    }
  });
  EXPECT_NE(error.find("all train one model"), std::string::npos) << error;
}

}  // namespace
}  // namespace laconic
