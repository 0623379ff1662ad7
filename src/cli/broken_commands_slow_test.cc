// Command lines that cannot be read, as people write them who know other programs: each is answered by one line that
// says what to write, and with the exit code for bad usage.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "cli/commands_test.h"

namespace laconic {
namespace {

using testing::Within;
using testing::write_text;

struct Broken {
  const char* line;      // behind the program's name
  const char* expected;  // of the answer
};

class BrokenCommands : public CommandTest {
 protected:
  BrokenCommands() : here_(root_.path()) {
    job("job");
    write_text("other.toml", testing::read_text("job.toml"));
    write_text("broken.toml", "[job");
    write_text("net.pt", "no model");
    std::filesystem::create_directories("runs/empty");
  }

  struct Answer {
    std::string text;  // standard error, then standard output
    int code = 0;
  };
  static Answer answer(const std::string& line) { return shell("$laconic " + line + " 2>&1 </dev/null"); }
  // Of a line in which the program is $laconic.
  static Answer shell(const std::string& line) {
    const std::string command = std::string("laconic='") + LACONIC_PROGRAM + "'; " + line;
    FILE* pipe = popen(command.c_str(), "r");
    Answer answer;
    for (int byte = 0; (byte = std::fgetc(pipe)) != EOF;) answer.text += static_cast<char>(byte);
    answer.code = WEXITSTATUS(pclose(pipe));
    return answer;
  }

  Within here_;
};

constexpr Broken kBroken[] = {
    // Commands of other programs.
    {"train job.toml", "'train' is no command; write laconic run job.toml"},
    {"train other.toml", "'train' is no command; write laconic run other.toml"},
    {"train --epochs 3 other.toml", "write laconic run other.toml"},
    {"eval", "'eval' is no command; write laconic evaluate runs/NAME"},
    {"eval runs/job", "'eval' is no command; write laconic evaluate runs/job"},
    {"diff job.toml other.toml", "'diff' is no command; write laconic compare job.toml other.toml"},
    {"start job.toml", "write laconic run job.toml"},
    {"plot runs/job", "'plot' is no command; write laconic report runs/job"},
    {"tune job.toml", "write laconic sweep job.toml strategy.threshold=0.5,1,2"},
    {"resume runs/job", "write laconic run --resume runs/job"},
    {"strategies", "'strategies' is no command; write laconic list strategies"},
    {"comapre job.toml other.toml", "did you mean laconic compare job.toml other.toml?"},
    {"RUN job.toml", "did you mean laconic run job.toml?"},
    {"job.toml", "'job.toml' is no command; write laconic run job.toml"},
    {"job.toml --dry-run", "write laconic run job.toml --dry-run"},
    {"runs/empty", "'runs/empty' is a folder; laconic report runs/empty or laconic evaluate runs/empty"},
    {"net.pt", "write laconic evaluate net.pt"},
    {"''", "the command is empty; laconic --help shows the commands"},
    {"zzzzzz", "'zzzzzz' is no command; there are run, compare, sweep"},
    // Options before the command, or in its place.
    {"-v", "laconic --version shows the version"},
    {"--config job.toml", "give the job file itself: laconic run job.toml"},
    {"--dry-run run job.toml", "'--dry-run' stands before the command; write laconic run job.toml --dry-run"},
    {"--set job.seed=2 run job.toml", "write laconic run job.toml --set job.seed=2"},
    {"--resume runs/job", "write laconic run --resume runs/job"},
    // Options of other programs.
    {"run job.toml --epochs 3", "laconic run has no option --epochs; write --set job.epochs=3"},
    {"run --epochs 3 job.toml", "write --set job.epochs=3"},
    {"run job.toml --epochs=3", "write --set job.epochs=3"},
    {"run job.toml --lr 0.1", "write --set optimizer.learning_rate=0.1"},
    {"run job.toml --learning-rate -1", "write --set optimizer.learning_rate=-1"},
    {"run job.toml --batch-size 64", "write --set data.batch=64"},
    {"run job.toml --seed 4", "write --set job.seed=4"},
    {"run job.toml --strategy.threshold 4", "write --set strategy.threshold=4"},
    {"run job.toml --threshold 4", "write --set strategy.threshold=4 or --set compression.threshold=4"},
    {"run job.toml --gpu 0", "laconic run has no option --gpu; laconic computes on the CPU; remove it"},
    {"run job.toml --device=cuda", "laconic computes on the CPU"},
    {"run job.toml --workers 8", "write --set workers.count=8"},
    {"run job.toml --model mlp", "write --set model.name=mlp"},
    {"evaluate runs/empty --data net.csv", "/net.csv"},
    {"evaluate runs/empty --data net.csv", "write --set data.test_file=/"},
    {"evaluate runs/empty --data runs", "write --set data.dir=runs"},
    {"run job.toml --num-clients=8", "write --set workers.count=8"},
    {"run job.toml --fp16", "laconic computes in 32-bit floats; remove it"},
    {"run job.toml --set lr=0.1", "'lr' is no key of a job; did you mean optimizer.learning_rate?"},
    {"run --config job.toml", "give the job file itself: laconic run job.toml"},
    {"run job.toml -v", "a run shows its progress by itself"},
    {"run job.toml -n 8", "write --set workers.count=8"},
    {"run job.toml -o out", "write --set output.dir=out"},
    {"run job.toml --quiet", "write --set output.progress=off"},
    {"run job.toml --dryrun", "did you mean --dry-run?"},
    {"run job.toml --zzzzzz", "laconic run --help shows those that it has"},
    {"sweep job.toml seed=1..2 --resume runs/job", "the same sweep goes on by itself"},
    {"topology ring:8 --sed 3", "laconic topology has no option --sed; did you mean --seed?"},
    {"topology ring:8 --omega big", "--omega"},
    // Settings.
    {"run job.toml seed=4", "'seed=4': write --set seed=4"},
    {"run job.toml --set", "laconic run --set: its value is missing; such as: laconic run job.toml --set"},
    {"run job.toml --set ''", "--set '': a key and its value belong here, such as --set job.seed=2"},
    {"run job.toml --set seed", "--set seed: the value is missing; write --set job.seed=VALUE"},
    {"run job.toml --set treshold=1", "'treshold' is no key of a job; did you mean strategy.threshold?"},
    {"run job.toml --set name=fda", "'name' is a key of several sections; write job.name, "},
    {"run job.toml --set job.steps=", "job.steps"},
    {"run job.toml --set job.steps=-3", "job.steps"},
    // Words too few and too many.
    {"run", "job.toml is missing; give a job file"},
    {"run ''", "job.toml is missing; give a job file"},
    {"run job.toml other.toml", "laconic compare job.toml other.toml runs several"},
    {"compare", "laconic compare: job-or-folder is missing; such as: laconic compare fda.toml synchronous.toml"},
    {"sweep job.toml", "a sweep of one job needs values, such as seed=1..3"},
    {"sweep job.toml seed", "write seed=1,2"},
    {"report", "laconic report: folder is missing; give folders of results"},
    {"evaluate", "a model, or a run's results, is missing"},
    {"list strategys", "did you mean 'strategies'?"},
    {"docs", "laconic docs: page is missing; such as: laconic docs man"},
    // Files that are none.
    {"run jbo.toml", "jbo.toml: no such job file; did you mean job.toml?"},
    {"run job", "job: no such job file; did you mean job.toml?"},
    {"run runs", "runs: is a folder; give a job file"},
    {"run net.pt", "net.pt: is by its name a model; laconic evaluate measures it"},
    {"run broken.toml", "broken.toml:1"},
    {"run --resume", "--resume: which run? Give the folder of its results"},
    {"run --resume nowhere", "nowhere"},
    {"run job.toml --resume other.toml", "a job file is given already, job.toml"},
    {"run job.toml --resume", "runs/job"},
    {"evaluate net.pt", "net.pt: on which data? Name the job: laconic evaluate net.pt job.toml"},
    {"evaluate nowhere.pt", "nowhere.pt: no such file or folder"},
    {"evaluate job.toml", "job.toml: has no results in "},
    {"evaluate net.pt job.toml", "net.pt"},
    {"evaluate runs/empty", "runs/empty: holds no model; give the folder of a run's results"},
    {"report runs/empty", "runs/empty"},
    {"report nowhere", "nowhere: no such folder; give a folder of results, such as runs/NAME"},
    {"report job.toml", "job.toml: is a job file; give the folder of its results, which laconic run job.toml writes"},
    {"compare job.toml nowhere", "nowhere: no such job file or folder of results; give one"},
    {"compare job.toml nowhere.toml", "nowhere.toml: no such job file"},
    {"run nope.toml", "nope.toml: no such job file\n"},
};

TEST_F(BrokenCommands, AreAnsweredInOneLineWithWhatToWrite) {
  for (const Broken& broken : kBroken) {
    const Answer given = answer(broken.line);
    EXPECT_NE(given.text.find(broken.expected), std::string::npos)
        << "laconic " << broken.line << "\n  " << broken.expected << " in\n  " << given.text;
    EXPECT_EQ(given.text.find("laconic: error: "), 0U) << "laconic " << broken.line << "\n" << given.text;
    EXPECT_EQ(std::count(given.text.begin(), given.text.end(), '\n'), 1) << "laconic " << broken.line << "\n"
                                                                         << given.text;
    EXPECT_EQ(given.code, 2) << "laconic " << broken.line;
  }
  EXPECT_FALSE(exists("runs/job")) << "nothing was run";
}

TEST_F(BrokenCommands, WhatIsMeantIsDoneWhereItIsClear) {
  constexpr const char* kShort = " --set output.progress=off steps=3 evaluation.every='3 steps' ";
  for (const std::string& line :
       {std::string("run job.toml") + kShort, "run" + std::string(kShort) + "job.toml",
        std::string("run job.toml --set=output.progress=off --set=steps=3 --set evaluation.every='3 steps'"),
        std::string("run job.toml --dry-run --set steps=3")}) {
    const Answer given = answer(line);
    EXPECT_EQ(given.code, 0) << line << "\n" << given.text;
  }
  EXPECT_EQ(summary("job").at("steps"), 3);
}

TEST_F(BrokenCommands, HelpIsGivenHoweverItIsAskedFor) {
  const std::string all = answer("--help").text;
  EXPECT_EQ(answer("help").text, all);
  EXPECT_EQ(answer("-h").text, all);
  EXPECT_NE(all.find("Exit codes:"), std::string::npos);
  EXPECT_EQ(answer("help run").text, answer("run --help").text);
  EXPECT_EQ(answer("help run").code, 0);
  EXPECT_EQ(answer("version").text, answer("--version").text);
  EXPECT_NE(answer("list").text.find("laconic list strategies: "), std::string::npos);
  EXPECT_EQ(answer("list").code, 0);
  const Answer nothing = answer("");
  EXPECT_NE(nothing.text.find("laconic run job.toml "), std::string::npos);
  EXPECT_LT(std::count(nothing.text.begin(), nothing.text.end(), '\n'), 12) << "it is short";
  EXPECT_EQ(nothing.code, 2);
}

TEST_F(BrokenCommands, WhatCannotBeWrittenIsNamed) {
  write_text("taken", "");
  const Answer file = answer("run job.toml --set output.dir=taken");
  EXPECT_NE(file.text.find("taken: is no folder"), std::string::npos) << file.text;
  EXPECT_EQ(file.code, 2);
  const Answer page = answer("report runs/empty -o /dev/full");
  EXPECT_EQ(page.code, 2) << page.text;
  const Answer full = shell("$laconic list options 2>&1 >/dev/full");
  EXPECT_EQ(full.text, "laconic: error: standard output: cannot be written; is the disk full?\n");
  EXPECT_EQ(full.code, 1);
  EXPECT_EQ(shell("($laconic list options; echo $? >code) 2>&1 | true").text, "") << "who reads along may go";
  EXPECT_EQ(testing::read_text("code"), "0\n");
}

}  // namespace
}  // namespace laconic
