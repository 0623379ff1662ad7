// Mistakes that a build plants on purpose, one at a time, so that a test can see that whoever should notice them does.
//
// Only the build with LACONIC_CANARIES has them (the preset `canary`), and there only the files that their layer names
// behind CANARIES_IN. In all others canary() is a constant, and what depends on it is no code.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace laconic {

enum class Canary : std::uint8_t {
  kNone,
  kMeanOverAll,
  kStalePart,
  kDoubleCount,
  kOtherBit,
  kLostRecord,
  kRepeatedRecord,
  kOldIncarnation,
  kWrongState,
  kStepBack,
  kForgottenWrite,
  kTooFew,
  kImpatient,
  kUntoldEnd,
  kWrongBase,
  kUntoldVoid,
  kSilentViolator,
};

struct CanaryRow {
  Canary canary;
  std::string_view name;
  std::string_view mistake;
  bool is_asynchronous = false;  // of strategies on an asynchronous clock alone
};
// All but kNone.
inline constexpr std::array kCanaries = {
    CanaryRow{Canary::kMeanOverAll, "mean-over-all", "a mean over those present is divided by the weight of all"},
    CanaryRow{Canary::kStalePart, "stale-part", "the part of a worker that has left is still in the mean"},
    CanaryRow{Canary::kDoubleCount, "double-count", "a part counts twice in the first mean of a view"},
    CanaryRow{Canary::kOtherBit, "other-bit", "worker 1 adopts a mean that differs in one bit"},
    CanaryRow{Canary::kLostRecord, "lost-record", "a session that continues on a new stream drops a record"},
    CanaryRow{Canary::kRepeatedRecord, "repeated-record", "a session that continues on a new stream repeats a record"},
    CanaryRow{Canary::kOldIncarnation, "old-incarnation", "a process gets what was meant for the one that it replaced"},
    CanaryRow{Canary::kWrongState, "wrong-state", "a worker enters with the common model of when it began to join"},
    CanaryRow{Canary::kStepBack, "step-back", "a worker enters one step before the newest result"},
    CanaryRow{Canary::kForgottenWrite, "forgotten-write", "common models are sent and not in the coordinator's log"},
    CanaryRow{Canary::kTooFew, "too-few", "an average over fewer workers than the least counts"},
    CanaryRow{Canary::kImpatient, "impatient", "the run ends as soon as too few workers are present"},
    CanaryRow{Canary::kUntoldEnd, "untold-end", "a worker that was absent at the end is not told that the run is over"},
    CanaryRow{Canary::kWrongBase, "wrong-base", "a model is corrected by what it is now, not by what was sent", true},
    CanaryRow{Canary::kUntoldVoid, "untold-void", "a coordinator's restart leaves workers waiting for an answer", true},
    CanaryRow{Canary::kSilentViolator, "silent-violator", "dma: who strays says so two times of three", true},
};

// Of two names: a file with canaries and one without never share a definition.
#ifdef LACONIC_CANARIES
inline namespace with_canaries {
inline constexpr bool kHasCanaries = true;
inline Canary planted = Canary::kNone;
// To be called when no other thread runs.
inline void plant(Canary which) { planted = which; }
inline bool canary(Canary which) { return planted == which; }
}  // namespace with_canaries
#else
inline namespace without_canaries {
inline constexpr bool kHasCanaries = false;
constexpr void plant(Canary) {}
constexpr bool canary(Canary) { return false; }
}  // namespace without_canaries
#endif

}  // namespace laconic
