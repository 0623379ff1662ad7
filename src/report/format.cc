#include "report/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/error.h"

namespace laconic {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

void append_padded(std::string& line, const std::string& cell, std::size_t width, Table::Align align) {
  const std::string blanks(width - std::min(width, display_width(cell)), ' ');
  line += align == Table::Align::kRight ? blanks + cell : cell + blanks;
}

void end_line(std::string& text) {
  text.erase(text.find_last_not_of(' ') + 1);
  text += '\n';
}

std::size_t widest_line(std::string_view text) {
  std::size_t widest = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    widest = std::max(widest, display_width(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  return widest;
}

// Columns of cells, each as wide as its widest; `rule`: a rule below the first line.
std::string set_columns(const std::vector<std::vector<std::string>>& lines, const std::vector<Table::Align>& aligns,
                        bool rule) {
  std::vector<std::size_t> widths(aligns.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], display_width(line[i]));
  }
  std::string text;
  for (std::size_t row = 0; row < lines.size(); ++row) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (i > 0) line += "  ";
      append_padded(line, lines[row][i], widths[i], aligns[i]);
    }
    end_line(line);
    text += line;
    if (row > 0 || !rule) continue;
    for (std::size_t i = 0; i < widths.size(); ++i) text += (i > 0 ? "  " : "") + std::string(widths[i], '-');
    text += '\n';
  }
  return text;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string percent(double fraction) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.2f%%", 100.0 * fraction);
  return buffer.data();
}

std::string significant(double number, int digits) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  std::array<char, 64> buffer{};
  const double size = std::fabs(number);
  if (size != 0.0 && (size >= 1e6 || size < 1e-4)) {
    std::snprintf(buffer.data(), buffer.size(), "%.*e", digits - 1, number);
    return buffer.data();
  }
  // Digits before the point; of a fraction 0 or fewer.
  const int before = size == 0.0 ? 1 : static_cast<int>(std::floor(std::log10(size))) + 1;
  std::snprintf(buffer.data(), buffer.size(), "%.*f", std::max(0, digits - before), number);
  return buffer.data();
}

std::string clock_text(Seconds span) {
  if (!std::isfinite(span.value)) return "?";
  const auto total = static_cast<unsigned long long>(std::llround(std::clamp(span.value, 0.0, 1e12)));
  std::array<char, 64> buffer{};
  if (total >= 3600) {
    std::snprintf(buffer.data(), buffer.size(), "%llu:%02llu:%02llu", total / 3600, total / 60 % 60, total % 60);
  } else {
    std::snprintf(buffer.data(), buffer.size(), "%llu:%02llu", total / 60, total % 60);
  }
  return buffer.data();
}

std::string hex(std::uint64_t word) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%016llx", static_cast<unsigned long long>(word));
  return buffer.data();
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

std::string_view clipped(std::string_view text, std::size_t width) {
  std::size_t end = 0;
  for (std::size_t characters = 0; end < text.size(); ++end) {
    if (!continues_character(text[end]) && ++characters > width) break;
  }
  return text.substr(0, end);
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  const std::size_t room = width > indent + 20 ? width - indent : 20;
  std::string result;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (display_width(text) > room) {
      const std::size_t longest = clipped(text, room).size();
      const std::size_t blank = text.rfind(' ', longest);
      end = blank == std::string_view::npos || blank == 0 ? longest : blank;
    }
    result += std::string(indent, ' ') + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(end);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
  return result;
}

void Table::add_row(std::vector<std::string> cells) {
  LACONIC_CHECK(cells.size() == columns_.size(), cells.size() << " cells for " << columns_.size() << " columns");
  rows_.push_back(std::move(cells));
}

std::string Table::upright() const {
  std::vector<std::vector<std::string>> lines(1);
  std::vector<Align> aligns;
  for (const Column& column : columns_) {
    lines.front().push_back(column.head);
    aligns.push_back(column.align);
  }
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  return set_columns(lines, aligns, true);
}

std::string Table::turned() const {
  std::vector<std::vector<std::string>> lines;
  std::vector<Align> aligns(rows_.size() + 1, Align::kRight);
  aligns.front() = Align::kLeft;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::vector<std::string> line = {columns_[i].head};
    for (const auto& row : rows_) line.push_back(row[i]);
    lines.push_back(std::move(line));
  }
  return set_columns(lines, aligns, true);
}

std::string Table::blocks() const {
  std::string text;
  for (const auto& row : rows_) {
    std::vector<std::vector<std::string>> lines;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!row[i].empty()) lines.push_back({columns_[i].head, row[i]});
    }
    text += (text.empty() ? "" : "\n") + set_columns(lines, {Align::kLeft, Align::kLeft}, false);
  }
  return text;
}

std::string Table::text(std::size_t width) const {
  std::string result = upright();
  if (widest_line(result) > width) result = turned();
  if (widest_line(result) > width) result = blocks();
  return result;
}

}  // namespace laconic
