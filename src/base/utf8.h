// Text of users in messages: whatever its bytes are, a terminal shows it and nothing else happens.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace laconic {

// Bytes of the well-formed UTF-8 character that `text` begins with (1 to 4; RFC 3629: no surrogates, no overlong forms,
// nothing beyond U+10FFFF), or 0 where it begins with none.
std::size_t utf8_length(std::string_view text);

// The place of the first byte that is no UTF-8, or npos.
std::size_t first_bad_utf8(std::string_view text);

// `text` for a message: control characters, and bytes that are no UTF-8, as "\n", "\t" or "\xff"; cut at about `most`
// bytes, with "..." behind.
std::string printable(std::string_view text, std::size_t most = 80);

}  // namespace laconic
