// SVG files as a test reads them: by rules of its own.
#pragma once

#include <cctype>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "charts/canvas.h"

namespace laconic::charts {

struct SvgElement {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;            // directly inside
  bool is_definition = false;  // a letter's form, and no part of the picture itself
};

// All elements in the order of their beginnings. Throws std::runtime_error for what is no well-formed XML of elements,
// attributes and the five entities.
inline std::vector<SvgElement> svg_elements(const std::string& file) {
  const auto fail = [](const std::string& what) { throw std::runtime_error("no well-formed XML: " + what); };
  const auto plain = [&](const std::string& raw) {
    if (raw.find('<') != std::string::npos) fail("a '<' in a text");
    for (std::size_t at = raw.find('&'); at != std::string::npos; at = raw.find('&', at + 1)) {
      const std::string entity = raw.substr(at, raw.find(';', at) - at + 1);
      if (entity != "&lt;" && entity != "&gt;" && entity != "&amp;" && entity != "&quot;" && entity != "&apos;") {
        fail("the entity " + entity);
      }
    }
    for (const char letter : raw) {
      if (static_cast<unsigned char>(letter) < 0x20 && letter != '\n' && letter != '\t') fail("a control character");
    }
    return raw;
  };
  std::vector<SvgElement> elements;
  std::vector<std::size_t> open;
  std::size_t at = file.find("?>");
  if (!file.starts_with("<?xml") || at == std::string::npos) fail("no declaration");
  at += 2;
  while (at < file.size()) {
    const std::size_t tag = file.find('<', at);
    const std::string text = plain(file.substr(at, tag - at));
    if (!open.empty()) elements[open.back()].text += text;
    if (tag == std::string::npos) break;
    const std::size_t end = file.find('>', tag);
    if (end == std::string::npos) fail("a tag without end");
    std::string inside = file.substr(tag + 1, end - tag - 1);
    at = end + 1;
    if (inside.starts_with('/')) {
      if (open.empty() || elements[open.back()].name != inside.substr(1)) fail("</" + inside.substr(1) + ">");
      open.pop_back();
      continue;
    }
    if (open.empty() && !elements.empty()) fail("a second root");
    const bool is_empty = inside.ends_with('/');
    if (is_empty) inside.pop_back();
    SvgElement element;
    std::size_t letter = inside.find_first_of(" \n");
    element.name = inside.substr(0, letter);
    for (const std::size_t outer : open) element.is_definition |= elements[outer].name == "defs";
    while (letter != std::string::npos && (letter = inside.find_first_not_of(" \n", letter)) != std::string::npos) {
      const std::size_t equals = inside.find("=\"", letter);
      const std::size_t quote = equals == std::string::npos ? equals : inside.find('"', equals + 2);
      if (quote == std::string::npos) fail("an attribute of <" + element.name + ">");
      const std::string key = inside.substr(letter, equals - letter);
      if (!element.attributes.emplace(key, plain(inside.substr(equals + 2, quote - equals - 2))).second) {
        fail("two attributes " + key);
      }
      letter = quote + 1;
    }
    elements.push_back(std::move(element));
    if (!is_empty) open.push_back(elements.size() - 1);
  }
  if (!open.empty()) fail("<" + elements[open.back()].name + "> stays open");
  return elements;
}

// A property of an element's style: "stroke-width".
inline std::string style_of(const SvgElement& element, const std::string& property) {
  const auto style = element.attributes.find("style");
  if (style == element.attributes.end()) return {};
  const std::string all = ";" + style->second;
  for (const std::string& before : {";" + property + ":", "; " + property + ":"}) {
    const std::size_t at = all.find(before);
    if (at == std::string::npos) continue;
    const std::size_t begin = at + before.size();
    return all.substr(begin, all.find(';', begin) - begin);
  }
  return {};
}

// "#0060b0" of "rgb(0%,37.647059%,69.019608%)"; empty for none.
inline std::string colour_text(const std::string& style) {
  std::string text = "#";
  std::size_t at = style.find('(');
  if (at == std::string::npos) return {};
  for (int part = 0; part < 3; ++part) {
    const double percent = std::strtod(style.c_str() + at + 1, nullptr);
    const int value = static_cast<int>(percent * 2.55 + 0.5);
    text += "0123456789abcdef"[value / 16];
    text += "0123456789abcdef"[value % 16];
    at = style.find(',', at + 1);
  }
  return text;
}

// The corners of a path of straight lines, by piece; a piece that goes back to its beginning has it once.
inline std::vector<std::vector<Place>> corners_of(const SvgElement& path) {
  std::vector<std::vector<Place>> pieces;
  const std::string& data = path.attributes.at("d");
  const char* at = data.c_str();
  while (*at != '\0') {
    if (*at == 'M') pieces.emplace_back();
    if (std::isalpha(static_cast<unsigned char>(*at)) != 0 || *at == ' ') {
      ++at;
      continue;
    }
    char* end = nullptr;
    const double x = std::strtod(at, &end);
    const double y = std::strtod(end, &end);
    if (end == at) throw std::runtime_error("no number in a path: " + data);
    at = end;
    pieces.back().push_back({x, y});
  }
  // The library ends a closed piece with one more beginning.
  std::erase_if(pieces, [](const auto& piece) { return piece.size() < 2; });
  return pieces;
}

}  // namespace laconic::charts
