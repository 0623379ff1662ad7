// Errors for the words of a job file that stand where nobody knows them: a section, a key, a value. Each names the place
// and what to write there: what the word was likely meant to be (base/spelling.h), what another program's word is here
// (job/foreign_words.h), or where the key belongs.
#pragma once

#include <string>
#include <string_view>

#include "base/options.h"
#include "job/schema.h"
#include "job/text/job_text.h"

namespace laconic {

// `where` is what the error begins with.
[[noreturn]] void refuse_section(const std::string& where, const std::string& name);

// A key outside any section.
[[noreturn]] void refuse_outside(const std::string& key, const WrittenValue& value);

// A key that `section` does not have with the row `chosen` (empty where it has no rows). Returns where no more can be
// said than which keys of the section are near, which Options does.
void refuse_key(const SchemaSection& section, const std::string& chosen, const std::string& key,
                const WrittenValue& value);

// A value of another type than the key has: text for a number, a list for one value. Returns where it has that type, be
// it in range or not.
void check_kind(const SchemaSection& section, const OptionSpec& spec, const WrittenValue& value);

// A value that the key does not take, whatever the other keys are. Returns where it does.
void check_value(const SchemaSection& section, const OptionSpec& spec, const WrittenValue& value);

}  // namespace laconic
