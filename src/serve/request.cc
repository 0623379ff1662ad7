#include "serve/request.h"

#include <algorithm>
#include <charconv>

namespace laconic::serve {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

bool is_visible(char letter) { return letter > ' ' && letter < 0x7f; }

// A letter of a method or of a field's name.
bool is_token(char letter) {
  const bool is_letter = (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
  const bool is_digit = letter >= '0' && letter <= '9';
  return is_letter || is_digit || std::string_view("!#$%&'*+-.^_`|~").find(letter) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char letter) { return is_token(letter); });
}

// Bytes above ASCII are let through, as they mean nothing here; what could end a line is not.
bool is_value(std::string_view text) {
  return std::ranges::all_of(text, [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_host(std::string_view name) {
  constexpr std::string_view kHost = "host";
  return std::ranges::equal(name, kHost, {},
                            [](char letter) { return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter; });
}

// Takes the first line off `text`; unset where none ends.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find(kLineEnd);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + kLineEnd.size());
  return line;
}

bool parse_request_line(std::string_view line, Request& request) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return false;
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return false;
  request.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_token(request.method) || !target.starts_with('/') || !std::ranges::all_of(target, is_visible)) return false;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
  request.path = target.substr(0, target.find('?'));
  request.query = request.path.size() == target.size() ? std::string_view() : target.substr(request.path.size() + 1);
  return true;
}

}  // namespace

ParsedRequest parse_request(std::string_view head) noexcept {
  const ParsedRequest bad = {};
  if (head.size() > kMostHead) return {.status = Status::kTooLarge};
  ParsedRequest parsed = {.status = Status::kOk};
  const std::optional<std::string_view> first = take_line(head);
  if (!first || !parse_request_line(*first, parsed.request)) return bad;
  bool has_host = false;
  for (;;) {
    const std::optional<std::string_view> line = take_line(head);
    if (!line) return bad;
    if (line->empty()) break;
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) return bad;
    const std::string_view value = trimmed(line->substr(colon + 1));
    if (!is_value(value)) return bad;
    if (!is_host(line->substr(0, colon))) continue;
    if (has_host) return bad;
    has_host = true;
    parsed.request.host = value;
  }
  return has_host && head.empty() ? parsed : bad;
}

std::optional<std::uint64_t> position_of(std::string_view query) noexcept {
  constexpr std::string_view kFrom = "from=";
  if (query.empty()) return 0;
  if (!query.starts_with(kFrom)) return std::nullopt;
  query.remove_prefix(kFrom.size());
  std::uint64_t position = 0;
  const auto [end, error] = std::from_chars(query.data(), query.data() + query.size(), position);
  if (error != std::errc() || end != query.data() + query.size()) return std::nullopt;
  return position;
}

}  // namespace laconic::serve
