// The page's template with its parts put in. Internal to the report layer.
#pragma once

#include <string_view>

#include "report/json.h"

namespace laconic {

// The page that `script` makes of `data`; `connects` is what its policy lets it connect to: 'none' or 'self'.
std::string filled_page(const Json& data, std::string_view script, std::string_view connects);

}  // namespace laconic
