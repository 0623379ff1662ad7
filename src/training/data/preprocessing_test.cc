#include "training/data/preprocessing.h"

#include <nlohmann/json.hpp>

#include "training/data/test_support.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

TEST(Preprocessing, OfATableHasColumnsMeansDeviationsAndRows) {
  Dataset data;
  data.name = "csv";
  data.shape = {.channels = 1, .height = 1, .width = 2};
  data.train.values = {1, 2};
  data.numbers = 1;
  data.feature_names = {"rooms", "area"};
  data.target_names = {"price"};
  data.feature_scale = {{.mean = 2.5, .deviation = 0.5}, {.mean = -1.0, .deviation = 4.0}};
  data.target_scale = {{.mean = 300.0, .deviation = 40.0}};
  data.test_rows = {3, 8};
  data.validation_rows = {1};
  EXPECT_EQ(Json::parse(preprocess_text(data)), Json::parse(R"({"dataset": "csv",
    "inputs": {"kind": "numbers", "shape": [1, 1, 2], "names": ["rooms", "area"], "mean": [2.5, -1.0],
               "deviation": [0.5, 4.0]},
    "targets": {"kind": "numbers", "count": 1, "names": ["price"], "mean": [300.0], "deviation": [40.0]},
    "test_rows": [3, 8], "validation_rows": [1]})"));
}

TEST(Preprocessing, OfImagesHasChannelsAndNamesOfClassesWhateverTheirBytes) {
  Dataset data = random_dataset(2, 1, {.channels = 1, .height = 2, .width = 2}, 2);
  data.normalisation = {{.mean = 0.5F, .deviation = 0.25F}};
  data.class_names = {"cat", "\xe9t\xe9"};
  EXPECT_EQ(Json::parse(preprocess_text(data)), Json::parse(R"({"dataset": "random",
    "inputs": {"kind": "bytes", "shape": [1, 2, 2], "mean": [0.5], "deviation": [0.25]},
    "targets": {"kind": "classes", "count": 2, "names": ["cat", "<0xE9>t<0xE9>"]}})"));
}

TEST(Preprocessing, OfTextHasItsVocabulary) {
  const TemporaryFolder folder;
  folder.write("tinyshakespeare.txt", "abababababababababababababababababababababab");
  const DatasetRow& row = find_dataset("tinyshakespeare");
  const Dataset data = load_dataset(
      row, folder.path(), Options("data", row.options, {{"sequence", {"2", "test"}}, {"test", {"0.2", "test"}}}));
  EXPECT_EQ(Json::parse(preprocess_text(data)), Json::parse(R"({"dataset": "tinyshakespeare",
    "inputs": {"kind": "tokens"}, "targets": {"kind": "next token", "count": 3, "names": ["<unk>", "a", "b"]}})"));
}

}  // namespace
}  // namespace laconic
