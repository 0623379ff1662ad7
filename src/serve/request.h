// The head of an HTTP/1.1 request (RFC 9112), read strictly: what two readers could understand in two ways is refused.
//
//   head         = request-line *( field CRLF ) CRLF
//   request-line = method SP target SP "HTTP/1." ( "0" / "1" ) CRLF
//   target       = "/" *visible [ "?" *visible ]
//   field        = name ":" *( SP / HTAB ) value
//
// Nothing is decoded: a target is compared as it stands and names no file. A body is not read, whatever the fields say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace laconic::serve {

// Of an answer.
enum class Status {
  kOk = 200,
  kBadRequest = 400,
  kForbidden = 403,
  kNotFound = 404,
  kMethodNotAllowed = 405,
  kTooLarge = 431,
  kFailed = 500,
  kTooMany = 503,
};

// Bytes of a head, the empty line at its end included.
inline constexpr std::size_t kMostHead = 8192;

// Views into the head.
struct Request {
  std::string_view method;
  std::string_view path;   // begins with "/"
  std::string_view query;  // behind the first "?"; without one empty
  std::string_view host;   // of the field, as it was sent
};

struct ParsedRequest {
  Status status = Status::kBadRequest;  // kOk: the request is there; kTooLarge; else kBadRequest
  Request request = {};
};

// `head` ends with its empty line. Never throws.
ParsedRequest parse_request(std::string_view head) noexcept;

// The number N of the query "from=N", 0 of an empty one; unset for anything else.
std::optional<std::uint64_t> position_of(std::string_view query) noexcept;

}  // namespace laconic::serve
