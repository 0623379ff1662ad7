#include "mechanisms/model_codec.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr std::size_t kSize = 15;
const FrameHeader kHeader{Traffic::kModel, Tag::kGather, {2}};
const std::vector<std::byte> kBehind = {std::byte{1}, std::byte{2}, std::byte{3}};

SharedVector reference() { return SharedVector(gaussian_vector(kSize, 5)); }
CompressorFactory top_k() { return operator_of("top_k", {{"k", "4"}}, kSize); }

TEST(ModelCodec, WithoutAnOperatorTheMessageIsTheModel) {
  ModelCodec codec({}, reference());
  EXPECT_FALSE(codec.compresses());
  RandomStream random(1, "test");
  const std::vector<float> model = gaussian_vector(kSize, 1);
  for (const std::span<const std::byte> behind : {std::span<const std::byte>(), std::span<const std::byte>(kBehind)}) {
    const Frame frame = codec.encode(kHeader, model, random, behind, 3.0);
    EXPECT_EQ(frame.payload().size(), kSize * sizeof(float) + behind.size());
    EXPECT_TRUE(
        std::equal(behind.begin(), behind.end(), frame.payload().end() - static_cast<std::ptrdiff_t>(behind.size())));
    const SharedVector heard = codec.decode(frame, behind.size());
    EXPECT_EQ(std::vector<float>(heard.values().begin(), heard.values().end()), model);
    EXPECT_THROW(codec.decode(frame, behind.size() + 1), DecodeError);
  }
}

// v = x - r + e / weight; message C(v); e = weight (v - C(v)); read as r + C(v).
TEST(ModelCodec, TellsTheDifferenceFromTheReferenceWithWhatWasLeftOut) {
  ModelCodec sender(top_k(), reference());
  ModelCodec receiver(top_k(), reference());
  RandomStream random(1, "test");
  std::vector<double> error(kSize, 0.0);
  std::vector<float> r = gaussian_vector(kSize, 5);
  for (int t = 0; t < 24; ++t) {
    const double weight = 1.0 + t % 3;
    const std::vector<float> model = gaussian_vector(kSize, 10 + static_cast<std::uint64_t>(t));
    const std::span<const std::byte> behind(kBehind.data(), static_cast<std::size_t>(t % 4));
    const Frame frame = sender.encode(kHeader, model, random, behind, weight);
    const SharedVector heard = receiver.decode(frame, behind.size());
    std::vector<double> v(kSize);
    std::vector<std::size_t> order(kSize);
    std::iota(order.begin(), order.end(), 0U);
    for (std::size_t j = 0; j < kSize; ++j) v[j] = static_cast<double>(model[j]) - r[j] + error[j] / weight;
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return std::abs(v[a]) > std::abs(v[b]); });
    for (std::size_t i = 0; i < kSize; ++i) {
      const std::size_t j = order[i];
      EXPECT_NEAR(heard.values()[j], r[j] + (i < 4 ? v[j] : 0.0), 1e-5) << "message " << t;
      error[j] = i < 4 ? 0.0 : weight * v[j];
    }
    if (t % 5 == 4) {  // both ends hold another one from now on
      r = std::vector<float>(heard.values().begin(), heard.values().end());
      sender.refer_to(heard);
      receiver.refer_to(heard);
    }
  }
}

TEST(ModelCodec, AModelThatIsTheReferenceTellsNothingAndOneThatIsNotFiniteIsNotSent) {
  ModelCodec codec(top_k(), reference());
  RandomStream random(1, "test");
  std::vector<float> model = gaussian_vector(kSize, 5);
  const SharedVector heard = codec.decode(codec.encode(kHeader, model, random));
  EXPECT_EQ(std::vector<float>(heard.values().begin(), heard.values().end()), model);
  model[3] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(contains(error_of<RunError>([&] { codec.encode(kHeader, model, random); }), "3"));
}

TEST(ModelCodec, MessagesCutShortAreRefused) {
  ModelCodec codec(top_k(), reference());
  RandomStream random(1, "test");
  const Frame frame = codec.encode(kHeader, gaussian_vector(kSize, 1), random, kBehind);
  for (std::size_t size = 0; size < frame.payload().size(); ++size) {
    EXPECT_THROW(codec.decode(Frame(kHeader, frame.payload().first(size)), kBehind.size()), DecodeError) << size;
  }
}

TEST(ModelCodec, SavedAndLoadedBetweenTwoMessagesItGoesOnBitForBit) {
  for (const std::string name : {"", "top_k", "random_k"}) {
    const CompressorFactory factory = name.empty() ? CompressorFactory() : operator_of(name, {{"k", "4"}}, kSize);
    ModelCodec kept(factory, SharedVector(gaussian_vector(kSize, 6)));
    RandomStream random(1, "test");
    kept.encode(kHeader, gaussian_vector(kSize, 1), random, {}, 2.0);
    kept.refer_to(SharedVector(gaussian_vector(kSize, 2)));
    const std::vector<std::byte> bytes = saved(kept);
    ModelCodec loaded(factory, reference());
    load(loaded, bytes);
    EXPECT_EQ(saved(loaded), bytes);
    for (int t = 0; t < 3; ++t) {
      const std::vector<float> model = gaussian_vector(kSize, 20 + static_cast<std::uint64_t>(t));
      RandomStream one(7, "test"), two(7, "test");
      EXPECT_EQ(loaded.encode(kHeader, model, one).checksum(), kept.encode(kHeader, model, two).checksum()) << name;
    }
    for (std::size_t size = 0; size < bytes.size(); size += 7) {
      EXPECT_THROW(load(loaded, std::span(bytes).first(size)), DecodeError) << name << " " << size;
    }
  }
}

TEST(ModelSize, IsThatOfTheModelOrOfAGaussianDifference) {
  StrategySetting setting;
  setting.dimension = kSize;
  EXPECT_EQ(model_size(setting).bytes, 4 * kSize);
  EXPECT_FALSE(model_size(setting).depends_on_values);
  for (const std::string name : {"sign", "top_k"}) {
    setting.compressor = name == "top_k" ? top_k() : operator_of(name, {}, kSize);
    ModelCodec codec(setting.compressor, SharedVector(std::vector<float>(kSize)));
    RandomStream random(9, "test");
    const std::size_t size = codec.encode(kHeader, gaussian_vector(kSize, 1), random).payload().size();
    EXPECT_NEAR(static_cast<double>(model_size(setting).bytes), static_cast<double>(size), name == "sign" ? 0 : 3);
  }
}

}  // namespace
}  // namespace laconic
