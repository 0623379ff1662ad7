// The page of a run while it goes on, where the user asked for one (--serve).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "job/checkpoints.h"
#include "job/job.h"
#include "job/wiring.h"
#include "report/summary.h"
#include "serve/address.h"

namespace laconic {

// Without an address it does nothing.
class ServedPage {
 public:
  // Serves from now on. Throws UsageError where the address cannot be had.
  ServedPage(const std::optional<serve::Address>& address, const Job& job, const JobSetup& setup, RuntimeKind runtime);
  // Who watches has a moment to be told the end.
  ~ServedPage();
  ServedPage(const ServedPage&) = delete;
  ServedPage& operator=(const ServedPage&) = delete;

  // Where it is; empty: nowhere.
  std::string url() const;

  void step(Step step);
  void add_metric(const std::string& line);
  void set_metrics(const std::string& lines);  // in the place of those so far
  void end(const Summary& summary);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace laconic
