// For the tests of job files: a good one, to be changed line by line.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/job.h"

namespace laconic {

// Line by line, so that a test can name a place.
inline const std::vector<std::string> kGood = {
    /* 1 */ "[job]",
    /* 2 */ "epochs = 2",
    /* 3 */ "[data]",
    /* 4 */ "dataset = \"fashion_mnist\"",
    /* 5 */ "[model]",
    /* 6 */ "name = \"lenet5\"",
    /* 7 */ "[optimizer]",
    /* 8 */ "name = \"adam\"",
    /* 9 */ "[workers]",
    /* 10 */ "count = 8",
    /* 11 */ "[strategy]",
    /* 12 */ "name = \"fda\"",
    /* 13 */ "threshold = 2.5",
    /* 14 */ "[network]",
    /* 15 */ "latency = \"10 ms\"",
    /* 16 */ "[evaluation]",
    /* 17 */ "every = \"1 epoch\"",
};

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// The good job with line `number` replaced.
inline std::string with_line(std::size_t number, const std::string& line) {
  std::vector<std::string> lines = kGood;
  lines.at(number - 1) = line;
  return joined(lines);
}

inline Job parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_job_text(text, "job.toml", overrides);
}

inline std::string refusal(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    parse(text, overrides);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace laconic
