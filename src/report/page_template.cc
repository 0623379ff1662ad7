#include "report/page_template.h"

#include "base/error.h"
#include "report/page_parts.h"

namespace laconic {
namespace {

// JSON that ends no script element, whatever its texts hold.
std::string embedded(const Json& json) {
  std::string text;
  for (const char letter : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (letter == '<') {
      text += "\\u003c";
    } else {
      text += letter;
    }
  }
  return text;
}

void fill(std::string& page, std::string_view place, std::string_view with) {
  const std::size_t at = page.find(place);
  LACONIC_CHECK(at != std::string::npos, "the page has no place for a part");
  page.replace(at, place.size(), with);
}

}  // namespace

std::string filled_page(const Json& data, std::string_view script, std::string_view connects) {
  std::string page(page_parts::kPage);
  // From the last place to the first: nothing that was put in is searched.
  fill(page, "@SCRIPT@", script);
  fill(page, "@PLOT_SCRIPT@", page_parts::kPlotScript);
  fill(page, "@DATA@", embedded(data));
  fill(page, "@STYLE@", page_parts::kStyle);
  fill(page, "@PLOT_STYLE@", page_parts::kPlotStyle);
  fill(page, "@CONNECTS@", connects);
  return page;
}

}  // namespace laconic
