// summary.json: what a run came to. Written last: a folder that has one holds all the rest too.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "comm/ledger.h"
#include "protocol/measurement.h"

namespace laconic {

struct Summary {
  enum class End { kSteps, kUntil, kPatience, kInterrupted, kFailed };
  // Which model is stored: the common start, the newest one measured whose losses were finite; or, as the end found it,
  // the average of the workers', the one last synchronised, or worker 0's own.
  enum class Source { kStart, kMeasured, kAverageAtEnd, kSynchronised, kOfWorker0 };

  // What it ran on: simulated time and network, or processes over MPI.
  enum class Runtime { kSimulator, kProcesses };

  std::string program_version;
  Runtime runtime = Runtime::kSimulator;
  bool average =
      true;  // what was measured is the average of the workers' models; else what worker 0 last synchronised, or has
  std::string job;
  std::string strategy;
  std::string model;
  std::string dataset;
  std::string data;                  // fingerprint of what is measured on, 16 hexadecimal digits; empty: not known
  std::vector<std::string> classes;  // what they are called, where they have names
  std::uint64_t seed = 0;
  std::uint64_t workers = 0;
  std::uint64_t parameters = 0;       // d
  std::optional<double> tuned_gamma;  // that the job left to be found

  End end = End::kSteps;
  std::string error;  // of kFailed, one line
  std::uint64_t planned_steps = 0;
  std::uint64_t steps = 0;  // of each worker
  double epochs = 0.0;
  std::optional<std::uint64_t> resumed_step;  // of the checkpoint that this process went on from
  std::uint64_t syncs = 0;
  bool syncs_are_gossip = false;      // rounds of worker 0 with its neighbours; else averages over all workers
  std::vector<std::uint64_t> drifts;  // steps after which the data changed
  Seconds time;                       // of the run's clock, when it ended
  double wall_seconds = 0.0;          // of this process, since it began or went on; decides nothing
  std::uint64_t trace_hash = 0;       // of the simulator
  std::optional<double> paper_gb;     // bytes as FDA's paper counts them, 1e9 each
  std::optional<double> joules;       // of all bits and steps, by the job's energy model

  std::optional<std::uint64_t> model_step;  // after which the model that is stored was
  Source model_source = Source::kMeasured;
  // The best measurement, on the validation split or, where nothing is held out, the test split.
  struct Best {
    std::uint64_t step = 0;
    bool by_validation = false;
    bool of_numbers = false;  // the score is an R2
    double score = 0.0;       // Evaluation::score
    double loss = 0.0;
    bool is_stored = false;  // its model
  };
  std::optional<Best> best;
  std::uint64_t patience = 0;  // measurements without a better one that end the run; 0: any number
  std::optional<Measurement> newest;
  std::vector<std::uint64_t> own_users;  // whose samples each worker trains on, by rank; empty: not known of all
  // Of the scores measured on the test split (Evaluation::score), the best.
  std::optional<double> best_score;

  // What was sent and received; empty rows when there was nobody else.
  std::array<Tally, kTrafficKinds> traffic{};  // by kind, every frame counted once
  struct Node {
    Tally sent;
    Tally received;
    std::uint64_t refused = 0;
    std::uint64_t lost = 0;     // of what it sent
    std::uint64_t doubled = 0;  // the same
  };
  bool has_all_nodes =
      true;                 // else these bytes are of process 0 alone: the run broke off before the others told theirs
  Tally local;              // of the traffic: what never left its process
  std::vector<Node> nodes;  // the workers by rank
  Node coordinator;

  Tally total() const;
  std::uint64_t refused() const;
  std::uint64_t lost() const;
  std::uint64_t doubled() const;
  // The run went to its end: all steps, or what it was to reach.
  bool finished() const { return end == End::kSteps || end == End::kUntil || end == End::kPatience; }
};

std::string_view to_text(Summary::End end);

// What FDA's paper counts as bytes of a run: "8 d K bytes for ...". For strategies with a paper_gb.
std::string_view paper_note(std::string_view strategy);

// Copies what the ledger knows.
void add_ledger(const Ledger& ledger, Summary& summary);

// JSON, indented, with the last line's end: the fields above by their names, bytes as "payload_bytes" and "wire_bytes"
// (payload with frame headers), the measurement's figures beside them, "finished" as finished() says.
std::string summary_text(const Summary& summary);

// What a comparison needs of a summary.json.
struct SummaryFigures {
  std::string program_version;
  std::string job;
  std::string strategy;
  std::string dataset;
  std::string data;     // fingerprint of what was measured on; empty in results of older versions
  std::string runtime;  // "simulator" or "mpi"
  std::string seed;
  bool finished = false;
  std::string end;
  std::optional<double> accuracy;             // of the average model, newest; of numbers there is none, but
  std::optional<double> r2;                   // this
  std::optional<double> mae;                  // and this, in the unit of the data's file
  std::optional<double> loss;                 // the same
  std::optional<double> validation_accuracy;  // those on the validation split, where there is one
  std::optional<double> validation_r2;
  std::optional<double> validation_loss;
  std::optional<double> workers_accuracy;  // mean of the workers' own models'
  std::optional<double> workers_r2;        // the same
  std::uint64_t steps = 0;
  std::uint64_t syncs = 0;
  std::uint64_t payload_bytes = 0;
  std::uint64_t wire_bytes = 0;
  std::optional<double> paper_gb;
  std::optional<double> joules;
  Seconds time;
  std::string trace_hash;  // empty where it was no simulation
};

// Throws DecodeError, one line, for anything but a summary.
SummaryFigures read_summary(std::string_view text);

// The run for people: a head line, then a line for each figure.
std::string summary_for_people(const Summary& summary);

}  // namespace laconic
