// The makers that the table in topology.cc lists. Each fails with the request's words when it cannot be met; what comes
// out may be in parts only where it was read from a file.
#pragma once

#include "topology/topology.h"

namespace laconic {

// regular.cc: graphs that follow from their size. An edge that such a graph would have twice (a ring of 2 nodes, a
// torus with a side of 2) is there once.
Graph make_ring(const TopologyRequest& request);
Graph make_chain(const TopologyRequest& request);
Graph make_torus(const TopologyRequest& request);
Graph make_complete(const TopologyRequest& request);
Graph make_star(const TopologyRequest& request);
Graph make_hypercube(const TopologyRequest& request);

// random_graphs.cc
Graph make_erdos_renyi(const TopologyRequest& request);
Graph make_random_regular(const TopologyRequest& request);

// social_networks.cc
Graph make_davis(const TopologyRequest& request);
Graph make_karate(const TopologyRequest& request);

// directed.cc: schedules of directed links. Whether all nodes are joined is for whoever asked to see.
std::shared_ptr<const LinkSchedule> make_directed_ring(const TopologyRequest& request);
std::shared_ptr<const LinkSchedule> make_one_peer(const TopologyRequest& request);
std::shared_ptr<const LinkSchedule> make_exponential(const TopologyRequest& request);
std::shared_ptr<const LinkSchedule> make_rotating(const TopologyRequest& request);
std::shared_ptr<const LinkSchedule> make_random_out(const TopologyRequest& request);

// base_graph.cc
std::shared_ptr<const LinkSchedule> make_base(const TopologyRequest& request);

}  // namespace laconic
