// A run is watched over HTTP while it goes on. What asks is bash, which opens connections of its own.
#include "job/served_page.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "cli/commands.h"
#include "job/tiny_job_test.h"

namespace laconic {
namespace {

using testing::read_text;
using testing::TemporaryFolder;
using Json = nlohmann::json;
using Pipe = std::unique_ptr<FILE, int (*)(FILE*)>;

std::string rest_of(const Pipe& pipe) {
  std::string text;
  for (int byte = 0; (byte = std::fgetc(pipe.get())) != EOF;) text += static_cast<char>(byte);
  return text;
}

// Up to a line that begins with `start`, it included.
std::string up_to_line(const Pipe& pipe, std::string_view start) {
  std::string text;
  std::string line;
  for (int byte = 0; (byte = std::fgetc(pipe.get())) != EOF;) {
    line += static_cast<char>(byte);
    if (byte != '\n') continue;
    text += line;
    if (line.starts_with(start)) break;
    line.clear();
  }
  return text;
}

// The answer to a GET, to its end.
Pipe ask(const std::string& address, const std::string& target) {
  const std::string port = address.substr(address.rfind(':') + 1);
  const std::string script = "exec 3<>/dev/tcp/127.0.0.1/" + port.substr(0, port.size() - 1) + "; printf \"GET " +
                             target + " HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n\" >&3; exec timeout 60 cat <&3";
  return {popen(("exec bash -c '" + script + "'").c_str(), "r"), pclose};
}

// The events of an answer.
std::vector<Json> events_of(const std::string& answer) {
  std::vector<Json> events;
  std::istringstream lines(answer);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("data: ")) events.push_back(Json::parse(line.substr(6)));
  }
  return events;
}

class ServedRun : public ::testing::Test {
 protected:
  ServedRun() { testing::write_tiny_data(root_.path("data")); }

  std::string job(const std::string& name) {
    const std::string path = root_.path(name + ".toml");
    testing::write_text(path, testing::tiny_job_text(root_, name, "name = \"fda\"\nthreshold = 0.05"));
    return path;
  }
  // Runs it, and calls `look` with the address between two of its events, once it has printed `sign`.
  ExitCode run(RunArguments arguments, const std::string& sign, const std::function<void(const std::string&)>& look) {
    bool has_looked = false;
    console_.interrupted = [&] {
      const std::string said = out_.str();
      if (!has_looked && said.find(sign) != std::string::npos) {
        has_looked = true;
        const std::size_t at = said.find("watch at ") + 9;
        look(said.substr(at, said.find('\n', at) - at));
      }
      return stops_ && has_looked;
    };
    arguments.serve = "0";
    const ExitCode code = run_command(console_, arguments);
    console_.interrupted = {};
    EXPECT_TRUE(has_looked) << out_.str();
    return code;
  }
  // Of metrics.jsonl, with its types.
  std::vector<Json> metrics(const std::string& name) const {
    std::vector<Json> all;
    std::istringstream lines(read_text(root_.path("runs/" + name + "/metrics.jsonl")));
    for (std::string line; std::getline(lines, line);) all.push_back(Json::parse(line));
    return all;
  }
  Json summary(const std::string& name) const {
    return Json::parse(read_text(root_.path("runs/" + name + "/summary.json")));
  }

  TemporaryFolder root_;
  bool stops_ = false;  // after a look
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{.out = out_, .err = err_, .interrupted = {}};
};

TEST_F(ServedRun, ShowsItsPageAndDataWhileItGoesOnAndThenItsEnd) {
  std::string page;
  Pipe watcher(nullptr, pclose);
  std::string answer;
  const ExitCode code = run({.job_file = job("a"), .overrides = {}}, "step 20/40", [&](const std::string& address) {
    page = rest_of(ask(address, "/"));
    EXPECT_NE(rest_of(ask(address, "/../a.toml")).find("404 Not Found"), std::string::npos);
    watcher = ask(address, "/events");
    answer = up_to_line(watcher, "data: ");
  });
  EXPECT_EQ(code, ExitCode::kDone);
  EXPECT_EQ(page.substr(0, 15), "HTTP/1.1 200 OK");
  EXPECT_NE(page.find("\"live\":{\"session\":"), std::string::npos);
  EXPECT_NE(page.find("\"step\":20,"), std::string::npos);

  const std::vector<Json> events = events_of(answer + rest_of(watcher));
  EXPECT_GE(events.size(), 2u) << "at once, and at the end";
  ASSERT_FALSE(events.empty());
  std::vector<Json> lines;
  for (const Json& event : events) {
    EXPECT_EQ(event.at("from"), lines.size());
    for (const Json& line : event.at("lines")) lines.push_back(line);
    EXPECT_EQ(event.contains("summary"), &event == &events.back());
  }
  EXPECT_EQ(lines, metrics("a"));
  EXPECT_EQ(events.back().at("summary"), summary("a"));
  EXPECT_EQ(events.back().at("step"), 40);
}

TEST_F(ServedRun, IsTheSameAsOneThatNobodyWatches) {
  run({.job_file = job("a"), .overrides = {}}, "step 20/40",
      [](const std::string& address) { rest_of(ask(address, "/")); });
  EXPECT_EQ(run_command(console_, {.job_file = job("b"), .overrides = {}}), ExitCode::kDone);
  EXPECT_EQ(out_.str().find("watch at"), out_.str().rfind("watch at")) << "of the first alone";
  EXPECT_EQ(summary("a").at("trace_hash"), summary("b").at("trace_hash"));
  EXPECT_EQ(metrics("a"), metrics("b"));
}

TEST_F(ServedRun, ThatIsResumedBeginsWithTheLinesOfTheFormer) {
  const std::string file = job("a");
  stops_ = true;
  EXPECT_EQ(
      run({.job_file = file, .overrides = {"checkpoint.every=10 steps"}}, "step 30/40", [](const std::string&) {}),
      ExitCode::kInterrupted);
  const std::vector<Json> former = metrics("a");
  stops_ = false;
  out_.str("");
  std::vector<Json> events;
  EXPECT_EQ(run({.job_file = "", .overrides = {}, .resume = root_.path("runs/a")}, "goes on after step",
                [&](const std::string& address) { events = events_of(up_to_line(ask(address, "/events"), "data: ")); }),
            ExitCode::kDone);
  ASSERT_EQ(events.size(), 1u);
  const auto lines = events.at(0).at("lines").get<std::vector<Json>>();
  EXPECT_GE(lines.size(), 3u);
  EXPECT_TRUE(std::equal(lines.begin(), lines.end(), metrics("a").begin()));
}

TEST_F(ServedRun, WithoutItsAddressDoesNotBegin) {
  EXPECT_THROW(run_command(console_, {.job_file = job("a"), .overrides = {}, .serve = "example.org"}), UsageError);
  const std::string second = job("second");
  std::string text;
  run({.job_file = job("a"), .overrides = {}}, "step 20/40", [&](const std::string& address) {
    Console console{.out = err_, .err = err_, .interrupted = {}};
    const std::string port = address.substr(address.rfind(':') + 1);
    try {
      run_command(console, {.job_file = second, .overrides = {}, .serve = port.substr(0, port.size() - 1)});
    } catch (const UsageError& error) {
      text = error.what();
    }
  });
  EXPECT_NE(text.find("give another port, or port 0 for a free one"), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(err_.str(), "");
  EXPECT_FALSE(std::filesystem::exists(root_.path("runs/second")));
  EXPECT_FALSE(std::filesystem::exists(root_.path("runs/.second.tmp")));
}

TEST_F(ServedRun, SaysWhereItIsEvenWithoutProgress) {
  run({.job_file = job("a"), .overrides = {"output.progress=off"}}, "watch at",
      [](const std::string& address) { EXPECT_EQ(address.find("http://127.0.0.1:"), 0u) << address; });
  const std::string out = out_.str();
  EXPECT_EQ(out.substr(out.find('\n') + 1).find("a: all steps taken\n"), 0u) << out;
}

}  // namespace
}  // namespace laconic
