// What a run will do with its model, tried before the first step. Internal to the training layer.
//
// A model can take some numbers of samples and not others (a trace with its batch written in it, batch norm on one
// sample), and can do something else in evaluation than in training. Found at the first measurement that would cost a
// run its steps.
#pragma once

#include <string>
#include <vector>

#include "training/torch_learner.h"

namespace laconic {

// What an error or a remark about the model begins with: "job.toml:7: model.file: net.pt: ".
std::string place_of_model(const TrainingSetup& setup);

// As Training::rehearse. Changes nothing.
std::vector<std::string> rehearse(TrainingContext& context);

}  // namespace laconic
