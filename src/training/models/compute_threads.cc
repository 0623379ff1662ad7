#include "training/models/compute_threads.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <mutex>

namespace laconic {
namespace {

// Which BLAS there is, is libtorch's choice: Debian's takes the system's OpenBLAS, PyTorch's own builds hold MKL, which
// at::set_num_threads knows, and OpenBLAS does not listen to it.
void use_one_thread_in_openblas() {
  using SetThreads = void (*)(int);
  const auto set_threads = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (set_threads != nullptr) set_threads(1);
}

}  // namespace

void use_one_thread_per_computation() {
  static std::once_flag once;
  std::call_once(once, [] {
    at::set_num_threads(1);
    // libtorch takes the number of inter-op threads once only, and not after the first parallel work.
    if (at::get_num_interop_threads() != 1) {
      try {
        at::set_num_interop_threads(1);
      } catch (const c10::Error&) {
        // Someone used them already. They are for TorchScript's fork() only, which nothing here calls.
      }
    }
    use_one_thread_in_openblas();
  });
  prepare_compute_thread();
}

void prepare_compute_thread() {
  thread_local bool ready = false;
  if (ready) return;
  ready = true;
  at::set_num_threads(1);
}

#if defined(__SSE__)
FlushDenormals::FlushDenormals() : former_(_mm_getcsr()) {
  constexpr unsigned kFlushToZero = 0x8000;
  constexpr unsigned kDenormalsAreZero = 0x0040;
  _mm_setcsr(former_ | kFlushToZero | kDenormalsAreZero);
}
FlushDenormals::~FlushDenormals() { _mm_setcsr(former_); }
#else
// Other processors handle denormals at full speed.
FlushDenormals::FlushDenormals() = default;
FlushDenormals::~FlushDenormals() = default;
#endif

}  // namespace laconic
