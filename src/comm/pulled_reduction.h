// A mean or a sum over those who are present, of vectors of which the coordinator does not keep one a member: it pulls
// them piece by piece. Of longer vectors than CommOptions::piece, instead of whole parts.
//
//   a member      announces its part, and leaves the vector as it is until the result comes
//   coordinator   collects announcements until it is known over whom the result is (present_exchange.h),
//                 asks each member for one piece after another, kPiecesAhead at a time,
//                 adds the pieces of all members in the order of ranks, in double, and rounds each element once
//   a member      answers each request with the elements that it names
//
// So the bits are those of whole parts. Whoever is lost meanwhile, or gives what it was not asked for, is left out, and
// the rest begins again with the first piece; what was pulled until then counts as bytes, and as nothing else.
//
// A coordinator that was started again gets the announcements once more and begins with the first piece. A member does
// not know whether the one that asked still lives, so an answer may come that this one did not ask for. A member's
// vector is the same as long as its round lasts, so such an answer does no harm.
//
// At the coordinator, for a vector of n floats and pieces of p: 4n bytes for the result, 8p for the sum, and at most
// kPiecesAhead 4p for each member.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "comm/comm.h"
#include "comm/present_exchange.h"
#include "comm/pulled_parts.h"

namespace laconic {

// How many pieces of one member are on their way at a time, so that a round trip does not stop the flow.
inline constexpr std::size_t kPiecesAhead = 4;

// At the coordinator.
class PulledReduction {
 public:
  // All outlive this. `exchange` has collected announcements that are alike. `weights`: of weighted means; else unused.
  PulledReduction(Comm& comm, Attendance& attendance, PresentExchange& exchange, const MeanWeights* weights);

  // The result, with the view behind its payload; an empty frame where too few are left, and the exchange is given up.
  Task<Frame> result(Round round);

 private:
  struct Loss {
    Rank rank;
    std::string why;
  };
  Task<std::optional<Loss>> add_all(Round round);
  Task<std::optional<std::string>> take(Rank rank, Round round, PieceRange range, SharedVector& values);
  void ask_ahead(Rank rank, Round round);
  PieceRange range_of(std::size_t piece) const;
  double weight_of(Rank rank) const { return weights_ != nullptr ? weights_->of(rank) : 1.0; }

  struct Asked {
    std::size_t next = 0;        // piece that was not asked for yet
    std::size_t on_its_way = 0;  // that were, and have not come
  };

  Comm& comm_;
  Attendance& attendance_;
  PresentExchange& exchange_;
  const MeanWeights* weights_;
  Announcement part_;
  std::size_t piece_;  // elements
  std::size_t pieces_;
  FrameDraft draft_;
  std::vector<double> sum_;  // of the piece that is being added
  std::map<Rank, Asked> asked_;
};

}  // namespace laconic
