#include "job/served_page.h"

#include <unistd.h>

#include <chrono>

#include "job/results.h"
#include "report/live.h"
#include "serve/server.h"

namespace laconic {
namespace {

// Another one for each process, so that a page notices when another run has taken the place of its own.
std::string session_name() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::to_string(getpid()) + "-" + std::to_string(std::chrono::nanoseconds(now).count());
}

}  // namespace

struct ServedPage::Parts {
  Parts(const serve::Address& address, const Job& job, const JobSetup& setup, RuntimeKind runtime)
      : run(page_at_start(job, setup, runtime), setup.steps(), session_name()),
        server(address, {.page = [this] { return run.page(); },
                         .news =
                             [this](std::uint64_t position) {
                               LiveRun::News news = run.news(position);
                               return serve::News{
                                   .text = std::move(news.text), .position = news.next, .is_all = news.is_all};
                             }}) {}

  LiveRun run;
  serve::Server server;  // ends before what it shows
};

ServedPage::ServedPage(const std::optional<serve::Address>& address, const Job& job, const JobSetup& setup,
                       RuntimeKind runtime) {
  if (address) parts_ = std::make_unique<Parts>(*address, job, setup, runtime);
}

ServedPage::~ServedPage() = default;

std::string ServedPage::url() const { return parts_ ? parts_->server.url() : std::string(); }

void ServedPage::step(Step step) {
  if (parts_) parts_->run.step(step);
}

void ServedPage::add_metric(const std::string& line) {
  if (parts_) parts_->run.add_metric(line);
}

void ServedPage::set_metrics(const std::string& lines) {
  if (parts_) parts_->run.set_metrics(lines);
}

void ServedPage::end(const Summary& summary) {
  if (parts_) parts_->run.end(summary_text(summary));
}

}  // namespace laconic
