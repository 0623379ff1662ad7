#include "training/models/lstm.h"

#include <cmath>
#include <string>

namespace laconic {
namespace {

class Lstm final : public Network {
 public:
  Lstm(const LstmOptions& options, std::uint32_t vocabulary) : options_(options) {
    constexpr double kWide = 0.1;
    const double limit = 1.0 / std::sqrt(static_cast<double>(options.hidden));
    const auto uniform = [&](std::string name, std::vector<std::int64_t> shape, double scale) {
      add({std::move(name), std::move(shape), ParameterSpec::Start::kUniform, scale});
    };
    uniform("embedding.weight", {vocabulary, options.embedding}, kWide);
    std::int64_t inputs = options.embedding;
    const std::int64_t gates = 4 * options.hidden;
    for (std::int64_t layer = 1; layer <= options.layers; ++layer) {
      const std::string name = "lstm" + std::to_string(layer);
      uniform(name + ".weight_ih", {gates, inputs}, limit);
      uniform(name + ".weight_hh", {gates, options.hidden}, limit);
      uniform(name + ".bias_ih", {gates}, limit);
      uniform(name + ".bias_hh", {gates}, limit);
      inputs = options.hidden;
    }
    uniform("scores.weight", {vocabulary, options.hidden}, kWide);
    add(ParameterSpec{.name = "scores.bias", .shape = {vocabulary}});
  }

  bool has_dropout() const override { return options_.dropout > 0.0; }

  at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& tokens,
                    const Pass& pass) const override {
    // Time first: a step of all samples lies together.
    at::Tensor x = at::embedding(parameters[0], tokens.t());
    const at::Tensor zero = at::zeros({1, tokens.size(0), options_.hidden}, x.options());
    for (std::int64_t layer = 0; layer < options_.layers; ++layer) {
      x = dropout(x, options_.dropout, pass.dropout_masks);
      const auto first = parameters.begin() + 1 + 4 * layer;
      const std::vector<at::Tensor> weights(first, first + 4);
      x = std::get<0>(at::lstm(x, {zero, zero}, weights, /*has_biases=*/true, /*num_layers=*/1, /*dropout=*/0.0,
                               pass.training, /*bidirectional=*/false, /*batch_first=*/false));
    }
    x = dropout(x, options_.dropout, pass.dropout_masks);
    const std::size_t last = parameters.size() - 2;
    return at::linear(x.transpose(0, 1).reshape({-1, options_.hidden}), parameters[last], parameters[last + 1]);
  }

 private:
  LstmOptions options_;
};

}  // namespace

std::shared_ptr<const Network> make_lstm(const LstmOptions& options, std::uint32_t vocabulary) {
  return std::make_shared<Lstm>(options, vocabulary);
}

}  // namespace laconic
