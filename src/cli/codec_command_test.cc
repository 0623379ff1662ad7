#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "cli/commands.h"
#include "compress/compressor.h"
#include "job/tiny_job_test.h"
#include "report/format.h"
#include "training/formats/safetensors.h"

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
  struct Estimate {
    double mean = 0.0;
    double error = 0.0;
  };
  // The measured omega of the operator named.
  Estimate omega_of(const CodecArguments& arguments) {
    const std::string output = codec(arguments);
    const std::string cell = cells_of(output, arguments.compressor).at(1);
    const std::string sign = "±";
    const std::size_t at = cell.find(sign);
    if (at == std::string::npos) {
      ADD_FAILURE() << "no standard error in\n" << output;
      return {};
    }
    return {.mean = std::stod(cell), .error = std::stod(cell.substr(at + sign.size()))};
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
  const std::string output = codec({.random = "5000"});
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
                                      .random = "1000",
                                      .distribution = distribution,
                                      .repetitions = "400"});
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

TEST_F(Codec, AMeanOfMessagesThatDifferHasItsStandardError) {
  // What is kept of the vector is 1 with probability .1, else 0: a mean m of n messages tells the standard error.
  const Estimate few = omega_of(
      {.compressor = "random_gossip", .options = {{"probability", "0.1"}}, .random = "1000", .repetitions = "200"});
  EXPECT_GT(few.mean, 0.0);
  EXPECT_NEAR(few.error, std::sqrt(few.mean * (1.0 - few.mean) / 199.0), 0.01 * few.error + 0.0005);  // as printed
  // Left alone it makes messages until the mean is known to 5%.
  const Estimate enough = omega_of({.compressor = "random_gossip", .random = "1000"});
  EXPECT_GT(enough.error, 0.0);
  EXPECT_LE(enough.error, 0.0505 * enough.mean);  // as printed
  EXPECT_NEAR(enough.mean, 0.1, 4.0 * enough.error);
  // A mean that is not known to 5% after the most messages there can be says so.
  const Estimate rare =
      omega_of({.compressor = "random_gossip", .options = {{"probability", "0.0005"}}, .random = "10"});
  EXPECT_GT(rare.error, 0.05 * rare.mean);
  EXPECT_NEAR(rare.mean, 0.0005, 4.0 * rare.error);
  // No message is like another, but their means are known well enough; and those of one decision are exact.
  for (const char* name : {"random_k", "qsgd", "top_k", "sign"}) {
    const std::string output = codec({.compressor = name, .random = "100000"});
    EXPECT_EQ(cells_of(output, name)[1].find("±"), std::string::npos) << output;
  }
}

TEST_F(Codec, SpeedsAreThoseOfMessagesThatCarrySomething) {
  const std::vector<std::string> cells =
      cells_of(codec({.compressor = "random_gossip", .random = "100000", .repetitions = "100"}), "random_gossip");
  // No processor adds so many GB a second; to see that a message is empty takes nothing at all.
  EXPECT_LT(std::stod(cells[9]), 1000.0);
  EXPECT_LT(std::stod(cells[10]), 1000.0);
  const std::string never = codec(
      {.compressor = "random_gossip", .options = {{"probability", "1e-9"}}, .random = "1000", .repetitions = "20"});
  const std::vector<std::string> empty = cells_of(never, "random_gossip");
  EXPECT_EQ(empty[1], "0.00±?");
  EXPECT_EQ(empty[4], "1");
  EXPECT_EQ(empty[9], "-");
  EXPECT_EQ(empty[10], "-");
  EXPECT_NE(never.find("±?: too few messages carried something"), std::string::npos) << never;
  // An operator that decides to send nothing is exact.
  const std::string above = codec({.compressor = "threshold", .options = {{"threshold", "100"}}, .random = "1000"});
  EXPECT_EQ(cells_of(above, "threshold")[1], "0.00");
  EXPECT_EQ(above.find("±?"), std::string::npos) << above;
}

TEST_F(Codec, LowRankTakesADrawnVectorAsAMatrix) {
  const std::string square = codec({.compressor = "low_rank", .options = {{"rank", "3"}}, .random = "10007"});
  EXPECT_NE(square.find("low_rank: the vector as a matrix of 100 x 100 and 7 floats beside it\n"), std::string::npos)
      << square;
  // A byte, three columns and rows of 100 floats, and the 7.
  EXPECT_EQ(cells_of(square, "low_rank")[4], "2,429");
  const std::string all = codec({.random = "10100"});
  EXPECT_NE(all.find("low_rank: the vector as a matrix of 100 x 101\n"), std::string::npos) << all;
  EXPECT_EQ(cells_of(all, "low_rank")[4], "1,609");
  const std::string small = codec({.compressor = "low_rank", .random = "10"});
  EXPECT_NE(small.find("3 x 3 and 1 floats beside it, which factors of rank 2 make no smaller: sent as float32\n"),
            std::string::npos)
      << small;
  EXPECT_EQ(cells_of(small, "low_rank")[4], "41");
  // The tensors of a file are what they are: 10 x 10 and 200.
  const std::string file = codec({.compressor = "low_rank", .file = model("a.safetensors", 1.0F)});
  EXPECT_EQ(file.find("matrix"), std::string::npos) << file;
  EXPECT_EQ(cells_of(file, "low_rank")[4], "961");
}

TEST_F(Codec, SaysThatTheEntropyIsAnEstimateThatAMessageCanBeBelow) {
  std::string output = codec({.random = "1000", .repetitions = "1"});
  std::replace(output.begin(), output.end(), '\n', ' ');
  EXPECT_NE(output.find(" est.  /est. "), std::string::npos) << output;
  EXPECT_NE(output.find("an entropy estimate: "), std::string::npos) << output;
  EXPECT_NE(output.find("where they cluster a message is shorter, and /est. below 1 "), std::string::npos) << output;
}

TEST_F(Codec, NumbersAreDecimalDigitsAndNothingElse) {
  const std::string seeds = "--seed: '";
  const std::string no_seed = "' is not a whole number from 0 to 18446744073709551615";
  for (const std::string text : {"-1", "18446744073709551616", "", " 1", "1 ", "+1", "0x1", "1e3", "1.0", "one"}) {
    EXPECT_EQ(refusal({.random = "10", .seed = text}), seeds + text + no_seed);
    EXPECT_EQ(refusal({.random = text}), "--random: '" + text + "' is not a whole number from 1 to 4294967295");
    EXPECT_EQ(refusal({.random = "10", .repetitions = text}),
              "--repetitions: '" + text + "' is not a whole number from 1 to 1000000");
  }
  EXPECT_EQ(refusal({.random = "0"}), "--random: '0' is not a whole number from 1 to 4294967295");
  EXPECT_EQ(refusal({.random = "10", .repetitions = "0"}),
            "--repetitions: '0' is not a whole number from 1 to 1000000");
  const std::string largest = "18446744073709551615";
  EXPECT_EQ(codec({.random = "10", .seed = largest}).find("10 floats, normal, seed " + largest), 0u);
}

TEST_F(Codec, SameSeedSameFiguresButForTheSpeeds) {
  const auto figures = [&](std::uint64_t seed) {
    std::vector<std::string> cells = cells_of(
        codec({.compressor = "qsgd", .random = "3000", .seed = std::to_string(seed), .repetitions = "3"}), "qsgd");
    cells.resize(9);
    return cells;
  };
  EXPECT_EQ(figures(1), figures(1));
  EXPECT_NE(figures(1), figures(2));
}

TEST_F(Codec, OptionsGoToTheOperatorsThatTakeThem) {
  const std::string half = codec({.options = {{"ratio", "0.5"}}, .random = "1000", .distribution = "constant"});
  EXPECT_EQ(cells_of(half, "top_k")[1], "0.500");
  EXPECT_EQ(cells_of(half, "random_k")[1], "0.500");
  const std::string named =
      codec({.compressor = "top_k", .options = {{"k", "7"}, {"values", "sign"}}, .random = "1000"});
  EXPECT_NE(named.find("top_k: k 7, values sign, else the defaults\n"), std::string::npos) << named;
}

TEST_F(Codec, LevelsGoToQsgdAndToSparsifiersOnlyWhereTheySendTheirValuesSo) {
  const auto bytes_with = [&](const std::map<std::string, std::string>& options, const std::string& name) {
    const std::string output = codec({.options = options, .random = "5000", .repetitions = "5"});
    return cells_of(output, name).at(4);
  };
  EXPECT_NE(bytes_with({{"levels", "1000"}}, "qsgd"), bytes_with({}, "qsgd"));
  EXPECT_EQ(bytes_with({{"levels", "1000"}}, "top_k"), bytes_with({}, "top_k"));
  EXPECT_NE(bytes_with({{"values", "qsgd"}, {"levels", "1000"}}, "top_k"), bytes_with({{"values", "qsgd"}}, "top_k"));
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
  for (const char* name : {"TOP_K", "Top-K"}) {
    expect({.compressor = name}, "is no compression operator; did you mean 'top_k'?");
  }
  expect({.compressor = "top_k", .random = "10", .unknown = {"sign"}},
         "'sign' beside 'top_k': give one operator to measure it, none to compare all; as an option of top_k it is "
         "--values sign");
  expect({.compressor = "top_k", .unknown = {"qsgdd"}}, "give one operator to measure it, none to compare all");
  expect({.compressor = "sign", .unknown = {"qsgd"}}, "give one operator to measure it, none to compare all");
  EXPECT_EQ(refusal({.compressor = "sign", .unknown = {"qsgd"}}).find("--values"), std::string::npos);
  expect({.compressor = "qsgd", .options = {{"ratio", "0.1"}}}, "--ratio: qsgd has no such option; it has levels");
  expect({.compressor = "none", .options = {{"ratio", "0.1"}}}, "--ratio: none has no such option, it has none");
  expect({.compressor = "top_k", .options = {{"ratio", "2"}}}, "--ratio: top_k.ratio: '2' is not a number from 0 to 1");
  expect({.compressor = "top_k", .options = {{"ratio", "0.2 -> 0.1 over 9 steps"}}, .random = "10"},
         "--ratio: there are no steps here over which it could change; give one number");
  expect({.compressor = "top_k", .options = {{"k", "5"}, {"ratio", "0.1"}}, .random = "10"}, "--k: ");
  expect({.compressor = "threshold"}, "threshold' is missing");
  expect({.options = {{"rato", "0.1"}}, .random = "10"}, "--rato: no operator takes it");
  expect({.random = "10", .unknown = {"--rato=0.1"}}, "did you mean '--ratio'?");
  expect({.random = "10", .unknown = {"--randon", "8"}}, "did you mean '--random'?");
  expect({.random = "10", .distribution = "normul"}, "did you mean 'normal'?");
  const std::string path = model("a.safetensors", 1.0F);
  expect({.random = "10", .file = path}, "--random: has no meaning beside --file");
  expect({.distribution = "normal", .file = path}, "--distribution: has no meaning beside --file");
  expect({.minus = path}, "--minus: has no meaning without --file");
  write_text(root_.path("sparse"), "");
  std::filesystem::resize_file(root_.path("sparse"), std::uintmax_t{1} << 34);  // 2^32 elements, none of them on disk
  expect({.file = root_.path("sparse")}, "4,294,967,296 elements; this machine has room for ");
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
  const std::string output = codec({.random = "100000", .repetitions = "1"});
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), console_.width) << line;
  EXPECT_EQ(cells_of(output, "top_k").size(), 8u) << output;
  EXPECT_NE(output.find("unbiased: none\n"), std::string::npos) << output;
}

TEST_F(Codec, EveryOptionOfEveryOperatorHasItsPlaceOnTheCommandLine) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen("'" LACONIC_PROGRAM "' codec --help", "r"), pclose);
  std::istringstream help;
  {
    std::string text;
    for (int byte = 0; (byte = std::fgetc(pipe.get())) != EOF;) text += static_cast<char>(byte);
    help.str(text);
  }
  // Each option's text, its lines joined: "--ratio TEXT Of top_k, random_k".
  std::map<std::string, std::string> texts;
  std::string option;
  for (std::string line; std::getline(help, line);) {
    std::istringstream words(line);
    if (!line.starts_with(" ")) option.clear();  // a head, or the examples
    for (std::string word; words >> word;) {
      if (line.starts_with("  " + word) && word.starts_with("--")) option = word.substr(2);
      texts[option] += " " + word;
    }
  }
  std::size_t options = 0;
  for (const CompressorRow* row : compressors()) {
    for (const OptionSpec& spec : row->options) {
      ++options;
      const std::string text = texts[std::string(spec.name)] + ",";
      EXPECT_NE(text.find(" " + std::string(row->name) + ","), std::string::npos)
          << "--" << spec.name << " of " << row->name << " in:" << text;
    }
  }
  EXPECT_GT(options, compressors().size());
}

}  // namespace
}  // namespace laconic
