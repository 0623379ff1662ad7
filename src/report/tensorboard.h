// The figures of a run as TensorBoard reads them: scalars in an event file.
//
//   file    := record*                                                  TFRecord, all little-endian
//   record  := length:u64 masked(length):u32 event masked(event):u32    length: bytes of the event
//   masked  := CRC-32C rotated right by 15, and 0xa282ead8 added
//   event   := the protocol buffer `Event`: wall_time = 1, step = 2, file_version = 3, summary = 5
//   summary := one `Value` a scalar: tag = 1, simple_value = 2
//
// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details,
// tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.
#pragma once

#include <string>
#include <string_view>

namespace laconic {

// The file's name: TensorBoard looks for "tfevents" in it.
inline constexpr std::string_view kTensorBoardFile = "events.out.tfevents.0.laconic";

// The event file of what `metrics`, the lines of a metrics.jsonl, tell. A step is a local step of each worker; the wall
// time is the run's clock, that of the measurement before for a synchronisation, so that two runs of one job write the
// same bytes. Scalars are float32; what is not finite is left out. Tags:
//
//   train/loss                            mean over the workers since the measurement before
//   evaluation/loss, evaluation/accuracy  on the test split, of numbers evaluation/r2 and evaluation/mae; validation/...
//                                         where data are held out
//   evaluation/prequential_loss           cumulative, where it is measured
//   workers/accuracy_mean, _minimum, _maximum; of numbers workers/r2_mean, ...
//   consensus/distance
//   communication/bytes                   on the wire, headers in
//   communication/payload_bytes
//   communication/KIND_bytes              on the wire, headers in; of each kind of traffic that there was
//   communication/syncs
//   monitor/NAME                          what the strategy watches, at measurements and synchronisations
//   monitor/threshold                     at synchronisations, where there is one
//
// Throws DecodeError for a line that is none of such a file.
std::string tensorboard_events(std::string_view metrics);

}  // namespace laconic
