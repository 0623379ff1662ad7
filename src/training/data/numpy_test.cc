#include "training/data/numpy.h"

#include <map>

#include "training/data/description.h"
#include "training/data/fingerprint.h"
#include "training/data/test_support.h"
#include "training/formats/test_archive.h"

namespace laconic {
namespace {

using Keys = std::map<std::string, std::string>;

Options options_of(const Keys& keys) {
  std::map<std::string, GivenOption> given;
  for (const auto& [key, value] : keys) given[key] = {.text = value, .where = "job.toml:1"};
  return Options("data", numpy_options(), given);
}

Dataset load(const TemporaryFolder& folder, const Keys& keys = {}) {
  return load_dataset(find_dataset("numpy"), folder.path(), options_of(keys));
}

void expect_refused(const TemporaryFolder& folder, const Keys& keys, const std::vector<std::string>& parts) {
  const std::string text = usage_error([&] { load(folder, keys); });
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

std::string counted(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(i);
  return bytes;
}

// An archive of an array of bytes of this shape, counted up, and as many labels, 0 and 1 in turn, as integers of 64
// bits.
std::string archive(const std::string& shape, std::size_t elements, std::size_t labels) {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < labels; ++i) numbers.push_back(static_cast<std::int64_t>(i % 2));
  return zip_archive(
      {{.name = "x.npy", .content = npy("|u1", shape, counted(elements)), .deflated = true},
       {.name = "y.npy", .content = npy("<i8", "(" + std::to_string(labels) + ",)", bytes_of_numbers(numbers))}});
}

TEST(NumpyData, ReadsAnArchiveASplit) {
  const TemporaryFolder folder;
  folder.write("train.npz", archive("(4, 2, 3)", 24, 4));
  folder.write("test.npz", archive("(2, 2, 3)", 12, 2));
  const Dataset data = load(folder);
  EXPECT_EQ(data.name, "numpy");
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 2, .width = 3}));
  EXPECT_EQ(data.classes, 2U);
  EXPECT_EQ(std::string(data.train.pixels.begin(), data.train.pixels.end()), counted(24));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 1, 0, 1}));
  EXPECT_EQ(data.test.pixels.size(), 12U);
  EXPECT_TRUE(data.train.values.empty() && data.test.values.empty());
  EXPECT_TRUE(data.normalisation.empty());
}

TEST(NumpyData, NumbersToPredictAreReadAsTheyAre) {
  const TemporaryFolder folder;
  const auto split = [](const std::string& shape, const std::vector<double>& targets, std::size_t samples) {
    return zip_archive(
        {{.name = "x.npy", .content = npy("|u1", "(" + std::to_string(samples) + ", 2)", counted(2 * samples))},
         {.name = "y.npy", .content = npy("<f8", shape, bytes_of_numbers(targets))}});
  };
  const std::map<std::string, std::string> keys = {{"targets", "numbers"}};
  folder.write("train.npz", split("(2, 3)", {1.5, -2, 3e20, 4, 5, 6}, 2));
  folder.write("test.npz", split("(1, 3)", {7, 8, 9}, 1));
  const Dataset data = load(folder, keys);
  EXPECT_EQ(data.numbers, 3U);
  EXPECT_EQ(data.classes, 0U);
  EXPECT_EQ(data.train.count(), 2U);
  EXPECT_EQ(data.train.targets, (std::vector<float>{1.5F, -2.0F, 3e20F, 4.0F, 5.0F, 6.0F}));
  EXPECT_EQ(data.test.targets, (std::vector<float>{7.0F, 8.0F, 9.0F}));
  EXPECT_TRUE(data.train.labels.empty() && data.target_scale.empty());

  folder.write("test.npz", split("(1, 2)", {7, 8}, 1));
  EXPECT_NE(usage_error([&] { load(folder, keys); }).find("there are 2 targets a sample, and training has 3"),
            std::string::npos);
  folder.write("train.npz", split("(2,)", {1.5, 2}, 2));
  folder.write("test.npz", split("(1, 1)", {7}, 1));
  EXPECT_EQ(load(folder, keys).numbers, 1U) << "N and N x 1 are the same";
  EXPECT_NE(usage_error([&] { load(folder, {}); }).find("class numbers are integers"), std::string::npos);
  folder.write("train.npz", split("(3,)", {1.5, 2, 3}, 2));
  EXPECT_NE(usage_error([&] { load(folder, keys); }).find("there are 2 inputs and 3 labels"), std::string::npos);
  folder.write("train.npz", split("(2, 1, 1)", {1.5, 2}, 2));
  EXPECT_NE(usage_error([&] { load(folder, keys); }).find("the targets are 2 x 1 x 1; give N, or N x T"),
            std::string::npos);
}

TEST(NumpyData, ReadsOneArchiveOfBothSplits) {
  const TemporaryFolder folder;
  folder.write("all.npz",
               zip_archive({{.name = "x_train.npy", .content = npy("|u1", "(3, 2)", "abcdef")},
                            {.name = "y_train.npy", .content = npy("|u1", "(3, 1)", std::string("\0\2\1", 3))},
                            {.name = "x_test.npy", .content = npy("|u1", "(1, 2)", "gh")},
                            {.name = "y_test.npy", .content = npy("|u1", "(1, 1)", "\2")}}));
  const Dataset data = load(
      folder, {{"train_file", "all.npz"}, {"test_file", "all.npz"}, {"inputs", "x_{split}"}, {"labels", "y_{split}"}});
  EXPECT_EQ(data.shape, (ImageShape{.channels = 1, .height = 1, .width = 2}));
  EXPECT_EQ(data.classes, 3U);
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{0, 2, 1}));
  EXPECT_EQ(data.test.pixels, (std::vector<std::uint8_t>{'g', 'h'}));
  EXPECT_EQ(data.test.labels, (std::vector<std::uint16_t>{2}));
}

const Keys kFiles = {
    {"train_file", "a.npy"}, {"train_labels", "b.npy"}, {"test_file", "c.npy"}, {"test_labels", "d.npy"}};

TEST(NumpyData, ReadsAFileAnArrayWhichMayBeCompressed) {
  const TemporaryFolder folder;
  folder.write("a.npy", npy("<f4", "(2, 2)", bytes_of_numbers<float>({1.5F, -300.0F, 0.25F, 4.0F})));
  folder.write("b.npy", npy("|b1", "(2,)", std::string("\1\0", 2)));
  folder.write_compressed("c.npy.gz", npy(">i2", "(1, 2)", std::string("\1\2\377\376", 4)));
  folder.write("d.npy", npy("|i1", "(1,)", "\1"));
  const Dataset data = load(folder, kFiles);
  EXPECT_EQ(data.train.values, (std::vector<float>{1.5F, -300.0F, 0.25F, 4.0F}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{1, 0}));
  EXPECT_EQ(data.test.values, (std::vector<float>{258, -2}));
  EXPECT_TRUE(data.train.pixels.empty() && data.test.pixels.empty());
}

TEST(NumpyData, ImagesBecomeChannelsFirst) {
  const TemporaryFolder folder;
  // Two images of 2 x 1 pixels with 3 channels each.
  folder.write("train.npz", archive("(2, 2, 1, 3)", 12, 2));
  folder.write("test.npz", archive("(2, 2, 1, 3)", 12, 2));
  const Dataset last = load(folder, {{"layout", "channels-last"}});
  EXPECT_EQ(last.shape, (ImageShape{.channels = 3, .height = 2, .width = 1}));
  EXPECT_EQ(last.train.pixels, (std::vector<std::uint8_t>{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}));
  EXPECT_EQ(last.test.pixels, last.train.pixels);
  const Dataset first = load(folder, {{"layout", "channels-first"}});
  EXPECT_EQ(first.shape, (ImageShape{.channels = 2, .height = 1, .width = 3}));
  EXPECT_EQ(std::string(first.train.pixels.begin(), first.train.pixels.end()), counted(12));

  const std::vector<float> numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const auto floats = [&](const std::string& shape) {
    const std::string file = zip_archive({{.name = "x.npy", .content = npy("<f4", shape, bytes_of_numbers(numbers))},
                                          {.name = "y.npy", .content = npy("|u1", "(1,)", "\1")}});
    folder.write("train.npz", file);
    folder.write("test.npz", file);
  };
  floats("(1, 3, 2, 2)");
  EXPECT_EQ(load(folder, {{"layout", "channels-last"}}).train.values,
            (std::vector<float>{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11}));
  EXPECT_EQ(load(folder).train.values, numbers);
  floats("(1, 6, 1, 2)");
  expect_refused(folder, {}, {"the inputs are 1 x 6 x 1 x 2, which looks like channels last", "data.layout"});
  EXPECT_EQ(load(folder, {{"layout", "channels-first"}}).shape.channels, 6);
  floats("(1, 6, 2)");
  expect_refused(folder, {{"layout", "channels-last"}}, {"1 x 6 x 2, without channels", "remove data.layout"});
}

TEST(NumpyData, IsReadInTwoStepsOfWhichTheSecondTakesTheChosenInputs) {
  const TemporaryFolder folder;
  folder.write("train.npz", archive("(5, 2)", 10, 5));
  const DatasetRow& row = find_dataset("numpy");
  const Options options = options_of({});
  Dataset data = open_dataset(row, folder.path(), options, Splits::kTraining);
  EXPECT_EQ(data.train.count(), 5U);
  EXPECT_TRUE(data.train.pixels.empty());
  EXPECT_EQ(data.test.count(), 0U) << "a test file is not needed";
  Dataset changed = data;
  read_chosen(row, folder.path(), options, {false, true, true, false, true}, data);
  EXPECT_EQ(data.train.pixels, (std::vector<std::uint8_t>{2, 3, 4, 5, 8, 9}));
  EXPECT_EQ(data.train.labels, (std::vector<std::uint16_t>{1, 0, 0}));
  EXPECT_EQ(data.train.memory(), 12U);

  for (const char* shape : {"(10, 1)", "(5, 2, 1)", "(10,)", "()"}) {
    folder.write("train.npz", archive(shape, 10, 5));
    Dataset again = changed;
    const std::string text =
        usage_error([&] { read_chosen(row, folder.path(), options, std::vector<bool>(5, true), again); });
    EXPECT_NE(text.find("changed while it was read; run again"), std::string::npos) << text;
  }
}

TEST(NumpyData, BytesAndOtherNumbersAreOfTwoKinds) {
  const TemporaryFolder folder;
  folder.write("b.npy", npy("|u1", "(2,)", std::string("\1\0", 2)));
  folder.write("d.npy", npy("|u1", "(1,)", "\1"));
  folder.write("c.npy", npy("|u1", "(1, 2)", "ab"));
  folder.write("a.npy", npy("|u1", "(2, 2)", "abcd"));
  const Dataset bytes = load(folder, kFiles);
  folder.write("a.npy", npy("|i1", "(2, 2)", "abcd"));
  expect_refused(folder, kFiles,
                 {folder.path("c.npy") + ": a sample is 2 bytes, and one of " + folder.path("a.npy") +
                  " is 2 numbers; both splits need the same"});
  folder.write("c.npy", npy("|i1", "(1, 2)", "ab"));
  const Dataset numbers = load(folder, kFiles);
  EXPECT_NE(fingerprint_of_kind(bytes), fingerprint_of_kind(numbers));
  EXPECT_EQ(kind_text(bytes), "vectors of 2 bytes in 2 classes");
  EXPECT_EQ(kind_text(numbers), "vectors of 2 numbers in 2 classes");
}

TEST(NumpyData, RefusesArraysThatDoNotBelongTogether) {
  const TemporaryFolder folder;
  folder.write("train.npz", archive("(4, 2, 3)", 24, 3));
  expect_refused(folder, {}, {folder.path("train.npz") + ":x: there are 4 inputs and 3 labels"});
  folder.write("train.npz", archive("(4, 2, 3)", 24, 4));
  expect_refused(folder, {}, {folder.path("test.npz") + ": no such file"});
  expect_refused(folder, {{"test_file", ""}}, {folder.path("") + ": data set numpy is given an empty name of a file"});
  expect_refused(folder, {{"test_file", "tests.npz"}}, {folder.path("tests.npz") + ": no such file"});
  folder.write("test.npz", archive("(2, 3, 2)", 12, 2));
  expect_refused(folder, {}, {folder.path("test.npz") + ":x: a sample is 3 x 2 bytes, and one of ", "is 2 x 3 bytes"});
  folder.write("test.npz", archive("(2, 1, 2, 3)", 12, 2));
  expect_refused(folder, {}, {"a sample is 1 x 2 x 3 bytes"});
  for (const char* shape : {"(24,)", "()", "(1, 1, 1, 1, 24)"}) {
    folder.write("train.npz", archive(shape, 24, 4));
    expect_refused(folder, {}, {"the inputs are ", "; give N x F, N x H x W or N x C x H x W"});
  }
}

TEST(NumpyData, ClassesAreThoseOfTheTrainingLabelsOrAsTheJobSays) {
  const TemporaryFolder folder;
  folder.write("a.npy", npy("|u1", "(2, 2)", "abcd"));
  folder.write("b.npy", npy("|u1", "(2,)", std::string("\0\4", 2)));
  folder.write("c.npy", npy("|u1", "(1, 2)", "ab"));
  folder.write("d.npy", npy("|u1", "(1,)", "\5"));
  const auto with = [](Keys keys, const char* key, const char* value) {
    keys[key] = value;
    return keys;
  };
  expect_refused(folder, kFiles,
                 {folder.path("d.npy") + ": label 5 of sample 0 is not below 5, the classes", "data.classes"});
  EXPECT_EQ(load(folder, with(kFiles, "classes", "9")).classes, 9U);
  expect_refused(folder, with(kFiles, "classes", "4"), {folder.path("b.npy") + ": label 4 of sample 1 is not below 4"});
  folder.write("b.npy", npy("|u1", "(2, 2)", std::string("\0\1\1\0", 4)));
  expect_refused(folder, kFiles, {folder.path("b.npy") + ": the labels are 2 x 2", "y.argmax(1)"});
  folder.write("b.npy", npy("|u1", "(2,)", std::string("\0\0", 2)));
  expect_refused(folder, kFiles, {"all samples have the label 0"});
  folder.write("b.npy", npy("<f8", "(2,)", std::string(16, '\0')));
  expect_refused(folder, kFiles, {"the labels have the type '<f8'"});
}

TEST(NumpyData, KeysAreRefusedWhereTheyMeanNothing) {
  const TemporaryFolder folder;
  folder.write("a.npy", npy("|u1", "(2, 2)", "abcd"));
  folder.write("b.npy", npy("|u1", "(2,)", std::string("\0\1", 2)));
  expect_refused(folder, {{"train_file", "a.npy"}},
                 {"data.train_labels is missing: " + folder.path("a.npy") + " is one array"});
  Keys keys = kFiles;
  keys["inputs"] = "z";
  expect_refused(folder, keys, {"job.toml:1: data.inputs names an array of an archive, and " + folder.path("a.npy")});
  folder.write_compressed("train.npz.gz", archive("(4, 2)", 8, 4));
  expect_refused(folder, {}, {"gunzip " + folder.path("train.npz.gz")});
  expect_refused(folder, {{"layout", "NHWC"}}, {"job.toml:1", "data.layout"});
}

TEST(NumpyData, AreAugmentedWhereTheyAreImagesOfBytes) {
  const TemporaryFolder folder;
  folder.write("train.npz", archive("(4, 2, 3)", 24, 4));
  folder.write("test.npz", archive("(2, 2, 3)", 12, 2));
  EXPECT_EQ(load(folder).augmentation, Augmentation::kNone);
  EXPECT_EQ(load(folder, {{"augment", "resized_crop_mirror"}}).augmentation, Augmentation::kResizedCropMirror);
  folder.write("train.npz", archive("(4, 6)", 24, 4));
  folder.write("test.npz", archive("(2, 6)", 12, 2));
  expect_refused(folder, {{"augment", "mirror"}}, {"data.augment is for images of bytes", "4 x 6 of type |u1"});
}

TEST(NumpyData, SamplesHaveUsersByAnArrayOfNamesOrNumbers) {
  const TemporaryFolder folder;
  folder.write("test.npz", archive("(2, 6)", 12, 2));
  const auto with_users = [&](const std::string& users) {
    folder.write("train.npz", zip_archive({{.name = "x.npy", .content = npy("|u1", "(4, 6)", counted(24))},
                                           {.name = "y.npy", .content = npy("|u1", "(4,)", std::string("\0\1\1\0", 4))},
                                           {.name = "site.npy", .content = users}}));
  };
  const std::string names = npy("|S4", "(4,)", std::string("OsloBonnOsloRome"));
  with_users(names);
  const Dataset named = load(folder, {{"user", "site"}});
  EXPECT_EQ(named.train.users, (std::vector<std::uint32_t>{1, 0, 1, 2}));
  EXPECT_EQ(named.user_names, (std::vector<std::string>{"Bonn", "Oslo", "Rome"}));
  EXPECT_TRUE(load(folder).train.users.empty()) << "unless the job names the array";
  with_users(npy("<i4", "(4, 1)", bytes_of_numbers(std::vector<std::int32_t>{3, 3, 12, 3})));
  const Dataset numbered = load(folder, {{"user", "site"}});
  EXPECT_EQ(numbered.train.users, (std::vector<std::uint32_t>{1, 1, 0, 1}));
  EXPECT_EQ(numbered.user_names, (std::vector<std::string>{"12", "3"}));
  folder.write("who.npy", names);
  EXPECT_EQ(load(folder, {{"train_users", "who.npy"}}).user_names, named.user_names);

  expect_refused(folder, {{"user", "clinic"}}, {"train.npz", "clinic"});
  expect_refused(folder, {{"user", "site"}, {"train_users", "who.npy"}}, {"data.user names an array of an archive"});
  expect_refused(folder, {{"train_users", "train.npz"}}, {"data.user is missing", "is an archive"});
  folder.write("who.npy", npy("|S4", "(3,)", "OsloBonnOslo"));
  expect_refused(folder, {{"train_users", "who.npy"}}, {"who.npy", "the users are 3 for 4 samples"});
  folder.write("who.npy", npy("|S4", "(4,)", std::string("OsloBonn\0\0\0\0Rome", 16)));
  expect_refused(folder, {{"train_users", "who.npy"}}, {"who.npy", "the user of sample 2 is empty"});
  folder.write("who.npy", npy("<f4", "(4,)", std::string(16, '\0')));
  expect_refused(folder, {{"train_users", "who.npy"}}, {"who.npy", "text or whole numbers"});
}

}  // namespace
}  // namespace laconic
