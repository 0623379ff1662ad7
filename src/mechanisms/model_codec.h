// How a model travels: whole, or, where the job compresses, as a compressed difference from a reference that both ends
// hold, with error feedback (Seide et al. 2014; in both directions: Tang et al. 2019, DoubleSqueeze).
//
//   whole       d float32
//   compressed  v := x - r + e / weight;  message C(v);  e := weight (v - C(v));  read as r + C(v)
//
//   x  model    r  reference()    C  the job's operator    e  what this end has not told yet, 0 at first
//   weight      how many models the message speaks for: what stays untold when a few are given a mean must not be told
//               to many as often again
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/archive.h"
#include "comm/frame.h"
#include "compress/compressor.h"
#include "compress/error_feedback.h"
#include "protocol/strategy.h"

namespace laconic {

// One end's; calls for one object never overlap.
class ModelCodec {
 public:
  // `compressor`: empty where models travel whole. `reference`: the first, d elements.
  ModelCodec(const CompressorFactory& compressor, SharedVector reference);

  bool compresses() const { return compressor_ != nullptr; }
  const SharedVector& reference() const { return reference_; }
  // From now on both ends hold this one, d elements.
  void refer_to(SharedVector reference) { reference_ = std::move(reference); }

  // The step of training whose messages come next.
  void begin_step(Step step) {
    if (compressor_) compressor_->begin_step(step.value);
  }

  // A frame that tells `model` (d elements), with the bytes of `behind` after it. Throws RunError that names an element
  // that is not finite, where the operator has to look at them.
  Frame encode(const FrameHeader& header, std::span<const float> model, RandomStream& random,
               std::span<const std::byte> behind = {}, double weight = 1.0);
  // What the messages so far left out is not told with a later one: the sender keeps it in its model instead.
  void drop_untold() {
    if (feedback_) feedback_->clear();
  }
  // The model that a frame tells which has `behind` more bytes. Throws DecodeError.
  SharedVector decode(const Frame& frame, std::size_t behind = 0);

  void archive(Archive& archive);

 private:
  SharedVector reference_;
  std::unique_ptr<Compressor> compressor_;  // null: whole models
  std::optional<ErrorFeedback> feedback_;
  std::vector<float> difference_;  // scratch
};

// Payload bytes of a model as a ModelCodec sends it: of a Gaussian difference, where that depends on what is in it.
struct ModelSize {
  std::uint64_t bytes = 0;
  bool depends_on_values = false;
};
ModelSize model_size(const StrategySetting& setting);

// A vector of `size` elements, or where it `may_be_empty` of none.
void archive_shared(Archive& archive, std::string_view name, SharedVector& vector, std::size_t size,
                    bool may_be_empty = false);

}  // namespace laconic
