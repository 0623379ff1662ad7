#include "base/spelling.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace laconic {
namespace {

constexpr std::array<std::string_view, 6> kModels = {"lenet5", "mlp", "fashion_mnist", "logistic_regression",
                                                     "fda",    "dma"};

TEST(SameWord, IsTheSameButForCaseAndSigns) {
  EXPECT_EQ(same_word("lenet5", kModels), "lenet5");
  EXPECT_EQ(same_word("LeNet-5", kModels), "lenet5");
  EXPECT_EQ(same_word("Fashion MNIST", kModels), "fashion_mnist");
  EXPECT_EQ(same_word("FashionMNIST", kModels), "fashion_mnist");
  EXPECT_EQ(same_word("LeNet", kModels), "");
  EXPECT_EQ(same_word("", kModels), "");
  EXPECT_EQ(same_word("--", kModels), "");
}

TEST(SameWord, IsNoneWhereTwoAreTheSame) {
  constexpr std::array<std::string_view, 2> kTwins = {"top_k", "topk"};
  EXPECT_EQ(same_word("Top-K", kTwins), "");
  EXPECT_EQ(same_word("topk", kTwins), "topk");
}

TEST(Nearest, CountsSlipsOfTheKeyboard) {
  EXPECT_EQ(nearest("lenet", kModels), "lenet5");
  EXPECT_EQ(nearest("fad", kModels), "fda") << "two letters swapped are one slip";
  EXPECT_EQ(nearest("dmaa", kModels), "dma");
  EXPECT_EQ(nearest("logistic_regresion", kModels), "logistic_regression");
  EXPECT_EQ(nearest("lr", kModels), "") << "too short for a guess";
  EXPECT_EQ(nearest("xyz", kModels), "");
  EXPECT_EQ(nearest(std::string(1 << 20, 'l'), kModels), "");
}

TEST(Nearest, OfTwoEquallyNearIsTheFirst) {
  constexpr std::array<std::string_view, 2> kTwo = {"abcda", "abcdb"};
  EXPECT_EQ(nearest("abcdc", kTwo), "abcda");
}

TEST(DidYouMean, NamesTheNearestOrNothing) {
  EXPECT_EQ(did_you_mean("fdaa", kModels, "--"), "; did you mean '--fda'?");
  EXPECT_EQ(did_you_mean("zebra", kModels), "");
  EXPECT_EQ(listed(std::span(kModels).last(2)), "fda, dma");
}

TEST(SpecMeant, ReadsCallsAndOtherSignsInThePlaceOfTheColon) {
  constexpr std::array<std::string_view, 3> kPartitions = {"iid", "dirichlet", "non_iid"};
  for (const char* text : {"dirichlet(0.3)", "dirichlet 0.3", "Dirichlet(alpha=0.3)", "dirichlet=0.3", "DIRICHLET:0.3",
                           "dirichlet: 0.3", " dirichlet:0.3", "dirichlet, 0.3", "dirichlet (alpha = 0.3)"}) {
    EXPECT_EQ(spec_meant(text, kPartitions), "dirichlet:0.3") << text;
  }
  EXPECT_EQ(spec_meant("IID", kPartitions), "iid");
  EXPECT_EQ(spec_meant("iid()", kPartitions), "iid");
  EXPECT_EQ(spec_meant("non-iid:60%", kPartitions), "non_iid:60%");
  EXPECT_EQ(spec_meant("dirichlet:0.3", kPartitions), std::nullopt) << "it is one already";
  EXPECT_EQ(spec_meant("zipf(2)", kPartitions), std::nullopt);
  EXPECT_EQ(spec_meant("dirichlet(0.3, 2)", kPartitions), std::nullopt) << "more than one parameter";
}

}  // namespace
}  // namespace laconic
