// A new operator is one file that defines its row, and the row's name in both lists here. No header has the rows, so
// that no other operator is compiled anew; a row that no file defines is an error of the linker's.
#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/spelling.h"
#include "base/utf8.h"
#include "compress/compressor.h"
#include "compress/value_format.h"

namespace laconic {

extern const CompressorRow kNone, kFloat16, kBfloat16, kSign, kQsgd, kNatural, kTopK, kThreshold, kRandomK,
    kRandomGossip, kLowRank;

std::span<const CompressorRow* const> compressors() {
  static constexpr std::array kRows = {&kNone, &kFloat16,   &kBfloat16, &kSign,         &kQsgd,   &kNatural,
                                       &kTopK, &kThreshold, &kRandomK,  &kRandomGossip, &kLowRank};
  return kRows;
}

const CompressorRow& find_compressor(std::string_view name) {
  std::vector<std::string_view> known;
  for (const CompressorRow* row : compressors()) {
    if (row->name == name) return *row;
    known.push_back(row->name);
  }
  throw UsageError("'" + printable(name) + "' is no compression operator; there are " + listed(known) +
                   did_you_mean(name, known));
}

Layout flat_layout(std::size_t size) {
  Layout layout;
  layout.tensors.push_back({.name = "vector", .offset = 0, .shape = {static_cast<std::int64_t>(size)}, .size = size});
  layout.size = size;
  return layout;
}

namespace compress {

std::span<const ValueFormatRow> value_formats() {
  static constexpr std::array kRows = {
      ValueFormatRow{"float32", make_float32},   ValueFormatRow{"float16", make_float16},
      ValueFormatRow{"bfloat16", make_bfloat16}, ValueFormatRow{"sign", make_sign},
      ValueFormatRow{"qsgd", make_qsgd},         ValueFormatRow{"natural", make_natural},
  };
  return kRows;
}

}  // namespace compress
}  // namespace laconic
