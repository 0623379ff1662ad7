#include "report/page.h"

#include <string_view>

#include "base/error.h"
#include "report/page_data.h"
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

Json data_of(std::span<const PageRun> runs) {
  Json data = {{"runs", Json::array()}};
  for (const PageRun& run : runs) data["runs"].push_back(page_data(run));
  return data;
}

// `connects`: what the page's policy lets it connect to.
std::string page_of(const Json& data, std::string_view connects) {
  std::string page(page_parts::kPage);
  // From the last place to the first: nothing that was put in is searched.
  fill(page, "@SCRIPT@", page_parts::kScript);
  fill(page, "@PLOT_SCRIPT@", page_parts::kPlotScript);
  fill(page, "@DATA@", embedded(data));
  fill(page, "@STYLE@", page_parts::kStyle);
  fill(page, "@PLOT_STYLE@", page_parts::kPlotStyle);
  fill(page, "@CONNECTS@", connects);
  return page;
}

}  // namespace

std::string report_page(std::span<const PageRun> runs) {
  LACONIC_CHECK(!runs.empty(), "a page of no run");
  return page_of(data_of(runs), "'none'");
}

std::string live_page(const PageRun& run, const PageFeed& feed) {
  Json data = data_of({&run, 1});
  data["live"] = {{"session", feed.session},
                  {"lines", feed.lines},
                  {"step", feed.step},
                  {"steps", feed.steps},
                  {"has_ended", feed.has_ended}};
  return page_of(data, "'self'");
}

}  // namespace laconic
