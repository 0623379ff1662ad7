// The rows of the registry, each defined in its algorithm's file.
#pragma once

#include "protocol/strategy.h"

namespace laconic {

extern const StrategyRow kAllReduce;
extern const StrategyRow kChoco;
extern const StrategyRow kDPsgd;
extern const StrategyRow kDcdPsgd;
extern const StrategyRow kDeepSqueeze;
extern const StrategyRow kDma;
extern const StrategyRow kEcdPsgd;
extern const StrategyRow kFda;
extern const StrategyRow kFdaOpt;
extern const StrategyRow kFedAvg;
extern const StrategyRow kFedOpt;
extern const StrategyRow kHierarchical;
extern const StrategyRow kLocal;
extern const StrategyRow kPeriodic;
extern const StrategyRow kPowerGossip;
extern const StrategyRow kQgDsgdm;
extern const StrategyRow kQuantizedPushSum;
extern const StrategyRow kScsp;
extern const StrategyRow kSerial;
extern const StrategyRow kSgp;
extern const StrategyRow kSparsePush;
extern const StrategyRow kSynchronous;

}  // namespace laconic
