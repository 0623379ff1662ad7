#include "mechanisms/model_codec.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/gossip.h"

namespace laconic {

ModelCodec::ModelCodec(const CompressorFactory& compressor, SharedVector reference) : reference_(std::move(reference)) {
  if (!compressor) return;
  compressor_ = compressor();
  feedback_.emplace(*compressor_, reference_.size());
  difference_.resize(reference_.size());
}

Frame ModelCodec::encode(const FrameHeader& header, std::span<const float> model, RandomStream& random,
                         std::span<const std::byte> behind, double weight) {
  if (!compresses() && behind.empty()) return Frame(header, model);
  std::size_t size = model.size_bytes();
  if (compresses()) {
    kernels::subtract(model, reference_, difference_);
    if (weight != 1.0) feedback_->scale(static_cast<float>(1.0 / weight));
    size = feedback_->prepare(difference_, random);
  }
  Frame frame(header, size + behind.size(), [&](std::span<std::byte> payload) {
    if (compresses()) {
      feedback_->write(payload.first(size));
    } else {
      kernels::copy(model, {reinterpret_cast<float*>(payload.data()), model.size()});
    }
    std::copy(behind.begin(), behind.end(), payload.begin() + static_cast<std::ptrdiff_t>(size));
  });
  if (compresses() && weight != 1.0) feedback_->scale(static_cast<float>(weight));
  return frame;
}

SharedVector ModelCodec::decode(const Frame& frame, std::size_t behind) {
  if (!compresses()) return frame.floats(reference_.size(), behind);
  const std::span<const std::byte> payload = frame.payload();
  if (payload.size() < behind) {
    throw DecodeError("a model of " + std::to_string(payload.size()) + " bytes, where " + std::to_string(behind) +
                      " come behind its message");
  }
  std::vector<float> model(reference_.size());
  kernels::copy(reference_, model);
  compressor_->decode_add(payload.first(payload.size() - behind), 1.0F, model);
  return SharedVector(std::move(model));
}

void ModelCodec::archive(Archive& archive) {
  archive_shared(archive, "codec.reference", reference_, reference_.size());
  if (!compresses()) return;
  feedback_->archive(archive);
  compressor_->archive(archive);
}

ModelSize model_size(const StrategySetting& setting) {
  if (!setting.compressor) return {.bytes = setting.dimension * sizeof(float)};
  const MessageSize message = message_size(setting);
  return {.bytes = message.of_gaussian, .depends_on_values = message.depends_on_values};
}

void archive_shared(Archive& archive, std::string_view name, SharedVector& vector, std::size_t size,
                    bool may_be_empty) {
  std::vector<float> values(vector.values().begin(), vector.values().end());
  archive.vector(name, values, size);
  if (!archive.loading()) return;
  if (values.size() != size && !(may_be_empty && values.empty()))
    throw DecodeError("state: " + std::string(name) + " has " + std::to_string(values.size()) + " values instead of " +
                      std::to_string(size));
  vector = SharedVector(std::move(values));
}

}  // namespace laconic
