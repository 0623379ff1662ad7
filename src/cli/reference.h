// The program's reference in the forms that users read it in, all made from the tables that the program itself goes by:
// the schema of jobs and the command line.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace laconic {

// docs/keys.md: every key of a job file with what it may be, its default and its meaning, by section; Markdown.
std::string key_reference();

// docs/strategies.md: what each strategy does, where it is from, what its job needs, and its keys; Markdown.
std::string strategy_reference();

// The man page laconic(1), in the macros of man(7).
std::string man_page(const CLI::App& app);

// A script for bash: completes commands, options, words of `list`, and for --set and sweeps the keys of a job and,
// where a key takes one of several words, these.
std::string bash_completion(const CLI::App& app);

}  // namespace laconic
