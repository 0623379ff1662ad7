// What of a line's numbers is drawn. Internal to charts.
#pragma once

#include <span>
#include <vector>

#include "charts/drawing.h"

namespace laconic::charts {

// The places of a line, without those that are not finite, and where each piece of it begins and ends: a new one after
// every value that is not finite.
struct Pieces {
  std::vector<Place> places;
  std::vector<std::span<const Place>> pieces;  // into `places`

  Pieces() = default;
  Pieces(Pieces&&) = default;
  Pieces& operator=(Pieces&&) = default;
};

// Of neighbours that fall on one tenth of a point across, only the first, the least, the greatest and the last are kept,
// so that a line of a million values is as small a file as one of some thousand, and looks the same.
Pieces pieces_of(const PlotArea& area, const Line& line);
// Around each piece where both edges are finite, the lower edge forwards, the upper one back.
Pieces band_of(const PlotArea& area, const Line& line);

}  // namespace laconic::charts
