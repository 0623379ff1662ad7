// Numbers that tell whether data in several places are the same, or of one kind. They guard against mistakes, not
// against an adversary.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "training/data/dataset.h"

namespace laconic {

// FNV-1a of 64 bits over everything added, in order; texts are told apart from their neighbours by their length.
class Fingerprint {
 public:
  void add(std::uint64_t word) {
    for (int shift = 0; shift < 64; shift += 8) add_byte(static_cast<std::uint8_t>(word >> shift));
  }
  void add(std::string_view text) {
    add(text.size());
    for (const char c : text) add_byte(static_cast<std::uint8_t>(c));
  }
  std::uint64_t value() const { return value_; }

 private:
  void add_byte(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3ULL; }
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

// Of names in their order; 0 where there are none.
std::uint64_t fingerprint_of_names(std::span<const std::string> names);

// Of what a model needs to know of the data: images or text, the size of a sample, whether its numbers are bytes (which
// only the samples tell), classes and their names, vocabulary. Workers learn one model from data that agree in it.
std::uint64_t fingerprint_of_kind(const Dataset& dataset);
// Of that and the training samples but their pixels and values: number, labels, users, tokens.
std::uint64_t fingerprint_of_training(const Dataset& dataset);
// Of that kind and the test split: number, labels, tokens, the beginning of its pixels, and of tables names and rows. Scores
// compare where it is the same, however the training samples are dealt out and held out.
std::uint64_t fingerprint_of_test(const Dataset& dataset);

}  // namespace laconic
