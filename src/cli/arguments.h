// The words of a command line in the one form that its options are read in.
//
//   --set a.b=1 c.d=2        --set a.b=1 --set c.d=2      (of commands whose own words are files)
//   --set steps=10           --set job.steps=10
//   --set strategy=fda       --set strategy.name=fda
//   --set learning-rate=.1   --set optimizer.learning_rate=.1
//   --set 'job.seed = 2'     --set job.seed=2
//   --set job.name='x'       --set job.name=x
//   help run                 run --help
//   version                  --version
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace laconic {

// `words`: those behind the program's name. Throws UsageError for a setting without a value, and for a key that is none
// or could be several.
std::vector<std::string> settled(std::vector<std::string> words);

// "steps = 10" as "job.steps=10". Throws UsageError as above, where the value is missing with the one that stands behind
// it, if any does.
std::string full_setting(std::string_view text, std::string_view value_behind = {});

}  // namespace laconic
