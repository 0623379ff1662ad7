// Tensors of a file, by name, in the order in which a model has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/layout.h"
#include "training/formats/safetensors.h"

namespace laconic {

// Null where the file has none of that name.
const TensorLayout* find_tensor(const SafetensorsModel& model, std::string_view name);

// Whether the file may have tensors that the layout has not.
enum class OtherTensors { kRefused, kLeftOut };

// The elements of `layout`, whose tensors have the shapes of the file's of the same names; those without elements may be
// missing. Throws UsageError "PLACE: ..." that lists what is missing, unknown or of another shape.
std::vector<float> in_layout(const SafetensorsModel& model, const Layout& layout, OtherTensors others,
                             const std::string& place);

}  // namespace laconic
