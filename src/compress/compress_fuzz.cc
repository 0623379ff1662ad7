// A message from anywhere is added or refused: never a crash, a read past its end, a value that is not finite or an
// allocation beyond what d allows, and a refused one leaves the vector as it was. The first two bytes of the input pick
// the operator: the one whose name has that hash, or the next larger one.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <span>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LACONIC_FUZZ_WITH_HOOKS 1
#elif defined(__has_feature)
#define LACONIC_FUZZ_WITH_HOOKS (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define LACONIC_FUZZ_WITH_HOOKS 0
#endif
#if LACONIC_FUZZ_WITH_HOOKS
// Of <sanitizer/allocator_interface.h>, which not every compiler brings along.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, std::size_t),
                                                         void (*freed)(const volatile void*));
#endif

#include "base/error.h"
#include "compress/test_support.h"

namespace {

using namespace laconic;

std::uint16_t hash(std::string_view text) {
  std::uint32_t value = 2166136261U;  // FNV-1a, folded
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 16777619U;
  return static_cast<std::uint16_t>(value ^ value >> 16);
}

struct Target {
  std::string text;
  std::unique_ptr<Compressor> compressor;
};

std::map<std::uint16_t, Target> make_targets() {
  std::map<std::uint16_t, Target> targets;
  for (const Case& each : all_cases())
    targets[hash(each.text)] = {each.text, each.row->make(each.options, small_layout())()};
  return targets;
}

// While a message is decoded: 64 bytes an element are plenty.
std::size_t allocation_limit = SIZE_MAX;

}  // namespace

#if LACONIC_FUZZ_WITH_HOOKS
// A sanitizer's allocator tells of what it hands out.
const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t size) {
      if (size > allocation_limit) __builtin_trap();
    },
    [](const volatile void*) {});
#else
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (size > allocation_limit) __builtin_trap();
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::map<std::uint16_t, Target> targets = make_targets();
  static const std::vector<float> start = gaussian_vector(small_layout().size, 1);
  if (size < 2) return 0;
  const auto found = targets.lower_bound(static_cast<std::uint16_t>(data[0] | data[1] << 8));
  const Target& target = found == targets.end() ? targets.begin()->second : found->second;
  std::vector<float> y = start;
  try {
    allocation_limit = 64 * y.size();
    target.compressor->decode_add(std::as_bytes(std::span(data + 2, size - 2)), 0.5F, y);
    allocation_limit = SIZE_MAX;
    for (const float value : y) LACONIC_CHECK(std::isfinite(value), target.text << ": a value that is not finite");
  } catch (const DecodeError&) {
    allocation_limit = SIZE_MAX;
    LACONIC_CHECK(std::memcmp(y.data(), start.data(), y.size() * sizeof(float)) == 0,
                  target.text << ": a refused message changed the vector");
  }
  return 0;
}
