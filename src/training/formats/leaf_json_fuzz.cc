// A file of any bytes is samples of finite numbers with a user and a label each, or refused with a UsageError of one line.
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "training/formats/leaf_json.h"
#include "training/formats/scratch_file_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const laconic::ScratchFile file("leaf_json_fuzz");
  file.write(data, size);
  try {
    const laconic::LeafFile outline = laconic::read_leaf_json(file.path());
    const std::size_t count = outline.users.size();
    LACONIC_CHECK(count >= 1 && outline.labels.size() == count && outline.values.empty(), count << " samples");
    for (const std::uint32_t user : outline.users) LACONIC_CHECK(user < outline.user_names.size(), user);
    for (const std::uint32_t label : outline.labels) LACONIC_CHECK(label < outline.label_names.size(), label);
    std::vector<bool> odd(count);
    for (std::size_t sample = 1; sample < count; sample += 2) odd[sample] = true;
    const laconic::LeafFile half = laconic::read_leaf_json(file.path(), odd);
    LACONIC_CHECK(half.values.size() == count / 2 * half.features, half.values.size() << " values");
    for (const float value : half.values) LACONIC_CHECK(std::isfinite(value), "value " << value);
  } catch (const laconic::UsageError& error) {
    const std::string_view message = error.what();
    LACONIC_CHECK(message.starts_with(file.path()) && message.find('\n') == std::string_view::npos, message);
  }
  return 0;
}
