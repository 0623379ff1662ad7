#include "training/models/script_sharing.h"

#include <algorithm>

namespace laconic::script {
namespace {

// Bytes of the storage that a tensor lies in, the last one not included. Strides are never negative.
std::pair<std::int64_t, std::int64_t> range_of(const at::Tensor& tensor) {
  const auto size = static_cast<std::int64_t>(tensor.element_size());
  const std::int64_t first = tensor.storage_offset();
  std::int64_t last = first;
  for (std::int64_t i = 0; i < tensor.dim(); ++i) last += (tensor.size(i) - 1) * tensor.stride(i);
  return {first * size, (last + 1) * size};
}

// Where the elements are, sorted.
std::vector<std::int64_t> offsets_of(const at::Tensor& tensor) {
  std::vector<std::int64_t> offsets = {tensor.storage_offset()};
  offsets.reserve(static_cast<std::size_t>(tensor.numel()));
  for (std::int64_t i = 0; i < tensor.dim(); ++i) {
    const std::size_t before = offsets.size();
    for (std::int64_t place = 1; place < tensor.size(i); ++place) {
      for (std::size_t j = 0; j < before; ++j) offsets.push_back(offsets[j] + place * tensor.stride(i));
    }
  }
  std::ranges::sort(offsets);
  return offsets;
}

bool share_storage(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() && b.defined() && a.layout() == at::kStrided && b.layout() == at::kStrided && a.numel() > 0 &&
         b.numel() > 0 && a.is_alias_of(b);
}

// A contiguous tensor has every element of its range.
bool contains(const at::Tensor& whole, const at::Tensor& part) {
  if (!share_storage(whole, part) || !whole.is_contiguous() || whole.scalar_type() != part.scalar_type()) return false;
  const auto outer = range_of(whole);
  const auto inner = range_of(part);
  return outer.first <= inner.first && inner.second <= outer.second;
}

}  // namespace

at::Tensor View::of(const at::Tensor& whole) const {
  return whole.as_strided(sizes, strides, whole.storage_offset() + offset);
}

bool is_same_tensor(const at::Tensor& a, const at::Tensor& b) {
  return a.is_same(b) || (a.defined() && b.defined() && a.is_alias_of(b) && a.sizes() == b.sizes() &&
                          a.strides() == b.strides() && a.storage_offset() == b.storage_offset());
}

bool overlap(const at::Tensor& a, const at::Tensor& b) {
  if (!share_storage(a, b)) return false;
  const auto [a_begin, a_end] = range_of(a);
  const auto [b_begin, b_end] = range_of(b);
  if (a_begin >= b_end || b_begin >= a_end) return false;
  // Elements of different sizes are not worth telling apart.
  if (a.element_size() != b.element_size() || (a.is_contiguous() && b.is_contiguous())) return true;
  const std::vector<std::int64_t> first = offsets_of(a);
  const std::vector<std::int64_t> second = offsets_of(b);
  std::vector<std::int64_t> common;
  std::ranges::set_intersection(first, second, std::back_inserter(common));
  return !common.empty();
}

bool overlaps_itself(const at::Tensor& tensor) {
  if (tensor.layout() != at::kStrided || tensor.numel() < 2 || tensor.is_non_overlapping_and_dense()) return false;
  const std::vector<std::int64_t> offsets = offsets_of(tensor);
  return std::ranges::adjacent_find(offsets) != offsets.end();
}

Shared sort_out(const std::vector<NamedTensor>& tensors, std::optional<Conflict>& conflict) {
  Shared shared;
  std::vector<std::size_t> whole_of(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const at::Tensor& tensor = tensors[i].second;
    std::optional<std::size_t> best;
    for (std::size_t j = 0; j < tensors.size(); ++j) {
      const at::Tensor& other = tensors[j].second;
      if (contains(other, tensor) && (!best || other.numel() > tensors[*best].second.numel())) best = j;
    }
    for (std::size_t j = 0; j < i && !best; ++j) {
      if (is_same_tensor(tensors[j].second, tensor)) best = j;
    }
    whole_of[i] = best.value_or(i);
    if (whole_of[i] == i) shared.wholes.push_back(i);
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const at::Tensor& tensor = tensors[i].second;
    const at::Tensor& whole = tensors[whole_of[i]].second;
    Place place{static_cast<std::size_t>(std::ranges::find(shared.wholes, whole_of[i]) - shared.wholes.begin()), {}};
    if (!is_same_tensor(tensor, whole)) {
      place.view = View{tensor.sizes().vec(), tensor.strides().vec(), tensor.storage_offset() - whole.storage_offset()};
    }
    shared.places.push_back(std::move(place));
  }
  for (std::size_t a = 0; a < shared.wholes.size() && !conflict; ++a) {
    for (std::size_t b = a + 1; b < shared.wholes.size() && !conflict; ++b) {
      const NamedTensor& first = tensors[shared.wholes[a]];
      const NamedTensor& second = tensors[shared.wholes[b]];
      if (overlap(first.second, second.second)) conflict = {first.first, second.first};
    }
  }
  return shared;
}

}  // namespace laconic::script
