#include "training/formats/npz.h"

#include "training/formats/npy.h"
#include "training/formats/test_archive.h"
#include "training/formats/test_support.h"

namespace laconic {
namespace {

std::string whole(const std::string& path, const std::string& array = "x") {
  NpzArray stream(path, array);
  std::string content;
  std::uint8_t part[700];
  while (const std::size_t got = stream.read(part, sizeof part)) content.append(part, part + got);
  EXPECT_EQ(stream.position(), content.size());
  return content;
}

void expect_refused(const std::string& path, const std::vector<std::string>& parts) {
  const std::string text = usage_error([&] { whole(path); });
  EXPECT_EQ(text.find(path + ":x: "), 0U) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

std::string some_bytes(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * i >> 5);
  return bytes;
}

TEST(Npz, ReadsStoredAndDeflatedArrays) {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("a.npz", zip_archive({{.name = "y.npy", .content = "labels"},
                                         {.name = "x.npy", .content = some_bytes(100'000)},
                                         {.name = "packed.npy", .content = some_bytes(300'000), .deflated = true},
                                         {.name = "x", .content = "no array"}}));
  EXPECT_TRUE(whole(path) == some_bytes(100'000));
  EXPECT_TRUE(whole(path, "packed") == some_bytes(300'000));
  EXPECT_EQ(whole(path, "y"), "labels");
}

TEST(Npz, AnArrayThatIsNotThereIsAnsweredWithThoseThatAre) {
  const TemporaryFolder folder;
  std::vector<ZipEntry> entries = {{.name = "images.npy", .content = "a"}, {.name = "notes.txt", .content = "b"}};
  expect_refused(folder.write("a.npz", zip_archive(entries)),
                 {"there is no such array, but 'images'; set data.inputs and data.labels"});
  for (int i = 0; i < 9; ++i) entries.push_back({.name = std::to_string(i) + "\n.npy", .content = "c"});
  expect_refused(folder.write("b.npz", zip_archive(entries)), {"'images', '0?', '1?', '2?', '3?', '4?', ...;"});
  expect_refused(folder.write("c.npz", zip_archive({})), {"no array"});
}

TEST(Npz, RefusesWhatIsNoArchiveOfNumPy) {
  const TemporaryFolder folder;
  expect_refused(folder.path("absent.npz"), {"No such file"});
  expect_refused(folder.write("a.npz", npy("|u1", "(3,)", "abc")), {"no archive as numpy.savez writes it", "zip"});
  const std::string sound = zip_archive({{.name = "x.npy", .content = some_bytes(5000), .deflated = true}});
  expect_refused(folder.write("b.npz", sound.substr(0, sound.size() - 30)), {"no archive as numpy.savez writes it"});
  expect_refused(folder.write("c.npz", zip_archive({{.name = "x.npy", .content = "abc", .flags = 1}})), {"encrypted"});
  expect_refused(folder.write("d.npz", zip_archive({{.name = "x.npy", .content = "abc", .method = 12}})),
                 {"method 12 of ZIP", "numpy.savez_compressed"});
}

TEST(Npz, DamageIsSeenByTheChecksum) {
  const TemporaryFolder folder;
  for (const bool deflated : {false, true}) {
    std::string archive = zip_archive({{.name = "x.npy", .content = some_bytes(5000), .deflated = deflated}});
    archive[1000] = static_cast<char>(archive[1000] ^ 4);
    expect_refused(folder.write("a.npz", archive), {"byte ", "the packed data are damaged"});
  }
}

TEST(Npz, ReadsNoMoreThanTheArchiveSaysAndTheFileCanHold) {
  const TemporaryFolder folder;
  const std::string zeros(3'000'000, '\0');
  const std::size_t packed = deflate_raw(zeros).size();
  EXPECT_TRUE(whole(folder.write("a.npz", zip_archive({{.name = "x.npy", .content = zeros, .deflated = true}}))) ==
              zeros);
  // A directory that says less than there is.
  expect_refused(
      folder.write("b.npz",
                   zip_archive({{.name = "x.npy", .content = zeros, .deflated = true, .claimed_size = 1'000'000}})),
      {"byte 1000000: "});
  // More than such a file can unpack to, or than there is.
  expect_refused(
      folder.write(
          "c.npz",
          zip_archive({{.name = "x.npy", .content = zeros, .deflated = true, .claimed_size = 4'000'000'000U}})),
      {std::to_string(packed) + " of its", "unpack to 4000000000, which is more than they can hold"});
  expect_refused(
      folder.write("d.npz",
                   zip_archive({{.name = "x.npy", .content = zeros, .deflated = true, .claimed_size = 3'010'000}})),
      {"or end before the 3010000 bytes that the archive says"});
  expect_refused(
      folder.write(
          "e.npz",
          zip_archive(
              {{.name = "x.npy", .content = "abc", .claimed_size = 4'000'000'000U, .claimed_packed = 4'000'000'000U}})),
      {});
}

TEST(Npz, AnArrayOfSeveralMegabytesComesWhole) {
  const TemporaryFolder folder;
  const std::string elements = some_bytes(5'000'000);
  for (const bool deflated : {false, true}) {
    const std::string path = folder.write(
        "a.npz",
        zip_archive({{.name = "x.npy", .content = npy("|u1", "(2, 2500000)", elements), .deflated = deflated}}));
    NpzArray stream(path, "x");
    const NpyHeader header = read_npy_header(stream);
    const std::vector<std::uint8_t> second = read_npy_bytes(stream, header, {false, true});
    EXPECT_TRUE(std::string(second.begin(), second.end()) == elements.substr(2'500'000));
  }
}

TEST(Npz, TheHeaderOfAnArrayCannotAskForMoreThanTheArchiveSays) {
  const TemporaryFolder folder;
  const std::string path = folder.write(
      "a.npz", zip_archive({{.name = "x.npy", .content = npy("|u1", "(2, 8000000000)", "ab"), .deflated = true}}));
  const std::string text = usage_error([&] {
    NpzArray stream(path, "x");
    const NpyHeader header = read_npy_header(stream);
    read_npy_bytes(stream, header, {true, true});
  });
  EXPECT_NE(text.find(path + ":x: byte 130: the file ends after 2 of 16000000000 bytes"), std::string::npos) << text;
}

}  // namespace
}  // namespace laconic
