#include "training/formats/leaf_json.h"

#include "training/formats/test_support.h"

namespace laconic {
namespace {

LeafFile read(const std::string& text, const std::vector<bool>& keep = {}, std::size_t first = 0) {
  const TemporaryFolder folder;
  return read_leaf_json(folder.write("file.json", text), keep, first);
}

std::string refusal(const std::string& text) {
  const TemporaryFolder folder;
  const std::string path = folder.write("file.json", text);
  const std::string error = usage_error([&] { read_leaf_json(path); });
  EXPECT_EQ(error.find(path + ": "), 0U) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error.substr(std::min(error.size(), path.size() + 2));
}

// Ann has two samples, Bob one.
const std::string kTwoUsers =
    R"({"users": ["ann", "bob"], "num_samples": [2, 1],
        "user_data": {"ann": {"x": [[0.5, 1.0], [0.25, -3]], "y": [3, 0]}, "bob": {"y": [3], "x": [[1e3, 2]]}}})";

std::string with_user(const std::string& user) { return R"({"user_data": {"ann": )" + user + "}}"; }

TEST(LeafJson, HasSamplesByUser) {
  const LeafFile file = read(kTwoUsers, {true, true, true});
  EXPECT_EQ(file.user_names, (std::vector<std::string>{"ann", "bob"}));
  EXPECT_EQ(file.users, (std::vector<std::uint32_t>{0, 0, 1}));
  EXPECT_EQ(file.label_names, (std::vector<std::string>{"3", "0"}));
  EXPECT_EQ(file.labels, (std::vector<std::uint32_t>{0, 1, 0}));
  EXPECT_EQ(file.features, 2U);
  EXPECT_EQ(file.values, (std::vector<float>{0.5F, 1.0F, 0.25F, -3.0F, 1000.0F, 2.0F}));
}

TEST(LeafJson, KeepsTheNumbersOfTheMarkedSamplesAlone) {
  EXPECT_TRUE(read(kTwoUsers).values.empty());
  EXPECT_EQ(read(kTwoUsers, {false, true, true}).values, (std::vector<float>{0.25F, -3.0F, 1000.0F, 2.0F}));
  EXPECT_EQ(read(kTwoUsers, {true, false, true, false, false}, 2).values, (std::vector<float>{0.5F, 1.0F}));
  const TemporaryFolder folder;
  const std::string path = folder.write("file.json", kTwoUsers);
  EXPECT_NE(usage_error([&] {
              read_leaf_json(path, {true, true});
            }).find("changed while it was read"),
            std::string::npos);
}

TEST(LeafJson, MayHaveListsInSamplesNamesOfClassesAndKeysOfItsOwn) {
  const LeafFile file = read(
      R"({"hierarchies": [{"a": [1, null, true, "b"]}, 2], "users": ["u"], "more": {"users": [3]},
          "user_data": {"u": {"raw": {"x": [1]}, "x": [[[1, 2], [3, 4]]], "y": ["cat"], "z": "?"}}, "last": 1.5})",
      {true});
  EXPECT_EQ(file.values, (std::vector<float>{1.0F, 2.0F, 3.0F, 4.0F}));
  EXPECT_EQ(file.features, 4U);
  EXPECT_EQ(file.label_names, (std::vector<std::string>{"cat"}));
}

TEST(LeafJson, OfTextOrOfNamesOfFilesIsRefusedByName) {
  for (const char* sample : {R"(["to be"])", R"([["1", "a tweet"]])"}) {
    EXPECT_EQ(refusal(with_user(std::string(R"({"x": )") + sample + R"(, "y": ["o"]})")),
              "user 'ann': sample 0 is text or a file name, as in LEAF's Shakespeare, Sent140, Reddit and CelebA; "
              "only samples of numbers are read here: turn it into numbers");
  }
}

TEST(LeafJson, ThatIsNotAsLeafWritesItIsRefusedWithThePlace) {
  const auto expect = [](const std::string& text, const std::string& part) {
    const std::string error = refusal(text);
    EXPECT_NE(error.find(part), std::string::npos) << part << " in: " << error;
  };
  expect("", "byte 1: is no JSON");
  expect("{", "is no JSON");
  expect("{} {}", "is no JSON");
  expect("{}", "has no sample");
  expect("[1]", "the file has another kind of value there");
  expect("3", "the file has a number there");
  expect(R"({"users": {"a": 1}})", "the file has another kind of value there");
  expect(R"({"users": [1]})", "\"users\" has a number there");
  expect(R"({"num_samples": [-1]})", "\"num_samples\" has the negative number -1 there");
  expect(R"({"user_data": [1]})", "another kind of value");
  expect(R"({"user_data": {"a": [1]}})", "\"user_data\" has a list there");
  expect(with_user(R"({"x": 3})"), "user 'ann' has a number there");
  expect(with_user(R"({"x": {"a": 3}})"), "user 'ann' has another kind of value there");
  expect(with_user(R"({"x": [1, 2], "y": [0, 1]})"), "sample 0 has a number where a list of numbers should be");
  expect(with_user(R"({"x": [[1, null]], "y": [0]})"), "user 'ann': sample 0 has null there");
  expect(with_user(R"({"x": [[1, NaN]], "y": [0]})"), "is no JSON at");
  expect(with_user(R"({"x": [[1e39]], "y": [0]})"), "sample 0 has a number outside the range of float");
  expect(with_user(R"({"x": [[1e999]], "y": [0]})"), "is no JSON");
  expect(with_user(R"({"x": [[]], "y": [0]})"), "sample 0 is empty");
  expect(with_user(R"({"x": [[1, 2], [3]], "y": [0, 1]})"), "user 'ann': sample 1 has 1 numbers, and the first one 2");
  expect(with_user(R"({"x": [[1]], "y": [0, 1]})"), "user 'ann' has 1 samples (\"x\") and 2 labels (\"y\")");
  expect(with_user(R"({"x": [[1]], "y": [1.5]})"),
         "the label of sample 0 has the number 1.5, which is not a whole number");
  expect(with_user(R"({"x": [[1]], "y": [-1]})"), "the label of sample 0 has the negative number -1");
  expect(with_user(R"({"x": [[1]], "y": [true]})"), "the label of sample 0 has true or false there");
  expect(R"({"user_data": {"a": {"x": [[1]], "y": [0]}, "a": {"x": [[1]], "y": [0]}}})", "user 'a' appears twice");
  expect(R"({"users": ["a", "b"], "user_data": {"a": {"x": [[1]], "y": [0]}}})", "lists 2 users, and has data of 1");
  expect(R"({"users": ["b"], "user_data": {"a": {"x": [[1]], "y": [0]}}})", "lists user 'b', and has no data of it");
  expect(R"({"users": ["a"], "num_samples": [2], "user_data": {"a": {"x": [[1]], "y": [0]}}})",
         "user 'a' has 1 samples, and the file says 2");
  expect(R"({"users": ["a"], "num_samples": [1, 1], "user_data": {"a": {"x": [[1]], "y": [0]}}})",
         "has 2 counts (\"num_samples\") for 1 users");
  std::string samples;
  std::string labels;
  for (std::size_t i = 0; i <= kMostLeafLabels; ++i) {
    samples += i == 0 ? "[1]" : ",[1]";
    labels += (i == 0 ? "" : ",") + std::to_string(i);
  }
  expect(with_user("{\"x\": [" + samples + "], \"y\": [" + labels + "]}"), "more than 65536 different labels");
  for (std::size_t size = 0; size < kTwoUsers.size(); ++size) refusal(kTwoUsers.substr(0, size));
  refusal(std::string(100'000, '['));
  refusal(with_user("{\"x\": [" + std::string(100'000, '[')));
}

}  // namespace
}  // namespace laconic
