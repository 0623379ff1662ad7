// Texts that can be drawn and that fit. Internal to charts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace laconic::charts {

// UTF-8 for any bytes: what is none becomes U+FFFD, control characters become blanks; beyond 1000 characters it is cut.
std::string drawable(std::string_view text);

// `text`, or, where it is longer than `width` points, its beginning and end with "…" between them.
std::string fitted(const std::string& text, double width, double size, bool bold = false);

// `text` in lines of at most `width` points, broken at blanks; words that are longer are fitted.
std::vector<std::string> broken(const std::string& text, double width, double size);

}  // namespace laconic::charts
