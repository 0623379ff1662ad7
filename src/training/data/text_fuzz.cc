// Text of any bytes has tokens below the size of its vocabulary, as many as it has bytes or words and lines; so has
// text that the vocabulary does not know.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "training/data/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using laconic::TokenKind;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view known = text.substr(0, size / 2);
  for (const TokenKind kind : {TokenKind::kCharacters, TokenKind::kWords}) {
    for (const std::size_t most : {std::size_t{0}, std::size_t{1}, std::size_t{5}}) {
      const laconic::Vocabulary vocabulary(kind, known, most);
      LACONIC_CHECK(vocabulary.size() >= 1 && vocabulary.word(0) == "<unk>", vocabulary.size() << " tokens");
      LACONIC_CHECK(kind == TokenKind::kCharacters || most == 0 || vocabulary.size() <= most, vocabulary.size());
      const std::vector<std::uint32_t> tokens = vocabulary.encode(text);
      LACONIC_CHECK(kind == TokenKind::kWords || tokens.size() == size, tokens.size());
      LACONIC_CHECK(tokens.size() <= size + 1, tokens.size() << " tokens of " << size << " bytes");
      for (const std::uint32_t token : tokens) LACONIC_CHECK(token < vocabulary.size(), "token " << token);
      const laconic::Samples samples = laconic::cut_into_samples(tokens, 3);
      LACONIC_CHECK(samples.count() * 3 < tokens.size() + (tokens.empty() ? 1 : 0), samples.count() << " samples");
    }
  }
  return 0;
}
