#include "training/data/text.h"

#include <algorithm>

#include "training/data/partition.h"
#include "training/data/splits.h"
#include "training/data/test_support.h"

namespace laconic {
namespace {

using Tokens = std::vector<std::uint32_t>;

Options options_of(std::string_view dataset, const std::map<std::string, std::string>& values) {
  std::map<std::string, GivenOption> given;
  for (const auto& [key, text] : values) given[key] = {.text = text, .where = "test"};
  return Options("data", find_dataset(dataset).options, given);
}

TEST(Vocabulary, OfCharactersNumbersTheBytesSeenByValue) {
  const Vocabulary vocabulary(TokenKind::kCharacters, "hello\n");
  EXPECT_EQ(vocabulary.size(), 6U);  // <unk> \n e h l o
  EXPECT_EQ(vocabulary.encode("hole\nx\xff"), (Tokens{3, 5, 4, 2, 1, 0, 0}));
  EXPECT_EQ(vocabulary.word(0), "<unk>");
  EXPECT_EQ(vocabulary.word(1), "\n");
}

TEST(Vocabulary, OfWordsNumbersThemByFrequencyThenByTheirBytes) {
  const std::string text = "b a  b\n\n <unk> c\tb a\r\n";
  const Vocabulary vocabulary(TokenKind::kWords, text);
  // b and <eos> three times, a twice, c once; '<' comes before letters.
  EXPECT_EQ(vocabulary.size(), 5U);
  EXPECT_EQ(vocabulary.word(1), "<eos>");
  EXPECT_EQ(vocabulary.word(2), "b");
  EXPECT_EQ(vocabulary.word(3), "a");
  EXPECT_EQ(vocabulary.word(4), "c");
  EXPECT_EQ(vocabulary.encode(text), (Tokens{2, 3, 2, 1, 1, 0, 4, 2, 3, 1}));
  EXPECT_EQ(vocabulary.encode("d a"), (Tokens{0, 3, 1}));  // a last line without an end has one all the same
  EXPECT_TRUE(vocabulary.encode("").empty());
  const Vocabulary small(TokenKind::kWords, text, 3);
  EXPECT_EQ(small.size(), 3U);
  EXPECT_EQ(small.encode("a b c"), (Tokens{0, 2, 0, 1}));
}

TEST(CutIntoSamples, EachTokenButTheFirstIsPredictedOnceAndTheRestIsLeft) {
  const Tokens tokens = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(cut_into_samples(tokens, 3).tokens, (Tokens{0, 1, 2, 3, 3, 4, 5, 6}));
  EXPECT_EQ(cut_into_samples(tokens, 3).count(), 2U);
  EXPECT_EQ(cut_into_samples(tokens, 4).count(), 2U);
  EXPECT_EQ(cut_into_samples(tokens, 8).count(), 1U);
  EXPECT_EQ(cut_into_samples(tokens, 9).count(), 0U);
  EXPECT_EQ(cut_into_samples({}, 1).count(), 0U);
}

TEST(Text, ThreeFilesAreThreeSplitsUnderTheTrainingVocabulary) {
  const TemporaryFolder folder;
  folder.write("wiki.train.tokens", "the cat sat on the mat\n");
  folder.write("wiki.valid.tokens", "the dog sat on the cat\n");
  folder.write_compressed("wiki.test.tokens.gz", "a mat on a mat\n");
  const Dataset data =
      load_dataset(find_dataset("wikitext2"), folder.path(), options_of("wikitext2", {{"sequence", "2"}}));
  EXPECT_EQ(data.input, Input::kText);
  EXPECT_EQ(data.classes, 7U);  // <unk> the <eos> cat mat on sat
  EXPECT_EQ(data.train.tokens, (Tokens{1, 3, 6, 6, 5, 1, 1, 4, 2}));
  EXPECT_EQ(data.validation.tokens, (Tokens{1, 0, 6, 6, 5, 1, 1, 3, 2}));
  EXPECT_EQ(data.test.tokens, (Tokens{0, 4, 5, 5, 0, 4}));
  Dataset held = data;
  EXPECT_NE(usage_error([&] { hold_out_validation(held, 0.5, 1); }).find("a validation split of its own"),
            std::string::npos);
}

TEST(Text, OfOneFileTheEndIsTheTestSplitFromTheStartOfALine) {
  const TemporaryFolder folder;
  std::string text;
  for (int line = 0; line < 10; ++line) text += "abcd" + std::string(1, static_cast<char>('0' + line)) + "\n";
  folder.write("tinyshakespeare.txt", text);
  const DatasetRow& row = find_dataset("tinyshakespeare");
  Dataset data = load_dataset(row, folder.path(), options_of("tinyshakespeare", {{"sequence", "5"}, {"test", "0.25"}}));
  // Byte 45 is in the eighth line, whose end is at byte 48: eight lines to train, two to test.
  EXPECT_EQ(data.train.count(), 9U);  // (48 - 1) / 5
  EXPECT_EQ(data.test.count(), 2U);   // (12 - 1) / 5
  EXPECT_EQ(data.classes, 1U + 1 + 8 + 4);
  EXPECT_EQ(data.test.tokens[4], 0U);  // '8', which the training text does not have
  EXPECT_NE(data.train.tokens[4], 0U);
  // Whole samples are held out.
  const Tokens all = data.train.tokens;
  hold_out_validation(data, 0.3, 1);
  EXPECT_EQ(data.train.count(), 6U);
  EXPECT_EQ(data.validation.count(), 3U);
  Tokens both = data.train.tokens;
  both.insert(both.end(), data.validation.tokens.begin(), data.validation.tokens.end());
  Tokens sorted = all;
  std::ranges::sort(sorted);
  std::ranges::sort(both);
  EXPECT_EQ(both, sorted);
}

TEST(Text, TooShortATextIsRefused) {
  const TemporaryFolder folder;
  folder.write("tinyshakespeare.txt", "to be or not to be\nthat is the question\n");
  const DatasetRow& row = find_dataset("tinyshakespeare");
  const std::string text = usage_error([&] { load_dataset(row, folder.path(), options_of("tinyshakespeare", {})); });
  EXPECT_NE(text.find("is too short for one sample of data.sequence = 64"), std::string::npos) << text;
  folder.write("tinyshakespeare.txt", "");
  EXPECT_THROW(load_dataset(row, folder.path(), options_of("tinyshakespeare", {})), UsageError);
  EXPECT_NE(usage_error([&] {
              load_dataset(row, folder.path("absent"), options_of("tinyshakespeare", {}));
            }).find("absent: no such folder, in which tinyshakespeare.txt should be"),
            std::string::npos);
}

TEST(Text, IsDealtOutWithoutLabels) {
  Samples samples;
  samples.tokens_each = 2;
  samples.tokens.resize(20);
  const Partition partition = make_partition("iid", samples, 1000, 3, 1);
  EXPECT_EQ(partition[0].size() + partition[1].size() + partition[2].size(), 10U);
  EXPECT_EQ(labels_by_worker_text(partition, samples, 1000).find("worker  samples\n"), 0U);
  for (const std::string spec : {"dirichlet:0.5", "shards:1", "non_iid:50%", "label:0", "skew:0.5"}) {
    EXPECT_NE(usage_error([&] {
                make_partition(spec, samples, 1000, 3, 1);
              }).find("neither text, a stream nor regression has them"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace laconic
