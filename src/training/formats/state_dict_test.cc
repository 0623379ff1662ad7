#include "training/formats/state_dict.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/scratch_folder.h"
#include "training/formats/test_archive.h"

namespace laconic {
namespace {

// Pickles as torch.save writes them, instruction by instruction (python3 -m pickletools shows the same of a real file).
const std::string kBegin = "\x80\x02";
const std::string kDictionary = "ccollections\nOrderedDict\n)R";

std::string number(std::uint64_t value) { return "J" + little_endian(value, 4); }
std::string word(const std::string& text) { return "X" + little_endian(text.size(), 4) + text; }
std::string tuple(const std::string& items) { return "(" + items + "t"; }
std::string tuple(const std::vector<std::uint64_t>& items) {
  std::string text;
  for (const std::uint64_t item : items) text += number(item);
  return tuple(text);
}

struct Tensor {
  std::string name;
  std::string storage;  // its key
  std::uint64_t offset;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> strides;
  std::string type = "FloatStorage";
};

std::string pickled(const Tensor& tensor) {
  const std::string id =
      tuple(word("storage") + "ctorch\n" + tensor.type + "\n" + word(tensor.storage) + word("cpu") + number(24));
  return word(tensor.name) + "ctorch._utils\n_rebuild_tensor_v2\n" +
         tuple(id + "Q" + number(tensor.offset) + tuple(tensor.shape) + tuple(tensor.strides) + "\x89" + kDictionary) +
         "R";
}

std::string state_of(const std::vector<Tensor>& tensors) {
  std::string items;
  for (const Tensor& tensor : tensors) items += pickled(tensor);
  // With the attribute _metadata that state dicts have.
  return kDictionary + "(" + items + "u" + "}" + word("_metadata") + kDictionary + "sb";
}

class StateDicts : public ::testing::Test {
 protected:
  // An archive with 24 floats 0, 1, 2, ... in data/0 and two integers in data/1.
  std::string file(const std::string& pickle, const std::vector<ZipEntry>& more = {}) const {
    std::vector<float> floats(24);
    for (std::size_t i = 0; i < floats.size(); ++i) floats[i] = static_cast<float>(i);
    std::vector<ZipEntry> entries = {{.name = "net/data.pkl", .content = pickle},
                                     {.name = "net/data/0", .content = bytes_of_numbers(floats)},
                                     {.name = "net/data/1", .content = std::string(16, '\1')}};
    entries.insert(entries.end(), more.begin(), more.end());
    return write(zip_archive(entries));
  }
  std::string write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary) << bytes;
    return path_;
  }
  static std::string refusal(const std::string& path) {
    try {
      read_state_dict(path);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }

  ScratchFolder folder_;
  std::string path_ = folder_.path("net.pt");
};

TEST_F(StateDicts, GiveTheirTensorsInOrderWhateverTheirStrides) {
  const SafetensorsModel model = read_state_dict(file(kBegin +
                                                      state_of({{"weight", "0", 2, {2, 3}, {3, 1}},
                                                                {"turned", "0", 0, {3, 2}, {1, 3}},
                                                                {"every other", "0", 1, {4}, {2}},
                                                                {"number", "0", 23, {}, {}},
                                                                {"none", "0", 0, {0, 5}, {5, 1}},
                                                                {"count", "1", 0, {2}, {1}, "LongStorage"}}) +
                                                      "."));
  ASSERT_EQ(model.layout.tensors.size(), 5U);
  EXPECT_EQ(model.params, (std::vector<float>{2, 3, 4, 5, 6, 7, 0, 3, 1, 4, 2, 5, 1, 3, 5, 7, 23}));
  EXPECT_EQ(model.layout.tensors[1].name, "turned");
  EXPECT_EQ(model.layout.tensors[1].shape, (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(model.layout.tensors[2].offset, 12U);
  EXPECT_EQ(model.layout.tensors[4].size, 0U);
  EXPECT_EQ(model.layout.size, 17U);
  EXPECT_EQ(model.skipped, (std::vector<std::string>{"count"}));
}

TEST_F(StateDicts, AreFoundInTheCheckpointsOfTrainingLoops) {
  const std::string state = state_of({{"module.w", "0", 0, {2}, {1}}, {"module.b", "0", 5, {1}, {1}}});
  for (const char* name : {"state_dict", "model_state_dict", "model"}) {
    const std::string checkpoint = "}(" + word("epoch") + number(3) + word(name) + state + "u";
    const SafetensorsModel model = read_state_dict(file(kBegin + checkpoint + "."));
    ASSERT_EQ(model.layout.tensors.size(), 2U) << name;
    EXPECT_EQ(model.layout.tensors[0].name, "w") << "DataParallel's prefix is taken away";
    EXPECT_EQ(model.params, (std::vector<float>{0, 1, 5}));
  }
}

TEST_F(StateDicts, ParametersAreTensorsToo) {
  const std::string tensor = pickled(Tensor{"w", "0", 0, {2}, {1}});
  const std::size_t name = word("w").size();
  const std::string parameter = "}" + tensor.substr(0, name) + "ctorch._utils\n_rebuild_parameter\n" +
                                tuple(tensor.substr(name) + "\x88" + kDictionary) + "Rs";
  EXPECT_EQ(read_state_dict(file(kBegin + parameter + ".")).params, (std::vector<float>{0, 1}));
}

TEST_F(StateDicts, WhatReachesBeyondItsDataIsRefused) {
  constexpr std::uint64_t kHuge = 0x7fffffff;
  for (const Tensor& tensor : std::vector<Tensor>{{"w", "0", 0, {25}, {1}},
                                                  {"w", "0", 23, {2}, {1}},
                                                  {"w", "0", 24, {1}, {1}},
                                                  {"w", "0", 0, {2}, {24}},
                                                  {"w", "0", 0, {kHuge, kHuge, kHuge, kHuge}, {1, 1, 1, 1}},
                                                  {"w", "0", 0, {2, 2}, {kHuge, kHuge}},
                                                  {"w", "0", kHuge, {1}, {1}},
                                                  {"w", "0", 0, {kHuge}, {0}},
                                                  {"w", "0", 0, {2}, {}}}) {
    EXPECT_NE(refusal(file(kBegin + state_of({tensor}) + ".")).find("the tensor 'w' reaches beyond its data"),
              std::string::npos);
  }
  EXPECT_NE(refusal(file(kBegin + state_of({{"w", "0", 0, {0xffffffff}, {1}}}) + ".")).find("has no shape that is one"),
            std::string::npos);
  EXPECT_NE(refusal(file(kBegin + state_of({{"w", "7", 0, {1}, {1}}}) + ".")).find("the data '7' are missing"),
            std::string::npos);
  EXPECT_NE(refusal(file(kBegin + state_of({{"w", "0", 0, {1}, {1}, "HalfStorage"}}) + ".")).find("a 'HalfStorage'"),
            std::string::npos);
  std::vector<Tensor> many(200, {"w", "0", 0, {24}, {1}});
  for (std::size_t i = 0; i < many.size(); ++i) many[i].name += std::to_string(i);
  EXPECT_EQ(refusal(file(kBegin + state_of(many) + ".")), "accepted") << "names take room too";
}

TEST_F(StateDicts, OtherFilesAreRefusedByWhatTheyAre) {
  const std::string whole = kBegin + "c__main__\nNet\n)\x81}" + word("training") + "\x88sb.";
  EXPECT_EQ(refusal(file(whole)),
            path_ +
                ": holds the Python object '__main__.Net' as a whole, whose class laconic does not have; write it " +
                "with torch.save(model.state_dict(), \"model.pt\")");
  EXPECT_NE(refusal(file(kBegin + "}.")).find("holds no state dict"), std::string::npos);
  EXPECT_NE(refusal(file(kBegin + "K\5.")).find("holds no state dict"), std::string::npos);
  EXPECT_NE(refusal(write("PK")).find("is no file of torch.save"), std::string::npos);
  EXPECT_NE(refusal(folder_.path("none")).find(folder_.path("none")), std::string::npos);
  EXPECT_NE(
      refusal(file(kBegin + state_of({{"w", "0", 0, {1}, {1}}}) + ".", {{.name = "net/byteorder", .content = "big"}}))
          .find("another order of bytes"),
      std::string::npos);
}

TEST_F(StateDicts, APickleThatBreaksOffOrTakesWhatIsNotThereIsRefused) {
  const std::string good = kBegin + state_of({{"w", "0", 0, {2}, {1}}}) + ".";
  ASSERT_EQ(refusal(file(good)), "accepted");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(refusal(file(good.substr(0, size))).find("its data.pkl "), std::string::npos) << size;
  }
  for (const std::string bad : {".", "t.", "R.", "h\5.", "u.", "(u.", "}(Nu.", "s.", "Q.", "b.", "q\1.", "a.", "Na.",
                                "cos\nsystem\n", "i", "\x8a\x09", "X\xff\xff\xff\xff", "\x85."}) {
    EXPECT_NE(refusal(file(kBegin + bad)), "accepted") << bad;
  }
}

TEST_F(StateDicts, ArchivesAreToldApartByTheirFiles) {
  EXPECT_EQ(torch_archive(file(kBegin + "}.")), TorchArchive::kStateDict);
  EXPECT_EQ(torch_archive(file(kBegin + "}.", {{.name = "net/constants.pkl", .content = ""}})),
            TorchArchive::kTorchScript);
  EXPECT_EQ(torch_archive(write(zip_archive({{.name = "x.npy", .content = ""}}))), TorchArchive::kNone);
  EXPECT_EQ(torch_archive(write("no archive")), TorchArchive::kNone);
  EXPECT_THROW(torch_archive(folder_.path("none")), UsageError);
  EXPECT_EQ(read_from_archive(file(kBegin + "}.", {{.name = "net/extra/x", .content = "notes"}}), "extra/x"), "notes");
  EXPECT_EQ(read_from_archive(file(kBegin + "}."), "extra/x"), "");
}

}  // namespace
}  // namespace laconic
