// The sections of a job file as its text has them, against what the schema says of them.
#pragma once

#include <string>
#include <string_view>

#include "base/options.h"
#include "job/schema.h"
#include "job/text/job_text.h"

namespace laconic {

// Nothing for a name that is no section's.
const SchemaSection* find_section(std::string_view name);

// The options of a section; `written` is null where the file has none of it. Throws UsageError with place and remedy
// for a key that is missing or that the section, or the row it chose, does not have, and for a value of another type.
Options resolve_section(const SchemaSection& section, const WrittenSection* written, const std::string& file);

// The value takes the place of the file's; so do the keys that mean nothing beside it. Throws UsageError for an unknown
// section.
void apply_override(const Override& change, WrittenJob& job);

// A module in a file says by itself which model it is.
void name_model_of_file(WrittenJob& job);

}  // namespace laconic
