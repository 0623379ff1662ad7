// What the program answers to a command line that it cannot read: the line that was meant, as near as can be told from
// spelling and from the words of other programs.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace laconic {

// For words whose first is none of the commands: "'train' is no command; laconic run job.toml trains".
std::string unknown_command_text(const std::vector<std::string>& words, std::span<const std::string_view> commands);

// For what the parser of options has thrown.
std::string parse_error_text(const CLI::ParseError& error, const CLI::App& app, const std::vector<std::string>& words);

// What `option` ("--lr") of another program is called in a job: "optimizer.learning_rate"; empty where it is nothing.
std::string key_of_option(std::string_view option);

}  // namespace laconic
