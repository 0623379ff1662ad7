#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <sstream>
#include <utility>

#include "app/commands.h"
#include "app/tiny_job_test.h"
#include "base/error.h"
#include "compress/compressor.h"
#include "training/safetensors.h"

namespace laconic {
namespace {

using testing::TemporaryFolder;
using testing::write_text;

class Codec : public ::testing::Test {
 protected:
  // What is printed for `arguments`.
  std::string codec(const CodecArguments& arguments) {
    EXPECT_EQ(codec_command(console_, arguments), ExitCode::kDone);
    return std::exchange(out_, std::ostringstream()).str();
  }
  // The line of an operator in a table, as its cells.
  static std::vector<std::string> cells_of(const std::string& output, const std::string& name) {
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(name + " ")) continue;
      std::istringstream words(line);
      return {std::istream_iterator<std::string>(words), {}};
    }
    return {};
  }
  std::string refusal(const CodecArguments& arguments) {
    try {
      codec_command(console_, arguments);
    } catch (const UsageError& error) {
      EXPECT_EQ(out_.str(), "");
      return error.what();
    }
    return "accepted";
  }
  // A file of the tensors a (100 elements, `first` the first of them) and b (200 elements).
  std::string model(const std::string& name, float first, const std::string& second = "b") {
    Layout layout = {.tensors = {{.name = "a", .offset = 0, .shape = {10, 10}, .size = 100},
                                 {.name = second, .offset = 100, .shape = {200}, .size = 200}},
                     .size = 300};
    std::vector<float> params(300);
    for (std::size_t j = 0; j < params.size(); ++j) params[j] = static_cast<float>(j);
    params[0] = first;
    write_safetensors(root_.path(name), layout, params, {});
    return root_.path(name);
  }

  TemporaryFolder root_;
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{.out = out_, .err = err_, .width = 200, .interrupted = {}};
};

TEST_F(Codec, ComparesEveryOperatorWhenNoneIsNamed) {
  const std::string output = codec({.random = 5000});
  EXPECT_EQ(output.find("5,000 floats, normal, seed 1"), 0u) << output;
  for (const CompressorRow* row : compressors()) {
    EXPECT_EQ(cells_of(output, std::string(row->name)).size(), 11u) << row->name << " in\n" << output;
  }
  // Bytes, times smaller and bits of float32 and of one sign a value with its scale, each behind one byte.
  const std::vector<std::string> none = cells_of(output, "none");
  EXPECT_EQ(none[1], "1.00");
  EXPECT_EQ(none[3], "yes");
  EXPECT_EQ(none[4], "20,001");
  EXPECT_EQ(none[6], "32.0");
  const std::vector<std::string> sign = cells_of(output, "sign");
  EXPECT_EQ(sign[3], "no");
  EXPECT_EQ(sign[4], "630");
  EXPECT_EQ(sign[5], "31.7x");
  // A threshold that keeps what top_k keeps.
  EXPECT_EQ(cells_of(output, "threshold")[1], cells_of(output, "top_k")[1]);
  EXPECT_NE(output.find("the smallest of the 50 largest magnitudes"), std::string::npos) << output;
}

TEST_F(Codec, OmegaIsWhatTheVectorSays) {
  const auto omega = [&](const std::string& distribution, const std::string& compressor) {
    const std::string output = codec({.compressor = compressor,
                                      .options = {{"ratio", "0.1"}},
                                      .random = 1000,
                                      .distribution = distribution,
                                      .repetitions = 400});
    return cells_of(output, compressor);
  };
  EXPECT_EQ(omega("one_hot", "top_k")[1], "1.00");    // the only one
  EXPECT_EQ(omega("constant", "top_k")[1], "0.100");  // a tenth of the mass
  EXPECT_EQ(omega("zero", "top_k")[1], "-");
  // k / d on average; of 400 messages the mean is off by .1 * sqrt(.9 / .1 / 400) / sqrt(1000) at most a few times.
  const std::vector<std::string> random = omega("normal", "random_k");
  EXPECT_NEAR(std::stod(random[1]), 0.1, 0.005);
  EXPECT_EQ(random[2], "0.100");
}

TEST_F(Codec, SameSeedSameFiguresButForTheSpeeds) {
  const auto figures = [&](std::uint64_t seed) {
    std::vector<std::string> cells =
        cells_of(codec({.compressor = "qsgd", .random = 3000, .seed = seed, .repetitions = 3}), "qsgd");
    cells.resize(9);
    return cells;
  };
  EXPECT_EQ(figures(1), figures(1));
  EXPECT_NE(figures(1), figures(2));
}

TEST_F(Codec, OptionsGoToTheOperatorsThatTakeThem) {
  const std::string half = codec({.options = {{"ratio", "0.5"}}, .random = 1000, .distribution = "constant"});
  EXPECT_EQ(cells_of(half, "top_k")[1], "0.500");
  EXPECT_EQ(cells_of(half, "random_k")[1], "0.500");
  const std::string named = codec({.compressor = "top_k", .options = {{"k", "7"}, {"values", "sign"}}, .random = 1000});
  EXPECT_NE(named.find("top_k: k 7, values sign, else the defaults\n"), std::string::npos) << named;
  // `levels` has a meaning for qsgd, and for sparsifiers only where they send values so.
  EXPECT_NE(codec({.options = {{"levels", "3"}}, .random = 100}).find("qsgd"), std::string::npos);
}

TEST_F(Codec, AFileIsTakenWithItsTensors) {
  const std::string path = model("a.safetensors", 1.0F);
  const std::string each = codec({.compressor = "top_k", .options = {{"k", "1"}}, .file = path});
  EXPECT_EQ(each.find(path + ": 300 floats in 2 tensors\n"), 0u) << each;
  const std::string other = model("b.safetensors", 4.0F);
  // They differ in one element, which is all that one element of the model can tell; each tensor sends one.
  const std::string difference =
      codec({.compressor = "top_k", .options = {{"k", "1"}, {"scope", "model"}}, .file = path, .minus = other});
  EXPECT_EQ(difference.find(path + " minus " + other + ": 300 floats"), 0u) << difference;
  EXPECT_EQ(cells_of(difference, "top_k")[1], "1.00");
  // One scale of four bytes a tensor, or one for the model.
  const auto bytes = [&](const std::string& scope) {
    return std::stoi(cells_of(codec({.compressor = "sign", .options = {{"scope", scope}}, .file = path}), "sign")[4]);
  };
  EXPECT_EQ(bytes("tensor") - bytes("model"), 4);
}

TEST_F(Codec, RefusesWhatItCannotMeasure) {
  const auto expect = [&](const CodecArguments& arguments, const std::string& reason) {
    const std::string text = refusal(arguments);
    EXPECT_NE(text.find(reason), std::string::npos) << text << "\nlacks " << reason;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  };
  expect({.compressor = "topk"}, "did you mean 'top_k'?");
  expect({.compressor = "qsgd", .options = {{"ratio", "0.1"}}}, "--ratio: qsgd has no such option; it has levels");
  expect({.compressor = "none", .options = {{"ratio", "0.1"}}}, "--ratio: none has no such option, it has none");
  expect({.compressor = "top_k", .options = {{"ratio", "2"}}}, "--ratio: top_k.ratio: '2' is not a number from 0 to 1");
  expect({.compressor = "top_k", .options = {{"k", "5"}, {"ratio", "0.1"}}, .random = 10}, "--k: ");
  expect({.compressor = "threshold"}, "threshold' is missing");
  expect({.options = {{"rato", "0.1"}}, .random = 10}, "--rato: no operator takes it");
  expect({.random = 10, .unknown = {"--rato=0.1"}}, "did you mean '--ratio'?");
  expect({.random = 10, .unknown = {"--randon", "8"}}, "did you mean '--random'?");
  expect({.random = 0}, "--random: a vector without elements");
  expect({.random = std::numeric_limits<std::uint64_t>::max()}, "this machine has room for");
  expect({.random = 10, .distribution = "normul"}, "did you mean 'normal'?");
  const std::string path = model("a.safetensors", 1.0F);
  expect({.random = 10, .file = path}, "--random: has no meaning beside --file");
  expect({.distribution = "normal", .file = path}, "--distribution: has no meaning beside --file");
  expect({.minus = path}, "--minus: has no meaning without --file");
  expect({.file = root_.path("nowhere")}, "cannot be read (");
  expect({.file = path, .minus = model("c.safetensors", 1.0F, "c")}, "its tensors are not those of " + path);
}

TEST_F(Codec, RefusesFilesThatAreNotFiniteOrNoModelsWithTheirPlace) {
  const std::string nan = refusal({.file = model("nan", std::nanf(""))});
  EXPECT_NE(nan.find("nan: tensor 'a', element 0 is not a number"), std::string::npos) << nan;
  const float largest = std::numeric_limits<float>::max();
  const std::string infinite = refusal({.file = model("large", largest), .minus = model("low", -largest)});
  EXPECT_NE(infinite.find("tensor 'a', element 0 is infinite"), std::string::npos) << infinite;
  write_text(root_.path("text"), "no model at all");
  const std::string text = refusal({.file = root_.path("text")});
  EXPECT_NE(text.find("give a safetensors file"), std::string::npos) << text;
}

TEST_F(Codec, ANarrowTerminalStillGetsATable) {
  console_.width = 80;
  const std::string output = codec({.random = 100000, .repetitions = 1});
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), console_.width) << line;
  EXPECT_EQ(cells_of(output, "top_k").size(), 8u) << output;
  EXPECT_NE(output.find("unbiased: none\n"), std::string::npos) << output;
}

TEST_F(Codec, EveryOptionOfEveryOperatorHasItsPlaceOnTheCommandLine) {
  const std::vector<CodecOption> options = codec_options();
  for (const CompressorRow* row : compressors()) {
    for (const OptionSpec& spec : row->options) {
      const auto found = std::find_if(options.begin(), options.end(),
                                      [&](const CodecOption& option) { return option.name == spec.name; });
      ASSERT_NE(found, options.end()) << spec.name;
      EXPECT_NE(found->operators.find(row->name), std::string::npos) << spec.name << " of " << row->name;
    }
  }
}

}  // namespace
}  // namespace laconic
