// Where the tensors of a worker's model lie. Internal to the training layer.
//
// A worker has one vector:
//
//   own buffers | local parameters | shared parameters | shared buffers
//   -------- buffers() ------------|------------- params() -----------
//               |------------- trained ---------------|
//
// What strategies send and average is params(). What stays with the worker is buffers(): buffers that do not travel
// (buffers = "local"), and the tensors that model.local names, of which the parameters are trained all the same (layers
// for the worker's own task: FedPer, Arivazhagan et al. 2019; its own norms: FedBN, Li et al. 2021).
#pragma once

#include <string>
#include <vector>

#include "base/layout.h"
#include "training/models/network.h"
#include "training/models/start.h"

namespace laconic {

struct WorkerVector {
  // `local`: patterns of names, with commas between them; * stands for any characters, ? for one. Throws UsageError that
  // begins with "model.local" for a pattern that fits no tensor, and where no parameter is left to share.
  WorkerVector(const Network& network, bool buffers_travel, const std::string& local);

  std::size_t size() const { return own.size + shared.size; }
  // Of params(), the first that are trained.
  std::size_t trained_size() const { return parameters.size - (own.size - trained_begin); }
  bool has_local_parameters() const { return trained_begin < own.size; }
  // The whole vector at the start.
  std::vector<float> start(const ModelStart& start) const;

  Layout own;                      // buffers(), in the order of its elements
  Layout shared;                   // params()
  std::size_t trained_begin = 0;   // in the vector
  Layout parameters;               // in the network's order; offsets count from trained_begin, `size` is of all of them
  Layout buffers;                  // in the network's order; offsets in the vector
  std::vector<std::string> local;  // names of the tensors that model.local names
};

}  // namespace laconic
