#include "rules.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <optional>

namespace laconic::architecture {
namespace {

constexpr auto kNone = std::string_view::npos;

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

bool is_inside(std::string_view path, std::string_view folder_or_file) {
  return path.substr(0, folder_or_file.size()) == folder_or_file &&
         (path.size() == folder_or_file.size() || path[folder_or_file.size()] == '/');
}

bool is_inside_any(std::string_view path, const std::vector<std::string_view>& places) {
  return std::any_of(places.begin(), places.end(), [&](auto place) { return is_inside(path, place); });
}

bool is_one_of(std::string_view path, const std::vector<Exception>& exceptions) {
  return std::any_of(exceptions.begin(), exceptions.end(), [&](const auto& one) { return one.file == path; });
}

// The row of the layer that holds `path`, if one does.
std::optional<std::size_t> row_of(std::string_view path) {
  for (std::size_t row = 0; row < layers().size(); ++row) {
    if (is_inside(path, layers()[row].folder)) return row;
  }
  return std::nullopt;
}

struct Include {
  std::string_view name;  // between the quotes or the brackets
  bool quoted = false;
  std::size_t offset = 0;
};

// The #include lines of a text that went through code_only.
std::vector<Include> includes_of(std::string_view code) {
  std::vector<Include> includes;
  for (std::size_t at = find_word(code, "include"); at != kNone; at = find_word(code, "include", at + 1)) {
    const std::size_t before = code.find_last_not_of(" \t", at == 0 ? 0 : at - 1);
    const std::size_t open = code.find_first_not_of(" \t", at + 7);
    if (at == 0 || before == kNone || code[before] != '#' || open == kNone) continue;
    if (code[open] != '"' && code[open] != '<') continue;
    const bool quoted = code[open] == '"';
    const std::size_t close = code.find(quoted ? '"' : '>', open + 1);
    if (close == kNone) continue;
    includes.push_back({code.substr(open + 1, close - open - 1), quoted, at});
  }
  return includes;
}

std::string objection_to_layer(std::size_t own, const Include& include) {
  const std::optional<std::size_t> other = row_of(include.name);
  if (!other) {
    if (!include.quoted) return "";
    return joined({"\"", include.name, "\" is no header of a layer; headers of ours are named \"layer/file.h\""});
  }
  const Layer& layer = layers()[own];
  const std::string_view folder = layers()[*other].folder;
  if (*other > own) return joined({layer.folder, " includes ", folder, ", which stands on it"});
  if (is_inside_any(folder, layer.may_not_include)) {
    return joined({layer.folder, " includes ", folder, ", which it may not know"});
  }
  return "";
}

bool is_header_of(const Vendor& vendor, std::string_view name) {
  return std::any_of(vendor.headers.begin(), vendor.headers.end(),
                     [&](auto header) { return name.substr(0, header.size()) == header; });
}

std::string objection_to_vendor(std::string_view path, std::string_view name) {
  for (const Vendor& vendor : vendors()) {
    if (!is_header_of(vendor, name) || is_one_of(path, vendor.exceptions)) continue;
    if (!is_inside_any(path, vendor.allowed)) {
      return joined({"includes <", name, ">: ", vendor.name, " is not for this layer"});
    }
  }
  return "";
}

char last_code_before(std::string_view code, std::size_t offset) {
  const std::size_t at = offset == 0 ? kNone : code.find_last_not_of(" \t\n", offset - 1);
  return at == kNone ? '\0' : code[at];
}

// The identifier, or nothing, that ends right before `offset`.
std::string_view word_before(std::string_view code, std::size_t offset) {
  std::size_t end = offset;
  while (end > 0 && std::isspace(static_cast<unsigned char>(code[end - 1])) != 0) --end;
  std::size_t begin = end;
  while (begin > 0 && (std::isalnum(static_cast<unsigned char>(code[begin - 1])) != 0 || code[begin - 1] == '_'))
    --begin;
  return code.substr(begin, end - begin);
}

bool is_lambda_specifier(std::string_view word) {
  return word == "mutable" || word == "noexcept" || word == "constexpr";
}

// Whether `text` can be a trailing return type: names, scopes, and commas only between template brackets.
bool is_type(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if (c == '<') ++depth;
    if (c == '>') --depth;
    if (c == ',' && depth == 0) return false;
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && std::isspace(byte) == 0 && std::string_view("_:<>,*&").find(c) == kNone)
      return false;
  }
  return true;
}

// Whether the brace at `open` begins the body of a lambda: it follows a capture list, a parameter list, a specifier or
// a trailing return type.
bool opens_lambda(std::string_view code, std::size_t operand_begin, std::size_t open) {
  const char before = last_code_before(code, open);
  if (before == ']' || before == ')' || is_lambda_specifier(word_before(code, open))) return true;
  const std::string_view operand = code.substr(operand_begin, open - operand_begin);
  const std::size_t arrow = operand.rfind("->");
  if (arrow == kNone || !is_type(operand.substr(arrow + 2))) return false;
  return last_code_before(operand, arrow) == ')' || is_lambda_specifier(word_before(operand, arrow));
}

std::size_t matching_brace(std::string_view code, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (code[i] == '{') ++depth;
    if (code[i] == '}' && --depth == 0) return i;
  }
  return code.size();
}

// The offset of a braced temporary in the operand that begins at `begin`, if there is one. The operand ends with the
// statement, or where a bracket closes that it did not open.
std::optional<std::size_t> braced_temporary(std::string_view code, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < code.size(); ++i) {
    const char c = code[i];
    if (c == '(' || c == '[') ++depth;
    if ((c == ')' || c == ']') && --depth < 0) return std::nullopt;
    if (c == ';' || c == '}' || (c == ',' && depth == 0)) return std::nullopt;
    if (c != '{') continue;
    if (!opens_lambda(code, begin, i)) return i;
    i = matching_brace(code, i);
  }
  return std::nullopt;
}

}  // namespace

const std::vector<Layer>& layers() {
  static const std::vector<Layer> table = {
      {"base", {}},
      {"kernels", {}},
      {"compress", {}},
      {"monitor", {}},
      {"topology", {"compress", "monitor"}},
      {"async", {"base", "kernels", "compress", "monitor", "topology"}},
      {"comm", {"compress", "monitor", "topology"}},
      {"protocol", {"monitor"}},
      {"mechanisms", {}},
      {"strategies", {}},
      {"runtimes/node", {"mechanisms", "strategies"}},
      {"runtimes/process", {"mechanisms", "strategies"}},
      {"runtimes/sim", {"mechanisms", "strategies"}},
      {"links/mpi", {"protocol", "mechanisms", "strategies", "runtimes/process", "runtimes/sim"}},
      {"links/session", {"protocol", "mechanisms", "strategies", "runtimes/process", "runtimes/sim"}},
      {"links", {"protocol", "mechanisms", "strategies", "runtimes/process", "runtimes/sim"}},
      {"consensus", {"links", "runtimes/process"}},
      {"faults", {"links/mpi", "consensus"}},
      {"training/formats",
       {"kernels", "compress", "monitor", "topology", "async", "comm", "protocol", "mechanisms", "strategies",
        "runtimes", "links", "consensus", "faults"}},
      {"training/data",
       {"kernels", "compress", "monitor", "topology", "async", "comm", "protocol", "mechanisms", "strategies",
        "runtimes", "links", "consensus", "faults"}},
      {"training/models", {"mechanisms", "strategies", "runtimes", "links", "consensus", "faults"}},
      {"training/optimizers", {"mechanisms", "strategies", "runtimes", "links", "consensus", "faults"}},
      {"training", {"mechanisms", "strategies", "runtimes", "links", "consensus", "faults"}},
      {"charts",
       {"kernels", "compress", "monitor", "topology", "async", "comm", "protocol", "mechanisms", "strategies",
        "runtimes", "links", "consensus", "faults", "training"}},
      {"report", {"mechanisms", "strategies", "runtimes", "links", "consensus", "faults", "training"}},
      {"serve",
       {"kernels", "compress", "monitor", "topology", "comm", "protocol", "mechanisms", "strategies", "runtimes",
        "links", "consensus", "faults", "training", "charts", "report"}},
      {"job/text",
       {"kernels", "compress", "monitor", "topology", "async", "comm", "protocol", "mechanisms", "strategies",
        "runtimes", "links", "consensus", "faults", "training", "charts", "report", "serve"}},
      {"job", {}},
      {"laconic", {}},
      {"cli", {"laconic"}},
  };
  return table;
}

const std::vector<Vendor>& vendors() {
  static const std::vector<Vendor> table = {
      {"libtorch",
       {"torch/", "ATen/", "c10/", "caffe2/"},
       {"training/models",
        "training/optimizers",
        "training/batch.h",
        "training/batch.cc",
        "training/batch_test.cc",
        "training/model_evaluation.h",
        "training/model_evaluation.cc",
        "training/rehearsal.cc",
        "training/script_modes_test.cc",
        "training/script_sharing_test.cc",
        "training/script_network_test.cc",
        "training/script_module_test.h",
        "training/script_loss_test.cc",
        "training/torch_learner.h",
        "training/torch_learner.cc",
        "training/torch_learner_test.cc",
        "training/torch_learner_state_test.cc",
        "training/regression_errors.h",
        "training/regression_errors.cc",
        "training/exported_module_test.cc",
        "training/training.cc",
        "training/training_test.cc",
        "laconic"}},
      {"Asio",
       {"asio.hpp", "asio/"},
       {"async", "comm/mailbox_test.cc", "comm/processor_test.cc", "comm/test_network.h", "runtimes", "serve"}},
      {"Highway", {"hwy/"}, {"kernels"}},
      {"Eigen", {"Eigen/", "unsupported/Eigen/"}, {"topology"}},
      {"nlohmann/json", {"nlohmann/"}, {"report", "training", "job", "cli"}},
      {"toml++", {"toml++/", "toml.hpp"}, {"job"}},
      {"CLI11", {"CLI/"}, {"cli"}},
      {"Cairo", {"cairo"}, {"charts/canvas.cc"}},
      {"MPI", {"mpi.h"}, {"links/mpi"}},
      {"the socket interface", {"sys/socket.h", "netinet/", "arpa/", "netdb.h"}, {"links"}},
      {"the interface to threads",
       {"thread", "mutex", "shared_mutex", "condition_variable", "future", "semaphore", "barrier", "latch",
        "pthread.h"},
       {"base", "kernels", "compress", "monitor", "comm", "runtimes", "links", "training", "report", "serve", "job",
        "laconic", "cli"}},
      {"the output streams",
       {"iostream"},
       {"cli"},
       {{"job/process_end.cc", "std::_Exit loses what a user's program has printed, unless its streams are flushed"}}},
  };
  return table;
}

const std::vector<ForbiddenWords>& forbidden_words() {
  static const std::vector<ForbiddenWords> table = {
      {{"random_device", "rand(", "srand(", "random_shuffle", "std::shuffle", "std::sample", "mt19937", "mt19937_64",
        "default_random_engine", "uniform_int_distribution", "uniform_real_distribution", "normal_distribution",
        "bernoulli_distribution", "discrete_distribution"},
       {},
       "every random number comes from a RandomStream, which is the same on every machine"},
      {{"system_clock", "steady_clock", "high_resolution_clock", "gettimeofday", "clock_gettime", "std::time", "time("},
       {"runtimes", "links", "report", "serve", "job", "laconic", "cli"},
       "the wall clock decides no result; a strategy's clock is Comm's"},
      {{"std::cout", "std::cerr", "std::clog", "std::wcout", "std::wcerr", "std::wclog", "printf", "fprintf", "vprintf",
        "vfprintf", "puts", "fputs", "putchar", "perror"},
       {"cli"},
       "libraries print nothing; what is to be told goes to a sink of the caller's",
       {{"job/process_end.cc", "flushes what a user's program has printed, and prints nothing"}}},
      {{"std::exit", "exit(", "_Exit(", "quick_exit(", "abort("},
       {"cli"},
       "libraries do not end the process",
       {{"job/process_end.cc",
         "the end of a process whose MPI library does not come back, as its caller has asked for"},
        {"links/mpi/link_mpi_test.cc", "a program of its own, whose library may not come back from its end"}}},
  };
  return table;
}

std::vector<Violation> include_violations(const std::vector<SourceFile>& files) {
  std::vector<Violation> violations;
  for (const SourceFile& file : files) {
    const std::optional<std::size_t> own = row_of(file.path);
    if (!own) {
      violations.push_back({file.path, 1, "its folder is no layer; tests/architecture/rules.cc has their table"});
      continue;
    }
    const std::string code = code_only(file.text);
    for (const Include& include : includes_of(code)) {
      for (const std::string& reason :
           {objection_to_layer(*own, include), objection_to_vendor(file.path, include.name)}) {
        if (!reason.empty()) violations.push_back({file.path, line_at(code, include.offset), reason});
      }
    }
  }
  return violations;
}

std::vector<Violation> braced_co_await_violations(const std::vector<SourceFile>& files) {
  constexpr std::string_view kKeyword = "co_await";
  std::vector<Violation> violations;
  for (const SourceFile& file : files) {
    const std::string code = code_only(file.text);
    for (std::size_t at = find_word(code, kKeyword); at != kNone; at = find_word(code, kKeyword, at + 1)) {
      const auto brace = braced_temporary(code, at + kKeyword.size());
      if (!brace) continue;
      violations.push_back(
          {file.path, line_at(code, *brace),
           "a braced temporary inside a co_await expression, which g++ 12 destroys twice: name it in a "
           "local first"});
    }
  }
  return violations;
}

std::vector<Violation> word_violations(const std::vector<SourceFile>& files) {
  std::vector<Violation> violations;
  for (const SourceFile& file : files) {
    const std::string code = code_only(file.text);
    for (const ForbiddenWords& rule : forbidden_words()) {
      if (is_inside_any(file.path, rule.allowed) || is_one_of(file.path, rule.exceptions)) continue;
      for (const std::string_view word : rule.words) {
        for (std::size_t at = find_word(code, word); at != kNone; at = find_word(code, word, at + 1)) {
          violations.push_back({file.path, line_at(code, at), joined({"'", word, "': ", rule.reason})});
        }
      }
    }
  }
  return violations;
}

std::vector<Violation> exception_violations(const std::vector<SourceFile>& files) {
  std::vector<Violation> violations;
  const auto check = [&](const std::vector<Exception>& exceptions, auto is_used) {
    for (const Exception& exception : exceptions) {
      const auto file =
          std::find_if(files.begin(), files.end(), [&](const auto& f) { return f.path == exception.file; });
      if (file == files.end() || !is_used(code_only(file->text))) {
        violations.push_back({std::string(exception.file), 1, "is an exception of a rule that it keeps, or not there"});
      }
      if (exception.reason.empty()) {
        violations.push_back({std::string(exception.file), 1, "is an exception of a rule without a reason"});
      }
    }
  };
  for (const Vendor& vendor : vendors()) {
    check(vendor.exceptions, [&](const std::string& code) {
      const std::vector<Include> includes = includes_of(code);
      return std::any_of(includes.begin(), includes.end(),
                         [&](const Include& include) { return is_header_of(vendor, include.name); });
    });
  }
  for (const ForbiddenWords& rule : forbidden_words()) {
    check(rule.exceptions, [&](const std::string& code) {
      return std::any_of(rule.words.begin(), rule.words.end(),
                         [&](auto word) { return find_word(code, word) != kNone; });
    });
  }
  return violations;
}

}  // namespace laconic::architecture
