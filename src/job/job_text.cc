#include "job/job_text.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/error.h"

namespace laconic {
namespace {

std::string place(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line);
}

std::string one_line(std::string_view text) {
  std::string result(text);
  std::replace(result.begin(), result.end(), '\n', ' ');
  return result;
}

template <typename Number>
std::string shortest(Number number) {
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), result.ptr};
}

WrittenValue read_value(const toml::node& node, const std::string& file) {
  using Kind = WrittenValue::Kind;
  WrittenValue value{.text = {}, .where = place(file, node.source()), .kind = Kind::kOther};
  if (const auto* text = node.as_string()) {
    value.text = text->get();
    value.kind = Kind::kText;
  } else if (const auto* integer = node.as_integer()) {
    value.text = shortest(integer->get());
    value.kind = Kind::kInteger;
  } else if (const auto* number = node.as_floating_point()) {
    value.text = shortest(number->get());
    value.kind = Kind::kNumber;
  } else if (const auto* flag = node.as_boolean()) {
    value.text = flag->get() ? "true" : "false";
    value.kind = Kind::kFlag;
  } else if (const auto* list = node.as_array()) {
    value.kind = Kind::kList;
    for (const toml::node& element : *list) {
      const WrittenValue read = read_value(element, file);
      if (read.kind == Kind::kOther || read.kind == Kind::kList) value.kind = Kind::kOther;
      value.text += (value.text.empty() ? "" : ", ") + read.text;
    }
  }
  return value;
}

// Of a list as TOML writes it the text that it has as a value: [1, 2] is "1, 2".
std::optional<std::string> list_text(std::string_view value) {
  if (!value.starts_with('[') || !value.ends_with(']')) return std::nullopt;
  try {
    const toml::table table = toml::parse("list = " + std::string(value));
    const WrittenValue read = read_value(*table.get("list"), "--set");
    if (read.kind == WrittenValue::Kind::kList) return read.text;
  } catch (const toml::parse_error&) {
    // A value that only looks like one.
  }
  return std::nullopt;
}

// A job is kept as TOML, which is UTF-8.
bool is_utf8(std::string_view text) {
  try {
    static_cast<void>(toml::parse("text = " + toml_quoted(text)));
    return true;
  } catch (const toml::parse_error&) {
    return false;
  }
}

}  // namespace

WrittenJob read_job_text(std::string_view text, const std::string& file) {
  toml::table table;
  try {
    table = toml::parse(text, std::string_view(file));
  } catch (const toml::parse_error& error) {
    throw UsageError(place(file, error.source()) + ": this is no TOML: " + one_line(error.description()));
  }
  WrittenJob job;
  for (const auto& [name, node] : table) {
    const toml::table* keys = node.as_table();
    if (keys == nullptr) {
      throw UsageError(place(file, node.source()) + ": '" + std::string(name.str()) +
                       "' stands outside any section; put it under one, such as [job]");
    }
    WrittenSection section{.where = place(file, node.source()), .keys = {}};
    for (const auto& [key, value] : *keys) {
      section.keys.emplace(std::string(key.str()), read_value(value, file));
    }
    job.emplace(std::string(name.str()), std::move(section));
  }
  return job;
}

Override parse_override(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::size_t dot = text.substr(0, equals).find('.');
  if (equals == std::string_view::npos || dot == std::string_view::npos || dot == 0 || dot + 1 == equals) {
    throw UsageError("--set '" + std::string(text) + "': write section.key=value, such as --set job.seed=2");
  }
  std::string_view value = text.substr(equals + 1);
  if (!is_utf8(text)) {
    throw UsageError("--set '" + std::string(text.substr(0, equals)) +
                     "': the value is not UTF-8, as a job has to be; rename the file or folder that it names");
  }
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  return {.section = std::string(text.substr(0, dot)),
          .key = std::string(text.substr(dot + 1, equals - dot - 1)),
          .value = list_text(value).value_or(std::string(value))};
}

std::string toml_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (code < 0x20 || code == 0x7f) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04X", static_cast<unsigned>(code));
      result += escape.data();
    } else {
      result += c;
    }
  }
  return result + "\"";
}

}  // namespace laconic
