// A user's NoticeHandler as the sink of a job.
#pragma once

#include "job/notices.h"
#include "laconic/session.h"

namespace laconic {

// Calls `handler` as session.h promises: one call at a time, and what it throws is lost. Empty for an empty one.
NoticeSink sink_of(NoticeHandler handler);

}  // namespace laconic
