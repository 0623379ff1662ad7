// For the tests of pages that are written by hand: what a Markdown page shows as code and where it links to.
#pragma once

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string>
#include <vector>

namespace laconic::testing {

struct CodeBlock {
  std::string language;  // behind the opening fence; empty: none, or the block is indented
  std::string text;      // without fences and without the indentation of four blanks
  std::size_t line = 0;  // of its first line, counted from 1
};

struct MarkdownPage {
  std::vector<CodeBlock> blocks;
  std::vector<std::string> spans;    // `code` inside prose, in the order of the page
  std::vector<std::string> links;    // targets of [text](target) and ![text](target)
  std::vector<std::string> anchors;  // that "#..." may name, one for each heading, as GitHub makes them
};

// "## On a cluster, over MPI" is "on-a-cluster-over-mpi".
inline std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || byte >= 0x80) {
      anchor += static_cast<char>(std::tolower(byte));
    } else if (c == ' ') {
      anchor += '-';
    }
  }
  return anchor;
}

inline void read_prose(const std::string& prose, MarkdownPage& page) {
  for (std::size_t open = prose.find('`'); open != std::string::npos;) {
    const std::size_t close = prose.find('`', open + 1);
    if (close == std::string::npos) break;
    std::string span = prose.substr(open + 1, close - open - 1);
    std::replace(span.begin(), span.end(), '\n', ' ');
    page.spans.push_back(std::move(span));
    open = prose.find('`', close + 1);
  }
  for (std::size_t at = prose.find("]("); at != std::string::npos; at = prose.find("](", at + 2))
    page.links.push_back(prose.substr(at + 2, prose.find(')', at) - at - 2));
}

// Fences of three backticks, and blocks that are indented by four blanks behind an empty line.
inline MarkdownPage read_markdown(const std::string& text) {
  MarkdownPage page;
  std::string prose;
  std::istringstream lines(text);
  bool fenced = false;
  bool indented = false;
  bool after_blank = true;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with("```")) {
      fenced = !fenced;
      indented = false;
      if (fenced) page.blocks.push_back({.language = line.substr(3), .text = {}, .line = number + 1});
    } else if (fenced) {
      page.blocks.back().text += line + "\n";
    } else if (line.starts_with("    ") && (indented || after_blank)) {
      if (!indented) page.blocks.push_back({.language = {}, .text = {}, .line = number});
      indented = true;
      page.blocks.back().text += line.substr(4) + "\n";
    } else {
      if (indented && line.empty()) continue;  // an empty line inside or behind the block
      indented = false;
      if (line.starts_with('#')) {
        const std::size_t begin = line.find_first_not_of("# ");
        if (begin != std::string::npos) page.anchors.push_back(anchor_of(line.substr(begin)));
      }
      prose += line + "\n";
    }
    after_blank = line.empty();
  }
  read_prose(prose, page);
  return page;
}

}  // namespace laconic::testing
