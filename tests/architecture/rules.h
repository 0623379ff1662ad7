// The rules that the sources keep and no compiler checks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source_text.h"

namespace laconic::architecture {

// A folder under src/, a row of the table of layers.
struct Layer {
  std::string_view folder;
  std::vector<std::string_view> may_not_include;  // folders further up that it may not know all the same
};

// From the bottom to the top: a folder includes itself and folders of rows before its own. A new folder gets a row.
const std::vector<Layer>& layers();

// A file that may do what its layer may not, and why.
struct Exception {
  std::string_view file;  // relative to src/
  std::string_view reason;
};

// Headers of other projects, or of the system, that only some layers may know.
struct Vendor {
  std::string_view name;
  std::vector<std::string_view> headers;  // how the name between the brackets begins
  std::vector<std::string_view> allowed;  // folders, or single files, relative to src/
  std::vector<Exception> exceptions = {};
};
const std::vector<Vendor>& vendors();

// Words that must not stand in the code.
struct ForbiddenWords {
  std::vector<std::string_view> words;
  std::vector<std::string_view> allowed;  // folders, or single files, relative to src/
  std::string_view reason;
  std::vector<Exception> exceptions = {};
};
const std::vector<ForbiddenWords>& forbidden_words();

// #include lines that reach a layer which is not above, a vendor's header outside its layers, or a header of ours that
// is not named "layer/file.h".
std::vector<Violation> include_violations(const std::vector<SourceFile>& files);

// Braced temporaries inside the operand of a co_await: `co_await f({...})`, `co_await f(Type{...})`. g++ 12 destroys
// such an aggregate twice. The body of a lambda is none, nor what stands inside that body.
std::vector<Violation> braced_co_await_violations(const std::vector<SourceFile>& files);

std::vector<Violation> word_violations(const std::vector<SourceFile>& files);

// Exceptions of vendors() and forbidden_words() without a reason, or whose file has no use for them.
std::vector<Violation> exception_violations(const std::vector<SourceFile>& files);

}  // namespace laconic::architecture
