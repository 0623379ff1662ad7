// The part of Python's pickle that torch.save writes of tensors in dictionaries (protocols 2 to 5). Nothing that a pickle
// names is called: what is no tensor, number, text or container of these is an object of which only the name is known.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

struct PickledValue {
  enum class Kind { kNone, kNumber, kText, kGlobal, kSequence, kDictionary, kStorage, kTensor, kObject };
  Kind kind = Kind::kNone;
  std::int64_t number = 0;  // of a tensor its first element in the storage; of a storage how many it has
  std::string text;         // "collections.OrderedDict" of what has a name; of a storage its key
  std::string type;         // of a storage: "FloatStorage"
  // Elements; of a dictionary key, value, key, value; of a tensor its storage, its shape and its strides.
  std::vector<const PickledValue*> items;
};

class Pickle {
 public:
  // Throws UsageError "SOURCE: ..." for what is no such pickle, or breaks off. Memory is in proportion to `bytes`.
  Pickle(std::string_view bytes, const std::string& source);
  const PickledValue& root() const { return *root_; }

 private:
  friend class PickleReader;
  std::vector<std::unique_ptr<PickledValue>> values_;
  const PickledValue* root_ = nullptr;
};

}  // namespace laconic
