// Whatever form a model is kept in, it is measured as the run that made it measured it.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/error.h"
#include "cli/commands_test.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;
using testing::read_text;
using testing::write_text;

class Evaluate : public CommandTest {
 protected:
  std::string evaluated(const std::vector<std::string>& files, const std::string& model = {},
                        const std::vector<std::string>& overrides = {}) {
    printed();
    EXPECT_EQ(evaluate_command(console_, {.files = files, .model = model, .overrides = overrides}), ExitCode::kDone);
    return printed();
  }
  std::string refusal(const std::vector<std::string>& files, const std::string& model = {},
                      const std::vector<std::string>& overrides = {}) {
    try {
      evaluate_command(console_, {.files = files, .model = model, .overrides = overrides});
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }
  std::string in_run(const std::string& file) const { return root_.path("runs/a/" + file); }
  // A cell of accuracy as the run's summary has it.
  std::string accuracy(const char* split) const {
    std::ostringstream text;
    text.precision(2);
    text << std::fixed << 100.0 * summary("a").at(split).at("accuracy").get<double>() << "%";
    return text.str();
  }
};

TEST_F(Evaluate, EveryFormOfAModelMeasuresWhatTheRunMeasured) {
  const std::vector<std::string> held_out = {"data.validation=0.1"};
  ASSERT_EQ(run(job("a"), held_out), ExitCode::kDone);
  const std::string safetensors = evaluated({in_run("model.safetensors"), job("a")}, {}, held_out);
  for (const char* split : {"test", "validation"}) {
    EXPECT_NE(safetensors.find(accuracy(split)), std::string::npos) << safetensors;
  }
  EXPECT_EQ(evaluated({in_run("model.pt"), job("a")}, {}, held_out), safetensors) << "a state dict";
  EXPECT_EQ(evaluated({job("a"), in_run("model.pt")}, {}, held_out), safetensors) << "the other way round";
  EXPECT_EQ(evaluated({job("a")}, in_run("model.pt"), held_out), safetensors);
  EXPECT_EQ(evaluated({}, in_run("model.pt")), safetensors) << "on the job beside it";
  EXPECT_EQ(evaluated({in_run("model.pt")}), safetensors);
}

TEST_F(Evaluate, AModelThatTakesRawSamplesMeasuresTheSame) {
  ASSERT_EQ(run(job("a"), {"output.preprocess=true"}), ExitCode::kDone);
  const std::string safetensors = evaluated({in_run("model.safetensors"), job("a")});
  EXPECT_EQ(evaluated({in_run("model.pt"), job("a")}), safetensors);
  const std::string other = refusal({in_run("model.pt"), job("a")}, {}, {"data.validation=0.25"});
  EXPECT_EQ(other.find(in_run("model.pt") + ": prepares its samples in another way"), 0U) << other;
}

TEST_F(Evaluate, ARunIsMeasuredAtItsBestAndAtItsEnd) {
  ASSERT_EQ(run(job("a"), {"data.validation=0.1"}), ExitCode::kDone);
  const std::string both = evaluated({root_.path("runs/a")});
  for (const char* part : {"model.best.safetensors  test", "model.safetensors       test"}) {
    EXPECT_NE(both.find(part), std::string::npos) << part << " in\n" << both;
  }
  for (const char* row : {"model.best.safetensors  validation", "model.safetensors       validation"}) {
    EXPECT_NE(both.find(row), std::string::npos) << row << " in\n" << both;
  }
  EXPECT_EQ(evaluated({job("a")}, {}, {"data.validation=0.1"}), both) << "the results of the job";
  const std::string single = evaluated({root_.path("runs/a")}, in_run("model.pt"));
  EXPECT_NE(single.find(accuracy("test")), std::string::npos) << single;
}

TEST_F(Evaluate, WhatIsMissingIsAskedFor) {
  const std::string path = job("a");
  EXPECT_EQ(refusal({path}).find(path + ": has no results in " + root_.path("runs/a") + " yet; run it first"), 0U);
  ASSERT_EQ(run(path), ExitCode::kDone);
  const std::string alone = root_.path("alone.safetensors");
  fs::copy(in_run("model.safetensors"), alone);
  EXPECT_EQ(refusal({alone}), alone + ": on which data? Name the job: laconic evaluate " + alone + " job.toml");
  EXPECT_EQ(refusal({alone, in_run("model.pt")}), in_run("model.pt") + ": a second model; measure one at a time");
  EXPECT_EQ(refusal({root_.path("none.pt"), path}), root_.path("none.pt") + ": no such file; give a model's file");
  EXPECT_NE(refusal({alone, path}, {}, {"model.hidden=9"}).find(alone + ": of another shape are "), std::string::npos);
}

TEST_F(Evaluate, AFileThatIsDamagedOrSomethingElseIsRefusedInOneLine) {
  ASSERT_EQ(run(job("a"), {"output.preprocess=true"}), ExitCode::kDone);
  ASSERT_EQ(run(job("b")), ExitCode::kDone);
  const std::string bad = root_.path("bad.pt");
  for (const std::string& good : {in_run("model.pt"), root_.path("runs/b/model.pt"), in_run("model.safetensors")}) {
    const std::string bytes = read_text(good);
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
      write_text(bad, bytes.substr(0, size));
      const std::string line = refusal({bad, job("b")});
      EXPECT_EQ(line.find(bad + ": "), 0U) << size << " bytes of " << good << ": " << line;
      EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    }
  }
  for (const auto& [bytes, is] : {std::pair("\x80\x04\x95"
                                            "a pickle",
                                            "a pickle of Python"),
                                  {"\x89HDF\r\n", "HDF5"},
                                  {"PK\x03\x04 and more", "a ZIP archive"},
                                  {"\x93NUMPY"
                                   "array",
                                   "an array of NumPy"}}) {
    write_text(bad, bytes);
    EXPECT_EQ(refusal({bad, job("b")}).find(bad + ": is " + is), 0U) << refusal({bad, job("b")});
  }
  EXPECT_NE(refusal({"/dev/zero", job("b")}), "accepted");
}

}  // namespace
}  // namespace laconic
