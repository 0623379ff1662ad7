// A language model. Internal to the training layer.
#pragma once

#include <cstdint>
#include <memory>

#include "training/models/network.h"

namespace laconic {

struct LstmOptions {
  std::int64_t layers = 1;
  std::int64_t hidden = 128;
  std::int64_t embedding = 128;
  double dropout = 0.0;
};

// Embedding, layers of LSTM (Hochreiter and Schmidhuber 1997; gates and biases as in libtorch's), a dense layer with a
// score for each token of the vocabulary. Dropout as Zaremba et al. 2014: on what enters a layer and on what leaves the
// last, never along time. Each sample starts from the state zero. Embedding and scores start U(-0.1, 0.1), the layers
// U(-a, a) with a = 1 / sqrt(hidden), the bias of the scores zero.
std::shared_ptr<const Network> make_lstm(const LstmOptions& options, std::uint32_t vocabulary);

}  // namespace laconic
