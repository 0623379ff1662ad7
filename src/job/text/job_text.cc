#include "job/text/job_text.h"

#include <toml++/toml.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "job/text/file_kind.h"
#include "job/text/toml_mistake.h"

namespace laconic {
namespace {

std::string place(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line);
}

std::string place(const std::string& file, std::size_t line) { return file + ":" + std::to_string(line); }

bool is_toml(std::string_view text) {
  try {
    const toml::table table = toml::parse(text);
    return !table.empty();
  } catch (const toml::parse_error&) {
    return false;
  }
}

// What the parser says, without the name of its part that says it.
std::string expectation(std::string_view description) {
  const std::size_t colon =
      description.starts_with("Error while parsing ") ? description.find(": ") : std::string::npos;
  return printable(colon == std::string_view::npos ? description : description.substr(colon + 2), 200);
}

[[noreturn]] void refuse_text(std::string_view text, const std::string& file, const toml::parse_error& error) {
  if (const std::optional<FileMistake> other = other_language(text)) {
    throw UsageError(place(file, other->line) + ": " + other->text);
  }
  const TomlMistake mistake = explain_toml_mistake(text, error.source().begin.line, is_toml);
  if (!mistake.text.empty()) throw UsageError(place(file, mistake.line) + ": " + mistake.text);
  throw UsageError(place(file, error.source()) + ":" + std::to_string(error.source().begin.column) +
                   ": this is not TOML (" + expectation(error.description()) +
                   "); a line is a [section], a key = value with text in quotes, or a # comment");
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
  } else if (node.is_table()) {
    value.kind = Kind::kTable;
  } else if (const auto* list = node.as_array()) {
    value.kind = Kind::kList;
    for (const toml::node& element : *list) {
      const WrittenValue read = read_value(element, file);
      if (read.kind == Kind::kOther || read.kind == Kind::kTable || read.kind == Kind::kList) value.kind = Kind::kOther;
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

}  // namespace

WrittenJob read_job_text(std::string_view text, const std::string& file) {
  if (const std::optional<FileMistake> bytes = not_text(text)) {
    throw UsageError(place(file, bytes->line) + ": " + bytes->text);
  }
  toml::table table;
  try {
    table = toml::parse(text, std::string_view(file));
  } catch (const toml::parse_error& error) {
    refuse_text(text, file, error);
  }
  WrittenJob job;
  for (const auto& [name, node] : table) {
    const toml::table* keys = node.as_table();
    if (keys == nullptr && node.is_array_of_tables()) {
      throw UsageError(place(file, node.source()) + ": a section name has single brackets; write [" +
                       printable(name.str()) + "]");
    }
    if (keys == nullptr) {
      WrittenSection& outside = job[std::string(kOutside)];
      if (outside.where.empty()) outside.where = place(file, node.source());
      outside.keys.emplace(std::string(name.str()), read_value(node, file));
      continue;
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
    throw UsageError("--set '" + printable(text) + "': write section.key=value, such as --set job.seed=2");
  }
  std::string_view value = text.substr(equals + 1);
  // A job is kept as TOML, which is UTF-8.
  if (first_bad_utf8(text) != std::string_view::npos) {
    throw UsageError("--set '" + printable(text.substr(0, equals)) +
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
