#include "training/models/loss.h"

#include <array>
#include <string>

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

const LossRow& row_of(Loss loss) {
  for (const LossRow& row : kLosses) {
    if (row.loss == loss) return row;
  }
  throw UsageError("no such loss");
}

}  // namespace

Loss find_loss(std::string_view name) {
  for (const LossRow& row : kLosses) {
    if (row.name == name) return row.loss;
  }
  throw UsageError("model.loss: '" + std::string(name) + "' is none");
}

bool takes_numbers(Loss loss) { return row_of(loss).numbers; }
bool takes_classes(Loss loss) { return row_of(loss).classes; }

void require_fit(std::string_view name, const Prediction& prediction, std::string_view place) {
  const Loss loss = find_loss(name);
  if (prediction.numbers > 0 && !takes_numbers(loss)) {
    throw UsageError(std::string(place) + ": " + std::string(name) +
                     " compares with classes, and data.targets are numbers; take mse, l1 or huber");
  }
  if (prediction.numbers == 0 && !takes_classes(loss)) {
    throw UsageError(std::string(place) + ": " + std::string(name) +
                     " compares with numbers, and what is to be predicted are classes; take cross_entropy, or set "
                     "data.targets = \"numbers\" where the data set has that key");
  }
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
