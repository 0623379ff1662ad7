#include "serve/answer.h"

#include "base/error.h"

namespace laconic::serve {
namespace {

struct Words {
  std::string_view reason;   // of the status line
  std::string_view meaning;  // for people
};

Words words_of(Status status) {
  switch (status) {
    case Status::kOk:
      return {"OK", ""};
    case Status::kBadRequest:
      return {"Bad Request", "this is no request that is understood here"};
    case Status::kForbidden:
      return {"Forbidden", "the page is not served under this name; take the address that the run has printed"};
    case Status::kNotFound:
      return {"Not Found", "there is nothing here; the page is at /"};
    case Status::kMethodNotAllowed:
      return {"Method Not Allowed", "there is only GET and HEAD"};
    case Status::kTooLarge:
      return {"Request Header Fields Too Large", "the head of this request is too long"};
    case Status::kFailed:
      return {"Internal Server Error", "the page could not be made"};
    case Status::kTooMany:
      return {"Service Unavailable", "too many watch this run"};
  }
  return {"Internal Server Error", ""};
}

std::string head(Status status, std::string_view type) {
  std::string text = "HTTP/1.1 " + std::to_string(static_cast<int>(status)) + " ";
  text += words_of(status).reason;
  text += "\r\nContent-Type: ";
  text += type;
  // The page holds all that it needs, and speaks with this server alone; no other page shows it or reads it.
  text +=
      "; charset=utf-8\r\n"
      "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src "
      "data:; "
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "X-Frame-Options: DENY\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\n"
      "Referrer-Policy: no-referrer\r\n"
      "Cache-Control: no-store\r\n"
      "Connection: close\r\n";
  if (status == Status::kMethodNotAllowed) text += "Allow: GET, HEAD\r\n";
  return text;
}

std::string head_of_length(Status status, std::string_view type, std::size_t size) {
  return head(status, type) + "Content-Length: " + std::to_string(size) + "\r\n\r\n";
}

}  // namespace

std::string page_head(std::size_t size) { return head_of_length(Status::kOk, "text/html", size); }

std::string refusal(Status status, bool has_body) {
  const std::string body = std::string(words_of(status).meaning) + "\n";
  return head_of_length(status, "text/plain", body.size()) + (has_body ? body : std::string());
}

std::string events_head() { return head(Status::kOk, "text/event-stream") + "\r\n"; }

std::string event_text(std::string_view line) {
  LACONIC_CHECK(line.find_first_of("\r\n") == std::string_view::npos, "an event of several lines");
  std::string text = "data: ";
  text += line;
  text += "\n\n";
  return text;
}

}  // namespace laconic::serve
