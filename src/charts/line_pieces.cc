#include "charts/line_pieces.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace laconic::charts {
namespace {

constexpr double kBucket = 0.1;  // points across

// Begin and end, in `x`, of the stretches for which `is_there`.
template <typename IsThere>
std::vector<std::pair<std::size_t, std::size_t>> stretches_of(std::size_t size, IsThere is_there) {
  std::vector<std::pair<std::size_t, std::size_t>> stretches;
  for (std::size_t i = 0; i < size; ++i) {
    if (!is_there(i)) continue;
    if (stretches.empty() || stretches.back().second != i) stretches.emplace_back(i, i);
    stretches.back().second = i + 1;
  }
  return stretches;
}

// Of the places from `begin` on: those that show.
void thin(std::vector<Place>& places, std::size_t begin) {
  if (places.size() - begin < static_cast<std::size_t>(kWidth / kBucket)) return;
  std::vector<Place> kept;
  for (std::size_t i = begin; i < places.size();) {
    const double bucket = std::floor(places[i].x / kBucket);
    std::size_t end = i;
    while (end < places.size() && std::floor(places[end].x / kBucket) == bucket) ++end;
    const auto [least, greatest] = std::minmax_element(places.begin() + static_cast<std::ptrdiff_t>(i),
                                                       places.begin() + static_cast<std::ptrdiff_t>(end),
                                                       [](const Place& a, const Place& b) { return a.y < b.y; });
    std::vector<std::size_t> shown = {i, static_cast<std::size_t>(least - places.begin()),
                                      static_cast<std::size_t>(greatest - places.begin()), end - 1};
    std::sort(shown.begin(), shown.end());
    shown.erase(std::unique(shown.begin(), shown.end()), shown.end());
    for (const std::size_t at : shown) kept.push_back(places[at]);
    i = end;
  }
  places.resize(begin);
  places.insert(places.end(), kept.begin(), kept.end());
}

// Cuts `places` at `ends`.
void cut(Pieces& pieces, const std::vector<std::size_t>& ends) {
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    pieces.pieces.push_back(std::span<const Place>(pieces.places).subspan(begin, end - begin));
    begin = end;
  }
}

}  // namespace

Pieces pieces_of(const PlotArea& area, const Line& line) {
  Pieces pieces;
  std::vector<std::size_t> ends;
  const auto is_there = [&](std::size_t i) { return std::isfinite(line.x[i]) && std::isfinite(line.y[i]); };
  for (const auto& [begin, end] : stretches_of(std::min(line.x.size(), line.y.size()), is_there)) {
    const std::size_t first = pieces.places.size();
    for (std::size_t i = begin; i < end; ++i) {
      const Place place = area.place_of(line.x[i], line.y[i]);
      if (line.style == Line::Style::kSteps && i > begin) pieces.places.push_back({place.x, pieces.places.back().y});
      pieces.places.push_back(place);
    }
    thin(pieces.places, first);
    ends.push_back(pieces.places.size());
  }
  cut(pieces, ends);
  return pieces;
}

Pieces band_of(const PlotArea& area, const Line& line) {
  Pieces band;
  std::vector<std::size_t> ends;
  const std::size_t size = std::min({line.x.size(), line.low.size(), line.high.size()});
  const auto is_there = [&](std::size_t i) {
    return std::isfinite(line.x[i]) && std::isfinite(line.low[i]) && std::isfinite(line.high[i]);
  };
  for (const auto& [begin, end] : stretches_of(size, is_there)) {
    const std::size_t lower = band.places.size();
    for (std::size_t i = begin; i < end; ++i) band.places.push_back(area.place_of(line.x[i], line.low[i]));
    thin(band.places, lower);
    const std::size_t upper = band.places.size();
    for (std::size_t i = begin; i < end; ++i) band.places.push_back(area.place_of(line.x[i], line.high[i]));
    thin(band.places, upper);
    std::reverse(band.places.begin() + static_cast<std::ptrdiff_t>(upper), band.places.end());
    ends.push_back(band.places.size());
  }
  cut(band, ends);
  return band;
}

}  // namespace laconic::charts
