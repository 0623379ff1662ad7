#include "training/formats/safetensors.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "training/formats/test_support.h"

namespace laconic {
namespace {

// Two tensors: a, 2x3, and b, 4.
Layout small_layout() {
  return {.tensors = {{.name = "a", .offset = 0, .shape = {2, 3}, .size = 6},
                      {.name = "b", .offset = 6, .shape = {4}, .size = 4}},
          .size = 10};
}

std::vector<float> small_params() { return {0.0F, -0.0F, 1.5F, -2.25F, 1e-40F, 3e38F, NAN, INFINITY, 7.0F, 8.0F}; }

std::string file_of(const std::string& header, std::size_t data_size) {
  std::string file(8, '\0');
  const std::uint64_t size = header.size();
  std::memcpy(file.data(), &size, sizeof size);
  return file + header + std::string(data_size, '\0');
}

// The header of small_layout() as JSON, to be spoiled.
nlohmann::json good_header() {
  return {{"a", {{"dtype", "F32"}, {"shape", {2, 3}}, {"data_offsets", {0, 24}}}},
          {"b", {{"dtype", "F32"}, {"shape", {4}}, {"data_offsets", {24, 40}}}}};
}

TEST(Safetensors, ComesBackBitForBit) {
  const TemporaryFolder folder;
  const std::string path = folder.path("model.safetensors");
  const std::vector<float> params = small_params();
  write_safetensors(path, small_layout(), params, {{"job", "a \"name\" \xff"}});
  const std::vector<float> back = read_safetensors(path, small_layout());
  ASSERT_EQ(back.size(), params.size());
  EXPECT_EQ(std::memcmp(back.data(), params.data(), params.size() * sizeof(float)), 0);
  EXPECT_FALSE(std::filesystem::exists(path + ".partial"));
}

TEST(Safetensors, WritesTheDocumentedBytes) {
  const TemporaryFolder folder;
  const std::string path = folder.path("model.safetensors");
  const Layout layout{.tensors = {{.name = "w", .offset = 0, .shape = {1}, .size = 1}}, .size = 1};
  write_safetensors(path, layout, std::vector<float>{1.0F}, {});
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  const std::string size{static_cast<char>(padded.size()), 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(read_whole(path), size + padded + std::string("\0\0\x80\x3f", 4));
}

TEST(Safetensors, TensorsMayComeInAnyOrder) {
  const TemporaryFolder folder;
  nlohmann::json header = good_header();
  header["b"]["data_offsets"] = {0, 16};
  header["a"]["data_offsets"] = {16, 40};
  std::string file = file_of(header.dump(), 0);
  for (int i = 0; i < 10; ++i) {
    const auto value = static_cast<float>(i);
    file.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  const std::vector<float> expected = {4, 5, 6, 7, 8, 9, 0, 1, 2, 3};
  EXPECT_EQ(read_safetensors(folder.write("model", file), small_layout()), expected);
}

TEST(Safetensors, WithoutAModelTheLayoutIsTheFiles) {
  const TemporaryFolder folder;
  nlohmann::json header = good_header();
  header["b"]["data_offsets"] = {0, 16};
  header["a"]["data_offsets"] = {16, 40};
  header["none"] = {{"dtype", "F32"}, {"shape", {3, 0}}, {"data_offsets", {16, 16}}};
  std::string file = file_of(header.dump(), 0);
  const std::vector<float> values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  const SafetensorsModel model = read_safetensors(folder.write("model", file));
  EXPECT_EQ(model.params, values);
  EXPECT_EQ(model.layout.size, 10u);
  ASSERT_EQ(model.layout.tensors.size(), 2u);
  EXPECT_EQ(model.layout.tensors[0].name, "b");
  EXPECT_EQ(model.layout.tensors[0].shape, (std::vector<std::int64_t>{4}));
  EXPECT_EQ(model.layout.tensors[1].name, "a");
  EXPECT_EQ(model.layout.tensors[1].offset, 4u);
  EXPECT_EQ(model.layout.tensors[1].shape, (std::vector<std::int64_t>{2, 3}));
}

TEST(Safetensors, WithoutAModelDamageIsRefusedAllTheSame) {
  const TemporaryFolder folder;
  const auto refused = [&](const nlohmann::json& header, std::size_t data_size, const std::string& reason) {
    const std::string path = folder.write("model", file_of(header.dump(), data_size));
    const std::string text = usage_error([&] { read_safetensors(path); });
    EXPECT_NE(text.find(path), std::string::npos) << text;
    EXPECT_NE(text.find(reason), std::string::npos) << text;
  };
  nlohmann::json header = good_header();
  EXPECT_NO_THROW(read_safetensors(folder.write("model", file_of(header.dump(), 40))));
  refused(header, 39, "do not fit");
  refused(header, 41, "continues after its last tensor");
  header["b"]["shape"] = {1ULL << 32, 1ULL << 32};  // 2^64 elements wrap to 0
  header["b"]["data_offsets"] = {24, 24};
  refused(header, 24, "do not fit");
  header["b"]["shape"] = {1ULL << 63, 0, 2};
  header["b"]["data_offsets"] = {24, 40};
  refused(header, 40, "do not fit");
  refused({{"a", {{"dtype", "F32"}, {"shape", {0}}, {"data_offsets", {0, 0}}}}}, 0, "holds no element");
  refused(nlohmann::json::object(), 0, "holds no element");
  std::string huge(8, '\xff');
  EXPECT_NE(usage_error([&] {
              read_safetensors(folder.write("model", huge));
            }).find("not a safetensors file, or too large a header"),
            std::string::npos);
}

TEST(Safetensors, AFailedWriteLeavesTheFormerFile) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("model"));  // cannot be replaced by a file
  EXPECT_THROW(write_safetensors(folder.path("model"), small_layout(), small_params(), {}), RunError);
  EXPECT_FALSE(std::filesystem::exists(folder.path("model.partial")));
  EXPECT_THROW(write_safetensors(folder.path("absent/model"), small_layout(), small_params(), {}), RunError);
}

TEST(Safetensors, RefusesAnotherModelOrADamagedHeader) {
  const TemporaryFolder folder;
  const auto refused = [&](const nlohmann::json& header, std::size_t data_size, const std::string& reason) {
    const std::string path = folder.write("model", file_of(header.dump(), data_size));
    const std::string text = usage_error([&] { read_safetensors(path, small_layout()); });
    EXPECT_NE(text.find(path), std::string::npos) << text;
    EXPECT_NE(text.find(reason), std::string::npos) << text;
  };
  const auto spoiled = [&](auto change) {
    nlohmann::json header = good_header();
    change(header);
    return header;
  };
  EXPECT_NO_THROW(read_safetensors(folder.write("model", file_of(good_header().dump(), 40)), small_layout()));
  refused(spoiled([](auto& h) { h.erase("b"); }), 24, "1 tensors, the model has 2");
  refused(spoiled([](auto& h) { h["c"] = h["b"]; }), 40, "3 tensors, the model has 2");
  refused(spoiled([](auto& h) {
            h["c"] = h["b"];
            h.erase("b");
          }),
          40, "no tensor 'b'");
  refused(spoiled([](auto& h) { h["a"]["dtype"] = "F64"; }), 40, "not of type F32");
  refused(spoiled([](auto& h) { h["a"]["dtype"] = 32; }), 40, "not of type F32");
  refused(spoiled([](auto& h) { h["a"].erase("shape"); }), 40, "no 'shape'");
  refused(spoiled([](auto& h) { h["a"]["shape"] = {3, 2}; }), 40, "its shape is [3,2], the model's is [2,3]");
  refused(spoiled([](auto& h) { h["a"]["shape"] = {-2, -3}; }), 40, "not a list of whole numbers");
  refused(spoiled([](auto& h) { h["a"]["shape"] = {2.0, 3.0}; }), 40, "not a list of whole numbers");
  refused(spoiled([](auto& h) { h["a"] = 1; }), 40, "not an object");
  refused(spoiled([](auto& h) { h["a"]["data_offsets"] = {0, 20}; }), 40, "do not fit");
  refused(spoiled([](auto& h) { h["a"]["data_offsets"] = {24, 0}; }), 40, "do not fit");
  refused(spoiled([](auto& h) { h["a"]["data_offsets"] = {0}; }), 40, "do not fit");
  refused(spoiled([](auto& h) { h["b"]["data_offsets"] = {1ULL << 63, (1ULL << 63) + 16}; }), 40, "do not fit");
  refused(spoiled([](auto& h) { h["b"]["data_offsets"] = {20, 36}; }), 40, "overlap or leave a gap");
  refused(spoiled([](auto& h) { h["b"]["data_offsets"] = {28, 44}; }), 44, "overlap or leave a gap");
  refused(good_header(), 39, "do not fit");
  refused(good_header(), 41, "continues after its last tensor");
  refused(nlohmann::json::array(), 40, "not a JSON object");
}

TEST(Safetensors, RefusesWhatIsNoSafetensorsAtAll) {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& content) {
    EXPECT_THROW(read_safetensors(folder.write("model", content), small_layout()), UsageError);
  };
  EXPECT_THROW(read_safetensors(folder.path("absent"), small_layout()), UsageError);
  EXPECT_THROW(read_safetensors(folder.path(), small_layout()), UsageError);
  refused("");
  refused("short");
  refused(std::string(8, '\xff'));  // a header of 2^64 - 1 bytes
  refused(file_of("", 40));
  refused(file_of("{\"a\":", 40));
  refused(file_of("{\"a\":1e999}", 40));
  refused(file_of(std::string(500000, '['), 40));  // deep nesting
  // Every truncation.
  const std::string whole = file_of(good_header().dump(), 40);
  for (std::size_t size = 0; size < whole.size(); ++size) refused(whole.substr(0, size));
}

}  // namespace
}  // namespace laconic
