// The bytes of the messages are a format that nodes of different versions share: tests/golden/compressed.txt holds them
// for one vector, and docs/compression.md explains one of them byte by byte.
//
// LACONIC_WRITE_GOLDEN=1 writes the file anew; its difference is to be read.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "compress/test_support.h"

namespace laconic {
namespace {

constexpr const char* kFile = "tests/golden/compressed.txt";

std::string hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    if (!text.empty()) text += ' ';
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

// Two tensors: a matrix of 4 x 8 and a vector of 8.
Layout golden_layout() {
  Layout layout;
  layout.tensors.push_back({"matrix", 0, {4, 8}, 32});
  layout.tensors.push_back({"vector", 32, {8}, 8});
  layout.size = 40;
  return layout;
}

// Small multiples of 1/8: exact in every format.
std::vector<float> golden_vector() {
  std::vector<float> values(40);
  for (std::size_t j = 0; j < values.size(); ++j) values[j] = static_cast<float>((j * 29 + 7) % 41) / 8.0F - 2.5F;
  return values;
}

std::vector<Case> golden_cases() {
  return {make_case("none", {}),
          make_case("float16", {}),
          make_case("bfloat16", {}),
          make_case("sign", {}),
          make_case("sign", {{"scope", "model"}}),
          make_case("qsgd", {}),
          make_case("qsgd", {{"levels", "255"}, {"scope", "model"}, {"unbiased", "true"}}),
          make_case("natural", {}),
          make_case("top_k", {{"ratio", "0.1"}}),
          make_case("top_k", {{"k", "5"}, {"scope", "model"}, {"values", "bfloat16"}}),
          make_case("top_k", {{"ratio", "0.8"}, {"scope", "model"}, {"values", "sign"}}),
          make_case("top_k", {{"ratio", "0.5"}, {"values", "qsgd"}}),
          make_case("threshold", {{"threshold", "2"}, {"values", "float16"}}),
          make_case("random_k", {{"ratio", "0.25"}, {"values", "natural"}}),
          make_case("random_gossip", {{"probability", "0.9"}, {"values", "sign"}}),
          make_case("random_gossip", {{"probability", "0.0001"}}),
          make_case("low_rank", {{"rank", "1"}, {"warm_start", "false"}})};
}

std::string all_messages() {
  std::string text;
  for (const Case& each : golden_cases()) {
    const std::unique_ptr<Compressor> compressor = each.row->make(each.options, golden_layout())();
    RandomStream random(1, "golden");
    text += each.text + "\n  " + hex(message_of(*compressor, golden_vector(), random)) + "\n";
  }
  return text;
}

std::string content_of(const char* file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(Golden, MessagesAreTheBytesOnRecord) {
  const std::string messages = all_messages();
  if (std::getenv("LACONIC_WRITE_GOLDEN") != nullptr) std::ofstream(kFile) << messages;
  EXPECT_EQ(messages, content_of(kFile)) << "the wire format has changed; if it is meant to, run this test with "
                                            "LACONIC_WRITE_GOLDEN=1 and read the difference";
}

TEST(Golden, TheWorkedExampleOfTheDocumentIsOnRecord) {
  const std::string document = content_of("docs/compression.md");
  const std::string record = content_of(kFile);
  const std::string name = "top_k k=5 scope=model values=bfloat16\n  ";
  const std::size_t at = record.find(name);
  ASSERT_NE(at, std::string::npos);
  const std::string bytes = record.substr(at + name.size(), record.find('\n', at + name.size()) - at - name.size());
  EXPECT_NE(document.find("    " + bytes + "\n"), std::string::npos) << "docs/compression.md lacks " << bytes;
}

}  // namespace
}  // namespace laconic
