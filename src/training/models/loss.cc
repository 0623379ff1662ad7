#include "training/models/loss.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/error.h"

namespace laconic {
namespace {

struct LossRow {
  std::string_view name;
  Loss loss;
  bool classes;
  bool numbers;
};
constexpr std::array kLosses = {
    LossRow{"cross_entropy", Loss::kCrossEntropy, true, false},
    LossRow{"nll", Loss::kNll, true, false},
    LossRow{"mse", Loss::kMse, true, true},
    LossRow{"l1", Loss::kL1, false, true},
    LossRow{"huber", Loss::kHuber, false, true},
    LossRow{"binary_cross_entropy", Loss::kBinaryCrossEntropy, true, false},
    LossRow{"module", Loss::kModule, true, true},
};

}  // namespace

Loss find_loss(const Options& options, const Prediction& prediction) {
  const std::string& name = options.text("loss");
  const auto row = std::ranges::find(kLosses, name, &LossRow::name);
  LACONIC_CHECK(row != kLosses.end(), name << " is a choice and no loss");
  if (prediction.numbers > 0 && !row->numbers) {
    throw UsageError(options.place("loss") + ": " + name +
                     " compares with classes, and data.targets are numbers; take mse, l1 or huber");
  }
  if (prediction.numbers == 0 && !row->classes) {
    throw UsageError(options.place("loss") + ": " + name +
                     " compares with numbers, and what is to be predicted are classes; take cross_entropy, or set "
                     "data.targets = \"numbers\" where the data set has that key");
  }
  return row->loss;
}

at::Tensor loss_of(Loss loss, const at::Tensor& outputs, const at::Tensor& targets, const Prediction& prediction,
                   bool mean) {
  const auto reduction = mean ? at::Reduction::Mean : at::Reduction::Sum;
  if (loss == Loss::kCrossEntropy) return at::cross_entropy_loss(outputs, targets, {}, reduction);
  if (loss == Loss::kNll) return at::nll_loss(outputs, targets, {}, reduction);
  if (prediction.numbers > 0) {
    const at::Tensor given = outputs.reshape(targets.sizes());
    if (loss == Loss::kL1) return at::l1_loss(given, targets, reduction);
    if (loss == Loss::kHuber) return at::huber_loss(given, targets, reduction);
    return at::mse_loss(given, targets, reduction);
  }
  const bool is_number = outputs.dim() == 1 || outputs.size(1) == 1;
  const at::Tensor given = is_number ? outputs.flatten() : outputs;
  const at::Tensor wanted = is_number
                                ? targets.to(at::kFloat)
                                : at::one_hot(targets, static_cast<std::int64_t>(prediction.classes)).to(at::kFloat);
  const at::Tensor each = loss == Loss::kMse ? at::mse_loss(given, wanted) : at::binary_cross_entropy(given, wanted);
  return mean ? each : each * targets.size(0);
}

}  // namespace laconic
