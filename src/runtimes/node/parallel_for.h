// A loop whose turns are taken by several threads of a pool.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "runtimes/node/thread_pool.h"

namespace laconic {

// Calls work(i) for each i below `count`, each once, in any order: on the calling thread, and on those of the pool that
// have time, at most one for each queue of `helpers`. Returns when all is done; throws what a turn threw, and begins no
// further one then. For work of the pool itself: it waits for no thread that has not begun. The queues outlive the pool.
void parallel_for(ThreadPool& pool, std::span<ThreadPool::Queue> helpers, std::size_t count,
                  const std::function<void(std::size_t)>& work);

}  // namespace laconic
