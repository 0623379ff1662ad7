#include "comm/crc32c.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "base/random.h"

namespace laconic {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283U);
  const std::vector<std::byte> zeros(32, std::byte{0});
  const std::vector<std::byte> ones(32, std::byte{0xff});
  EXPECT_EQ(crc32c(zeros), 0x8a9136aaU);
  EXPECT_EQ(crc32c(ones), 0x62a8ab43U);
}

TEST(Crc32c, HardwareAndPortableFormsAgreeAtEverySizeAndOffset) {
  RandomStream stream(1, "crc");
  std::vector<std::byte> data(300);
  for (std::byte& byte : data) byte = static_cast<std::byte>(stream.below(256));
  for (std::size_t offset = 0; offset < 9; ++offset) {
    for (std::size_t size = 0; size + offset <= 200; ++size) {
      const auto part = std::span<const std::byte>(data).subspan(offset, size);
      ASSERT_EQ(crc32c(part), crc32c_portable(part)) << "offset " << offset << ", size " << size;
    }
  }
}

TEST(Crc32c, ContinuesWhereAnotherEnded) {
  const auto whole = bytes_of("laconic says little");
  EXPECT_EQ(crc32c(whole.subspan(7), crc32c(whole.first(7))), crc32c(whole));
}

}  // namespace
}  // namespace laconic
