// Looking up a row of one of the tables of this layer by its name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/options.h"

namespace laconic {

// The row of `rows` called `name`; `key` ("model.name") is where the job file has it. Throws UsageError with the known
// names and the nearest one.
template <typename Row>
const Row& find_row(std::span<const Row> rows, std::string_view name, std::string_view key) {
  std::string known;
  std::vector<std::string_view> names;
  for (const Row& row : rows) {
    if (row.name == name) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
    names.push_back(row.name);
  }
  const std::string_view near = nearest(name, names);
  throw UsageError(std::string(key) + ": '" + std::string(name) + "' is not one of: " + known +
                   (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
}

}  // namespace laconic
