// How libtorch uses threads here: many steps at once, one thread each. A step of a small model is too short to be cut,
// and results must not depend on how many cores a machine has.
#pragma once

namespace laconic {

// Makes every computation of libtorch, OpenMP and OpenBLAS run in the thread that asks for it. Call it once at the
// start of the program, before any other use of this layer; again is harmless.
void use_one_thread_per_computation();

// The part of that setting which each thread has for itself (OpenMP's, MKL's). Call it first in every thread that
// computes; cheap, and again is harmless. Learners call it too, so that a thread that forgot gets the same results,
// only later.
void prepare_compute_thread();

// While it lives, the calling thread's denormal results and operands count as zero; then the thread's former setting
// returns. Adam's moments of inputs that are always zero (the border of an image) decay into denormals, which cost a
// hundred times a normal number. Every computation of a learner runs under it: results do not depend on the thread.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned former_ = 0;
};

}  // namespace laconic
