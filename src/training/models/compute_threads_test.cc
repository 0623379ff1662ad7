#include "training/models/compute_threads.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstddef>
#include <filesystem>
#include <iterator>
#include <thread>

namespace laconic {
namespace {

// The threads of this process, as the kernel counts them.
std::ptrdiff_t threads_alive() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

// Each is long enough for its library to share it out: BLAS, libtorch's own loops, convolutions forward and backward.
void compute() {
  const at::Tensor square = at::ones({512, 512});
  EXPECT_EQ(at::mm(square, square)[0][0].item<float>(), 512.0F);
  EXPECT_EQ(at::ones({1 << 20}).add(1.0).sum().item<float>(), 2.0F * (1 << 20));
  const at::Tensor filters = at::ones({16, 8, 3, 3}).requires_grad_();
  at::conv2d(at::ones({4, 8, 64, 64}), filters).sum().backward();
  EXPECT_EQ(filters.grad()[0][0][0][0].item<float>(), 4.0F * 62 * 62);
}

TEST(ComputeThreads, AComputationStaysInThePreparedThreadThatAsksForIt) {
  use_one_thread_per_computation();
  at::set_num_threads(4);  // as it would be on a machine with so many cores
  std::thread([] {
    prepare_compute_thread();
    const std::ptrdiff_t before = threads_alive();
    compute();
    EXPECT_EQ(threads_alive(), before);
  }).join();
  at::set_num_threads(1);
}

TEST(ComputeThreads, OpenBlasWhoseThreadsStartWithItUsesNoneOfThem) {
  using GetThreads = int (*)();
  const auto get_threads = reinterpret_cast<GetThreads>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
  if (get_threads == nullptr) GTEST_SKIP() << "this libtorch computes without OpenBLAS";
  use_one_thread_per_computation();
  EXPECT_EQ(get_threads(), 1);
}

TEST(FlushDenormals, CountsThemAsZeroAndRestoresTheThread) {
  volatile float small = 1e-38F;
  EXPECT_NE(small * 0.1F, 0.0F);
  {
    const FlushDenormals flush;
    EXPECT_EQ(small * 0.1F, 0.0F);
  }
  EXPECT_NE(small * 0.1F, 0.0F);
}

}  // namespace
}  // namespace laconic
