// What the server sends: heads with the fields that keep a page to itself, and events.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "serve/request.h"

namespace laconic::serve {

// The head before a page of so many bytes.
std::string page_head(std::size_t size);

// One line of plain text that says what is wrong, and its head; the head alone, of the same length, without `has_body`.
std::string refusal(Status status, bool has_body);

// The head before the events.
std::string events_head();

// `line` as an event: it has no line break.
std::string event_text(std::string_view line);

}  // namespace laconic::serve
