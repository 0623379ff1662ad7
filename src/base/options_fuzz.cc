// The text of an option in a job file gives a value that its declaration allows, or a UsageError.
//
// The first byte of an input picks the option, the rest is the text.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>

#include "base/error.h"
#include "base/options.h"

namespace {

using laconic::OptionSpec;
using laconic::OptionType;

const OptionSpec kSpecs[] = {
    {.name = "count", .type = OptionType::kInteger, .default_value = "8", .minimum = 1, .maximum = 1e6},
    {.name = "factor", .type = OptionType::kNumber, .default_value = "0.5", .minimum = 0.0, .maximum = 1.0},
    {.name = "name", .type = OptionType::kText, .default_value = "x"},
    {.name = "kind", .type = OptionType::kChoice, .default_value = "iid", .choices = {"iid", "shards", "dirichlet"}},
    {.name = "flag", .type = OptionType::kFlag, .default_value = "false"},
    {.name = "size", .type = OptionType::kBytes, .default_value = "1 MB"},
    {.name = "time", .type = OptionType::kDuration, .default_value = "1 s"},
    {.name = "rate", .type = OptionType::kRate, .default_value = "unlimited"},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t pick = data[0] % (std::size(kSpecs) + 1);
  // One more than there are options: an unknown name.
  const std::string name = pick < std::size(kSpecs) ? std::string(kSpecs[pick].name) : text;
  try {
    const laconic::Options options("fuzz", kSpecs, {{name, {.text = text, .where = "input"}}});
    const std::uint64_t count = options.integer("count");
    LACONIC_CHECK(count >= 1 && count <= 1000000, "count " << count);
    const double factor = options.number("factor");
    LACONIC_CHECK(factor >= 0.0 && factor <= 1.0, "factor " << factor);
    const std::string& kind = options.text("kind");
    LACONIC_CHECK(kind == "iid" || kind == "shards" || kind == "dirichlet", "kind " << kind);
    const double seconds = options.seconds("time").value;
    LACONIC_CHECK(std::isfinite(seconds) && seconds >= 0.0, "time " << seconds);
    LACONIC_CHECK(options.rate("rate").value >= 0.0, "rate " << options.rate("rate").value);
    options.flag("flag");
    options.bytes("size");
  } catch (const laconic::UsageError&) {
  }
  return 0;
}
