#include "job/value_example.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace laconic {
namespace {

struct Example {
  std::string_view section;
  std::string_view key;
  std::string_view value;
};

// For keys whose default is no example: text that is empty, zero that means "not this one". The first that fits counts.
constexpr std::array kExamples = {
    Example{"job", "name", "\"my_run\""},
    Example{"job", "steps", "1000"},
    Example{"job", "epochs", "10"},
    Example{"job", "until", "\"accuracy >= 0.9\""},
    Example{"job", "patience", "5"},
    Example{"data", "dir", "\"data\""},
    Example{"data", "partition", "\"dirichlet:0.3\""},
    Example{"data", "validation", "0.1"},
    Example{"data", "size", "\"224x224\""},
    Example{"data", "shape", "\"28x28\""},
    Example{"data", "classes", "\"cat,dog\""},
    Example{"data", "user", "\"user\""},
    Example{"data", "train_users", "\"train_users.npy\""},
    Example{"data", "train_labels", "\"train_labels.npy\""},
    Example{"data", "test_labels", "\"test_labels.npy\""},
    Example{"drift", "at", "[1000, 2000]"},
    Example{"drift", "probability", "0.001"},
    Example{"model", "file", "\"net.pt\""},
    Example{"model", "start", "\"runs/before/model.safetensors\""},
    Example{"model", "local", "\"fc2.*\""},
    Example{"optimizer", "warmup", "\"5 epochs\""},
    Example{"optimizer", "milestones", "[\"150 epochs\", \"225 epochs\"]"},
    Example{"optimizer", "momentum", "0.9"},
    Example{"optimizer", "weight_decay", "0.0001"},
    Example{"optimizer", "clip", "1.0"},
    Example{"workers", "count", "8"},
    Example{"workers", "threads", "4"},
    Example{"strategy", "name", "\"fda\""},
    Example{"strategy", "threshold", "2.5"},
    Example{"strategy", "budget", "\"20 MB/1000 steps\""},
    Example{"strategy", "groups", "4"},
    Example{"strategy", "gamma", "0.4"},
    Example{"between", "name", "\"choco\""},
    Example{"between", "gamma", "0.4"},
    Example{"topology", "graph", "\"ring\""},
    Example{"compression", "operator", "\"top_k\""},
    Example{"compression", "threshold", "0.001"},
    Example{"compression", "k", "1000"},
    Example{"network", "loss", "0.01"},
    Example{"network", "duplication", "0.01"},
    Example{"energy", "per_bit", "1e-7"},
    Example{"energy", "per_step", "0.5"},
    Example{"checkpoint", "every", "\"1 epoch\""},
    Example{"output", "dir", "\"runs/my_run\""},
};

bool is_number(std::string_view text) {
  double number = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc{} && result.ptr == text.data() + text.size() && std::isfinite(number);
}

std::string quoted(std::string_view text) { return toml_quoted(text); }

// "2" and "epochs" of "2 epochs".
struct Amount {
  std::string number;
  std::string unit;
};
std::optional<Amount> amount_of(std::string_view text) {
  const std::size_t letter = text.find_first_not_of("0123456789.eE+-_ ");
  if (letter == std::string_view::npos || letter == 0) return std::nullopt;
  std::string number(text.substr(0, letter));
  std::erase_if(number, [](char c) { return c == ' ' || c == '_'; });
  std::string unit(text.substr(letter));
  // The e of "epochs" is no exponent.
  if (number.ends_with('e')) {
    number.pop_back();
    unit.insert(0, "e");
  }
  if (!is_number(number)) return std::nullopt;
  return Amount{std::move(number), std::move(unit)};
}

bool is_whole(std::string_view number) { return number.find_first_not_of("0123456789") == std::string_view::npos; }

// What a number was meant to be that stands in quotes, or with a unit that says which key it belongs to.
std::optional<std::string> number_meant(std::string_view section, const OptionSpec& spec, const std::string& text) {
  std::string plain = text;
  std::erase_if(plain, [](char c) { return c == ' ' || c == '_'; });
  const std::string name(spec.name);
  if (is_number(plain)) {
    const bool fits = spec.type == OptionType::kNumber || is_whole(plain);
    return fits ? std::optional(name + " = " + plain) : std::nullopt;
  }
  const std::optional<Amount> amount = amount_of(text);
  if (!amount) return std::nullopt;
  const bool epochs = amount->unit == "epoch" || amount->unit == "epochs";
  const bool steps = amount->unit == "step" || amount->unit == "steps";
  if (section == "job" && (name == "steps" || name == "epochs") && (epochs || (steps && is_whole(amount->number)))) {
    return std::string(epochs ? "epochs" : "steps") + " = " + amount->number;
  }
  return steps && is_whole(amount->number) ? std::optional(name + " = " + amount->number) : std::nullopt;
}

}  // namespace

std::string value_example(std::string_view section, const OptionSpec& spec) {
  const bool is_numeric = spec.type == OptionType::kInteger || spec.type == OptionType::kNumber;
  const auto* const row = std::find_if(kExamples.begin(), kExamples.end(), [&](const Example& example) {
    const bool is_number_row = example.value.front() != '"' && example.value.front() != '[';
    return example.section == section && example.key == spec.name && is_number_row == is_numeric;
  });
  if (row != kExamples.end()) return std::string(row->value);
  const bool is_text = spec.type == OptionType::kText || spec.type == OptionType::kChoice;
  const bool is_amount =
      spec.type == OptionType::kBytes || spec.type == OptionType::kDuration || spec.type == OptionType::kRate;
  if (!spec.default_value.empty()) {
    const bool is_plain = !is_text && !is_amount && (spec.choices.empty() || is_number(spec.default_value));
    return is_plain ? std::string(spec.default_value) : quoted(spec.default_value);
  }
  switch (spec.type) {
    case OptionType::kChoice:
      return quoted(spec.choices.front());
    case OptionType::kFlag:
      return "true";
    case OptionType::kInteger:
    case OptionType::kNumber: {
      const double value = std::clamp(1.0, spec.minimum, spec.maximum);
      std::array<char, 64> buffer{};
      const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
      return {buffer.data(), end.ptr};
    }
    case OptionType::kBytes:
      return "\"10 MB\"";
    case OptionType::kDuration:
      return "\"20 ms\"";
    case OptionType::kRate:
      return "\"100 Mbit/s\"";
    case OptionType::kText:
      break;
  }
  return "\"...\"";
}

std::string example_line(std::string_view section, const OptionSpec& spec) {
  return std::string(spec.name) + " = " + value_example(section, spec);
}

std::optional<std::string> line_meant(std::string_view section, const OptionSpec& spec, const WrittenValue& value) {
  using Kind = WrittenValue::Kind;
  const std::string name(spec.name);
  const bool is_number_value = value.kind == Kind::kInteger || value.kind == Kind::kNumber;
  switch (spec.type) {
    case OptionType::kInteger:
    case OptionType::kNumber:
      if (value.kind == Kind::kText) return number_meant(section, spec, value.text);
      return std::nullopt;
    case OptionType::kFlag:
      if (value.text == "1" || value.text == "true" || value.text == "True" || value.text == "yes")
        return name + " = true";
      if (value.text == "0" || value.text == "false" || value.text == "False" || value.text == "no")
        return name + " = false";
      return std::nullopt;
    case OptionType::kText: {
      if (!is_number_value) return std::nullopt;
      const std::string example = value_example(section, spec);
      const bool is_length = example.find('/') == std::string::npos && (example.find(" epoch") != std::string::npos ||
                                                                        example.find(" steps") != std::string::npos);
      const bool whole = value.kind == Kind::kInteger && is_whole(value.text);
      if (is_length) return name + " = " + quoted(value.text + (whole ? " steps" : " epochs"));
      return name == "name" ? std::optional(name + " = " + quoted(value.text)) : std::nullopt;
    }
    case OptionType::kBytes:
    case OptionType::kDuration:
    case OptionType::kRate: {
      if (!is_number_value || value.text.starts_with('-')) return std::nullopt;
      // The unit of the example is as good a guess as any; the user sees it and knows.
      const std::string example = value_example(section, spec);
      const std::size_t blank = example.find(' ');
      if (blank == std::string::npos) return std::nullopt;
      return name + " = \"" + value.text + example.substr(blank);
    }
    case OptionType::kChoice: {
      if (value.kind != Kind::kFlag) return std::nullopt;
      for (const std::string_view choice : spec.choices) {
        const bool is_no = choice == "off" || choice == "no" || choice == "none" || choice == "never";
        const bool is_yes = choice == "on" || choice == "yes" || choice == "always";
        if (value.text == "true" ? is_yes : is_no) return name + " = " + quoted(choice);
      }
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace laconic
