// Any bytes as the head of a request are a request with all its parts where they belong, or a refusal. A path that was
// read stands in the head as it is given out, and who would be answered has named a host that is one of ours.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "serve/address.h"
#include "serve/request.h"

namespace {

using laconic::serve::Address;

bool is_inside(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_host(std::string_view host) {
  const bool is_here = laconic::serve::is_meant_for(host, Address{}, "machine");
  const bool is_anywhere = laconic::serve::is_meant_for(host, Address{.host = "0.0.0.0"}, "machine");
  LACONIC_CHECK(!is_here || is_anywhere, "'" << host << "' is served at one address and not at all");
  const bool is_name = host.find_first_not_of("0123456789abcdefABCDEF:.[]") != std::string_view::npos;
  const bool may_be_local =
      host.size() >= 9 && (host[0] == 'l' || host[0] == 'L') && (host[8] == 't' || host[8] == 'T');
  LACONIC_CHECK(!is_here || !is_name || may_be_local, "'" << host << "' is taken for this machine");
}

void check_request(std::string_view head) {
  using laconic::serve::Status;
  const laconic::serve::ParsedRequest parsed = laconic::serve::parse_request(head);
  if (parsed.status != Status::kOk) {
    LACONIC_CHECK(parsed.status == Status::kBadRequest || parsed.status == Status::kTooLarge, "another refusal");
    return;
  }
  const laconic::serve::Request& request = parsed.request;
  for (const std::string_view part : {request.method, request.path, request.query, request.host}) {
    LACONIC_CHECK(is_inside(part, head), "a part that is not of the head");
    LACONIC_CHECK(part.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos, "a line within a part");
  }
  LACONIC_CHECK(!request.method.empty() && request.path.starts_with('/'), request.method << " " << request.path);
  LACONIC_CHECK(head.ends_with("\r\n\r\n") && head.size() <= laconic::serve::kMostHead, head.size() << " bytes");
  check_host(request.host);
  if (const auto position = laconic::serve::position_of(request.query)) {
    LACONIC_CHECK(request.query.empty() || request.query.starts_with("from="), request.query << " is " << *position);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_request(input);
  check_host(input);
  try {
    const Address address = laconic::serve::parse_address(input);
    LACONIC_CHECK(laconic::serve::is_meant_for(address.to_text(), address, ""), address.to_text());
    LACONIC_CHECK(laconic::serve::parse_address(address.to_text()).to_text() == address.to_text(), address.to_text());
  } catch (const laconic::UsageError&) {
  }
  return 0;
}
