// Numbers as people read them, and tables that fit a width.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace laconic {

// 1234567 -> "1,234,567".
std::string grouped(std::uint64_t number);
// A fraction in percent with two decimals: .87123 -> "87.12%".
std::string percent(double fraction);
// `digits` significant digits, without exponent below a million: 0.30512 -> "0.305", 12.3456 -> "12.3". "nan", "inf".
std::string significant(double number, int digits = 3);
// 0 -> "0:00", 83.4 -> "1:23", 3723 -> "1:02:03".
std::string clock_text(Seconds span);
// The trace hash and other 64-bit words: 16 hexadecimal digits.
std::string hex(std::uint64_t word);

// Characters of UTF-8 text, as a terminal counts the ones this program writes.
std::size_t display_width(std::string_view text);
// The longest beginning of at most `width` characters.
std::string_view clipped(std::string_view text, std::size_t width);

// `text` in lines of at most `width` characters, each behind `indent` blanks and with its line's end.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width);

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string head;
    Align align = Align::kRight;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns; an empty one stays blank.
  void add_row(std::vector<std::string> cells);
  std::size_t rows() const { return rows_.size(); }

  // The lines, each with its line's end: heads, a rule, rows; two blanks between columns. A table wider than `width` is
  // turned on its side, a line for each column, and, if it still is, each row becomes a block of its own.
  std::string text(std::size_t width) const;

 private:
  std::string upright() const;
  std::string turned() const;
  std::string blocks() const;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace laconic
