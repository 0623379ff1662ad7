// Vectors and operators that the tests of this folder share.
#pragma once

#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "compress/compressor.h"

namespace laconic {

inline double squared(std::span<const float> values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return sum;
}

inline double squared_error(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < a.size(); ++j) {
    const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sum += difference * difference;
  }
  return sum;
}

struct NamedVector {
  std::string name;
  std::vector<float> values;
};

inline std::vector<float> gaussian_vector(std::size_t size, std::uint64_t seed) {
  RandomStream stream(seed, "test vector");
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(stream.gaussian());
  return values;
}

// Finite vectors of every kind that has led an operator astray somewhere.
inline std::vector<NamedVector> finite_vectors(std::size_t size) {
  std::vector<NamedVector> vectors = {{"gaussian", gaussian_vector(size, 1)},
                                      {"zero", std::vector<float>(size, 0.0F)},
                                      {"negative zero", std::vector<float>(size, -0.0F)},
                                      {"constant", std::vector<float>(size, -0.75F)},
                                      {"one hot", std::vector<float>(size, 0.0F)},
                                      {"heavy tailed", gaussian_vector(size, 2)},
                                      {"denormal", std::vector<float>(size, 0.0F)},
                                      {"tiny", gaussian_vector(size, 3)},
                                      {"huge", gaussian_vector(size, 4)},
                                      {"half zero", gaussian_vector(size, 5)},
                                      {"few magnitudes", gaussian_vector(size, 6)},
                                      {"largest", std::vector<float>(size, std::numeric_limits<float>::max())}};
  vectors[4].values[size / 3] = 2.5F;
  for (float& value : vectors[5].values) value = std::copysign(std::exp(6.0F * std::abs(value)), value);
  RandomStream stream(7, "denormals");
  for (float& value : vectors[6].values) {
    value = std::numeric_limits<float>::denorm_min() * static_cast<float>(stream.below(1000));
  }
  for (float& value : vectors[7].values) value *= 1e-30F;
  for (float& value : vectors[8].values) value *= 1e30F;
  for (std::size_t j = 0; j < size; j += 2) vectors[9].values[j] = 0.0F;
  for (float& value : vectors[10].values) value = std::round(2.0F * value);
  return vectors;
}

struct Case {
  std::string text;  // "top_k ratio=0.1 values=sign"
  const CompressorRow* row;
  Options options;
};

inline Case make_case(const std::string& name, const std::map<std::string, std::string>& given) {
  Case made{name, &find_compressor(name), {}};
  std::map<std::string, GivenOption> options;
  for (const auto& [key, value] : given) {
    options[key] = {value, "test"};
    made.text += " " + key + "=" + value;
  }
  made.options = Options("compression", made.row->options, options);
  return made;
}

// Every row, with every option that changes what is sent.
inline std::vector<Case> all_cases() {
  std::vector<Case> cases;
  const std::vector<std::string> formats = {"float32", "float16", "bfloat16", "sign", "qsgd", "natural"};
  for (const std::string name : {"none", "float16", "bfloat16"}) cases.push_back(make_case(name, {}));
  for (const std::string scope : {"tensor", "model"}) {
    cases.push_back(make_case("sign", {{"scope", scope}}));
    for (const std::string unbiased : {"false", "true"}) {
      for (const std::string levels : {"1", "15", "255"})
        cases.push_back(make_case("qsgd", {{"scope", scope}, {"unbiased", unbiased}, {"levels", levels}}));
      for (const std::string values : {"float32", "qsgd", "natural"}) {
        cases.push_back(
            make_case("random_k", {{"ratio", "0.1"}, {"scope", scope}, {"unbiased", unbiased}, {"values", values}}));
        cases.push_back(make_case(
            "random_gossip", {{"probability", "0.3"}, {"scope", scope}, {"unbiased", unbiased}, {"values", values}}));
      }
    }
    for (const std::string& values : formats) {
      cases.push_back(make_case("top_k", {{"ratio", "0.05"}, {"scope", scope}, {"values", values}}));
      cases.push_back(make_case("threshold", {{"threshold", "1.25"}, {"scope", scope}, {"values", values}}));
    }
    cases.push_back(make_case("random_k", {{"ratio", "0.7"}, {"scope", scope}, {"values", "bfloat16"}}));
    cases.push_back(make_case("random_k", {{"k", "3"}, {"scope", scope}, {"values", "sign"}}));
    cases.push_back(make_case("top_k", {{"ratio", "1"}, {"scope", scope}}));
    cases.push_back(make_case("top_k", {{"ratio", "0.2 -> 0.01 over 3 steps"}, {"scope", scope}}));
    cases.push_back(make_case("top_k", {{"k", "1"}, {"scope", scope}, {"values", "float16"}}));
  }
  for (const std::string unbiased : {"false", "true"}) cases.push_back(make_case("natural", {{"unbiased", unbiased}}));
  for (const std::string warm_start : {"false", "true"})
    cases.push_back(make_case("low_rank", {{"rank", "2"}, {"warm_start", warm_start}}));
  return cases;
}

// A model of matrices, vectors and a scalar: 30 x 20, 20, 1, 7 x 40, 99 (1000 elements).
inline Layout small_layout() {
  Layout layout;
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{30, 20}, {20}, {1}, {7, 40}, {99}}) {
    std::size_t size = 1;
    for (const std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
    layout.tensors.push_back({"t" + std::to_string(layout.tensors.size()), layout.size, shape, size});
    layout.size += size;
  }
  return layout;
}

inline std::vector<std::byte> message_of(Compressor& compressor, std::span<const float> v, RandomStream& random) {
  std::vector<std::byte> message(compressor.prepare(v, random));
  compressor.write(message);
  return message;
}

inline std::vector<float> decoded(Compressor& compressor, std::span<const std::byte> message, std::size_t size) {
  std::vector<float> values(size, 0.0F);
  compressor.decode_add(message, 1.0F, values);
  return values;
}

}  // namespace laconic
