#include "report/page.h"

#include "report/page_data.h"
#include "report/page_parts.h"
#include "report/page_template.h"

namespace laconic {
namespace {

Json data_of(const PageRun& run) {
  Json data = {{"runs", Json::array()}};
  data["runs"].push_back(page_data(run));
  return data;
}

}  // namespace

std::string report_page(const PageRun& run) { return filled_page(data_of(run), page_parts::kScript, "'none'"); }

std::string live_page(const PageRun& run, const PageFeed& feed) {
  Json data = data_of(run);
  data["live"] = {{"session", feed.session},
                  {"lines", feed.lines},
                  {"step", feed.step},
                  {"steps", feed.steps},
                  {"has_ended", feed.has_ended}};
  return filled_page(data, page_parts::kScript, "'self'");
}

}  // namespace laconic
