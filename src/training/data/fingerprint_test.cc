#include "training/data/fingerprint.h"

#include "training/data/test_support.h"
#include "training/data/text.h"

namespace laconic {
namespace {

TEST(Fingerprint, IsFnv1aAndTellsTextsFromTheirNeighbours) {
  EXPECT_EQ(Fingerprint().value(), 0xcbf29ce484222325ULL);
  // A word goes in as its eight bytes, lowest first.
  std::uint64_t expected = 0xcbf29ce484222325ULL;
  for (const char c : std::string("foobar\0\0", 8))
    expected = (expected ^ static_cast<std::uint8_t>(c)) * 1099511628211;
  Fingerprint word;
  word.add(std::uint64_t{0x7261626f6f66});
  EXPECT_EQ(word.value(), expected);

  const auto of = [](const std::vector<std::string_view>& texts) {
    Fingerprint fingerprint;
    for (const std::string_view text : texts) fingerprint.add(text);
    return fingerprint.value();
  };
  EXPECT_NE(of({"ab", "c"}), of({"a", "bc"}));
  EXPECT_NE(of({"a", ""}), of({"a"}));
}

TEST(FingerprintOfKind, ChangesWithWhatAModelNeedsToKnowAndNothingElse) {
  const ImageShape shape{.channels = 1, .height = 4, .width = 6};
  const Dataset data = random_dataset(20, 5, shape, 4);
  EXPECT_EQ(fingerprint_of_kind(data), fingerprint_of_kind(random_dataset(30, 2, shape, 4)));
  EXPECT_NE(fingerprint_of_kind(data), fingerprint_of_kind(random_dataset(20, 5, shape, 5)));
  EXPECT_NE(fingerprint_of_kind(data), fingerprint_of_kind(random_dataset(20, 5, {1, 6, 4}, 4)));
  Dataset text = data;
  text.input = Input::kText;
  EXPECT_NE(fingerprint_of_kind(data), fingerprint_of_kind(text));
  Dataset other = text;
  other.vocabulary = Vocabulary(TokenKind::kCharacters, "abc").fingerprint();
  text.vocabulary = Vocabulary(TokenKind::kCharacters, "abd").fingerprint();
  EXPECT_NE(fingerprint_of_kind(other), fingerprint_of_kind(text));
  EXPECT_EQ(other.vocabulary, Vocabulary(TokenKind::kCharacters, "cabba").fingerprint());
}

TEST(FingerprintOfTraining, ChangesWithEachLabelUserAndToken) {
  Dataset data = random_dataset(20, 5, {.channels = 1, .height = 4, .width = 6}, 4);
  data.train.users.assign(20, 3);
  const std::uint64_t before = fingerprint_of_training(data);
  EXPECT_EQ(fingerprint_of_training(Dataset(data)), before);
  const auto after = [&](auto&& change) {
    Dataset changed = data;
    change(changed.train);
    return fingerprint_of_training(changed);
  };
  EXPECT_NE(after([](Samples& train) { train.labels[7] ^= 1; }), before);
  EXPECT_NE(after([](Samples& train) { train.users[0] = 4; }), before);
  EXPECT_NE(after([](Samples& train) { train.labels.pop_back(); }), before);
  EXPECT_NE(after([](Samples& train) { train.tokens.push_back(0); }), before);
  EXPECT_EQ(after([](Samples& train) { train.pixels.clear(); }), before) << "they are not read yet";
}

TEST(FingerprintOfTest, ChangesWithTheTestSplitAndNotWithWhatIsTrainedOn) {
  Dataset data = random_dataset(20, 5, {.channels = 1, .height = 4, .width = 6}, 4);
  const std::uint64_t before = fingerprint_of_test(data);
  const auto after = [&](auto&& change) {
    Dataset changed = data;
    change(changed);
    return fingerprint_of_test(changed);
  };
  EXPECT_EQ(after([](Dataset& changed) { changed.train.labels.pop_back(); }), before) << "some may be held out";
  EXPECT_EQ(after([](Dataset& changed) { changed.validation = changed.train; }), before);
  EXPECT_NE(after([](Dataset& changed) { changed.test.labels[3] ^= 1; }), before);
  EXPECT_NE(after([](Dataset& changed) { changed.test.pixels[7] ^= 1; }), before);
  EXPECT_NE(after([](Dataset& changed) { changed.test.tokens.push_back(1); }), before);
  EXPECT_NE(after([](Dataset& changed) { changed.test_rows.push_back(1); }), before);
  EXPECT_NE(after([](Dataset& changed) { changed.classes = 5; }), before);
}

}  // namespace
}  // namespace laconic
