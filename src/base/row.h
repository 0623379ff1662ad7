// Looking up a row of one of the tables of this layer by its name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/spelling.h"
#include "base/utf8.h"

namespace laconic {

// The row of `rows` called `name`; `key` ("model.name") is where the job file has it. Throws UsageError with the known
// names and the nearest one.
template <typename Row>
const Row& find_row(std::span<const Row> rows, std::string_view name, std::string_view key) {
  std::vector<std::string_view> names;
  for (const Row& row : rows) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  throw UsageError(std::string(key) + ": '" + printable(name) + "' is not one of: " + listed(names) +
                   did_you_mean(name, names));
}

}  // namespace laconic
