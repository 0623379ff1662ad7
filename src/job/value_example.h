// A value of a key that is right, as an error shows it, and what a wrong one was likely meant to be.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/options.h"
#include "job/text/job_text.h"

namespace laconic {

// "threshold = 2.5": a line that a job file takes, whatever else it holds of that section.
std::string example_line(std::string_view section, const OptionSpec& spec);

// "2.5", "\"10 ms\"", "[\"150 epochs\", \"225 epochs\"]": the value of that line.
std::string value_example(std::string_view section, const OptionSpec& spec);

// The lines that a value of another type was meant to be, where it can be told: "count = 8" of "8" in quotes,
// "epochs = 2" of steps = "2 epochs", "every = \"100 steps\"" of 100. Nothing for a value that is no nearer to one line
// than to another.
std::optional<std::string> line_meant(std::string_view section, const OptionSpec& spec, const WrittenValue& value);

}  // namespace laconic
