// Any bytes as a job file are sections and keys, or one line of printable text that says what is wrong with them; and so
// are they as an override.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "job/text/job_text.h"

namespace {

void check_text(const std::string& line) {
  LACONIC_CHECK(line.size() < 2000, "a message of " << line.size() << " bytes");
  LACONIC_CHECK(laconic::printable(line, line.size()) == line, "unprintable: " << line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const laconic::WrittenJob job = laconic::read_job_text(text, "job.toml");
    for (const auto& [name, section] : job) {
      LACONIC_CHECK(section.where.starts_with("job.toml:"), "a section at '" << section.where << "'");
      for (const auto& [key, value] : section.keys) {
        LACONIC_CHECK(value.where.starts_with("job.toml:"), "a key at '" << value.where << "'");
      }
    }
  } catch (const laconic::UsageError& error) {
    check_text(error.what());
  }
  try {
    laconic::parse_override(text);
  } catch (const laconic::UsageError& error) {
    check_text(error.what());
  }
  return 0;
}
