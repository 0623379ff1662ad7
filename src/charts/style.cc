#include "charts/style.h"

#include <array>

namespace laconic::charts {
namespace {

constexpr Colour of_hex(unsigned rgb) {
  return {(rgb >> 16 & 0xff) / 255.0, (rgb >> 8 & 0xff) / 255.0, (rgb & 0xff) / 255.0};
}

constexpr std::array kColours = {of_hex(0x0060b0), of_hex(0xb34700), of_hex(0x00735c), of_hex(0xa0307d),
                                 of_hex(0x6b5200), of_hex(0x5b46b8), of_hex(0x006b8f), of_hex(0x555555)};
constexpr std::array<double, 2> kDashed = {4.0, 2.0};
constexpr std::array<double, 2> kDotted = {1.0, 1.5};
constexpr std::array<double, 4> kDashDotted = {5.0, 1.5, 1.0, 1.5};

}  // namespace

Style style_of(std::size_t index) {
  // Neighbours differ in colour and dash, so that one shows through the other; the next eight go on with another dash.
  const std::array<std::span<const double>, 4> dashes = {std::span<const double>(), kDashed, kDotted, kDashDotted};
  return {.colour = colour_of(index),
          .dash = dashes[(index + index / 8) % dashes.size()],
          .shape = static_cast<Shape>(index / kDashedColours % 4)};
}

Colour colour_of(std::size_t index) { return kColours[index % kColours.size()]; }

Colour tint(Colour colour, double share) {
  const auto mixed = [&](double part) { return 1.0 - share * (1.0 - part); };
  return {mixed(colour.red), mixed(colour.green), mixed(colour.blue)};
}

}  // namespace laconic::charts
