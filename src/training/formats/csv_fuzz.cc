// A table of any bytes is read as samples of finite numbers with a label each, or refused with a UsageError of one
// line, whatever the separator and wherever the labels are said to be.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "training/formats/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using laconic::CsvHeader;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::string path = "table.csv";
  for (const char separator : {',', ';', '\t'}) {
    for (const CsvHeader header : {CsvHeader::kAuto, CsvHeader::kYes, CsvHeader::kNo}) {
      for (const auto& [label, user] : {std::pair{"label", ""}, {"2", ""}, {"label", "user"}, {"2", "1"}}) {
        const laconic::CsvFormat format{.separator = separator, .header = header, .label = label, .user = user};
        try {
          const laconic::CsvTable table = laconic::parse_csv(text, path, format);
          LACONIC_CHECK(table.features >= 1 && !table.labels.empty(), "no samples");
          LACONIC_CHECK(table.values.size() == table.labels.size() * table.features, table.values.size() << " values");
          LACONIC_CHECK(table.columns.empty() || table.columns.size() == table.features, table.columns.size());
          LACONIC_CHECK(table.names.size() <= laconic::kMostCsvLabels, table.names.size() << " labels");
          for (const double value : table.values) LACONIC_CHECK(std::isfinite(value), "value " << value);
          LACONIC_CHECK(table.users.size() == (format.user.empty() ? 0 : table.labels.size()), table.users.size());
          for (const std::uint32_t number : table.users) LACONIC_CHECK(number < table.user_names.size(), number);
          for (const std::uint32_t number : table.labels) LACONIC_CHECK(number < table.names.size(), number);
        } catch (const laconic::UsageError& error) {
          const std::string_view message = error.what();
          LACONIC_CHECK(message.starts_with(path) && message.find('\n') == std::string_view::npos, message);
        }
      }
    }
  }
  return 0;
}
