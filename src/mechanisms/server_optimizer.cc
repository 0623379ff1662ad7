#include "mechanisms/server_optimizer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

bool adaptive(ServerRule rule) {
  return rule == ServerRule::kAdagrad || rule == ServerRule::kAdam || rule == ServerRule::kYogi;
}

ServerRule rule_of(std::string_view name) {
  return name == "momentum"   ? ServerRule::kMomentum
         : name == "nesterov" ? ServerRule::kNesterov
         : name == "adagrad"  ? ServerRule::kAdagrad
         : name == "adam"     ? ServerRule::kAdam
         : name == "yogi"     ? ServerRule::kYogi
                              : ServerRule::kAverage;
}

}  // namespace

std::vector<OptionSpec> server_options(const char* default_rule) {
  return {{.name = "server",
           .type = OptionType::kChoice,
           .default_value = default_rule,
           .choices = {"average", "momentum", "nesterov", "adagrad", "adam", "yogi"},
           .help = "server optimizer: the common model takes its step towards the average of the workers' models"},
          {.name = "server_learning_rate",
           .type = OptionType::kNumber,
           .default_value = "1",
           .minimum = 0,
           .maximum = 1e6,
           .help = "learning rate of the server; with average, 1 is the average itself"},
          {.name = "server_beta",
           .type = OptionType::kNumber,
           .default_value = "0.9",
           .minimum = 0,
           .maximum = 0.999999,
           .only_with = {"server", "momentum|nesterov|adagrad|adam|yogi"},
           .help = "momentum of the server"},
          {.name = "server_beta_2",
           .type = OptionType::kNumber,
           .default_value = "0.99",
           .minimum = 0,
           .maximum = 0.999999,
           .only_with = {"server", "adam|yogi"},
           .help = "decay of the server's second moment"},
          {.name = "server_tau",
           .type = OptionType::kNumber,
           .default_value = "0.001",
           .minimum = 1e-12,
           .maximum = 1e6,
           .only_with = {"server", "adagrad|adam|yogi"},
           .help = "added to the root of the server's second moment; a larger value adapts less"}};
}

ServerOptions read_server_options(const Options& options) {
  const ServerOptions result{.rule = rule_of(options.text("server")),
                             .learning_rate = static_cast<float>(options.number("server_learning_rate")),
                             .beta = static_cast<float>(options.number("server_beta")),
                             .beta_2 = static_cast<float>(options.number("server_beta_2")),
                             .tau = static_cast<float>(options.number("server_tau"))};
  if (!(result.learning_rate > 0.0F)) {
    throw UsageError(options.place("server_learning_rate") + ": with 0 the common model would never move; give more");
  }
  return result;
}

void ServerOptimizer::step(std::span<const float> mean, std::span<float> w, std::size_t trained) {
  LACONIC_CHECK(mean.size() == w.size() && trained <= w.size(),
                mean.size() << " of " << w.size() << ", " << trained << " trained");
  const auto [rule, eta, beta, beta_2, tau] = options_;
  if (rule == ServerRule::kAverage && eta == 1.0F) {
    std::copy(mean.begin(), mean.end(), w.begin());
    return;
  }
  std::ranges::copy(mean.subspan(trained), w.begin() + static_cast<std::ptrdiff_t>(trained));
  if (rule != ServerRule::kAverage) m_.resize(w.size(), 0.0F);
  if (adaptive(rule)) v_.resize(w.size(), tau * tau);
  for (std::size_t j = 0; j < trained; ++j) {
    const float delta = mean[j] - w[j];
    switch (rule) {
      case ServerRule::kAverage:
        w[j] += eta * delta;
        break;
      case ServerRule::kMomentum:
        m_[j] = beta * m_[j] + delta;
        w[j] += eta * m_[j];
        break;
      case ServerRule::kNesterov:
        m_[j] = beta * m_[j] + delta;
        w[j] += eta * (delta + beta * m_[j]);
        break;
      case ServerRule::kAdagrad:
      case ServerRule::kAdam:
      case ServerRule::kYogi: {
        const float square = delta * delta;
        m_[j] = beta * m_[j] + (1.0F - beta) * delta;
        if (rule == ServerRule::kAdagrad) {
          v_[j] += square;
        } else if (rule == ServerRule::kAdam) {
          v_[j] = beta_2 * v_[j] + (1.0F - beta_2) * square;
        } else {
          const float change = (1.0F - beta_2) * square;
          v_[j] += v_[j] > square ? -change : v_[j] < square ? change : 0.0F;
        }
        w[j] += eta * m_[j] / (std::sqrt(v_[j]) + tau);
        break;
      }
    }
  }
}

void ServerOptimizer::archive(Archive& archive, std::size_t dimension) {
  archive.vector("server.m", m_, dimension);
  archive.vector("server.v", v_, dimension);
}

}  // namespace laconic
