// Compression operators: a float32 vector becomes a short message, and a message is added to a vector.
//
// C(v) is what a message of v decodes to. An operator has the quality omega when E||C(v) - v||^2 <= (1 - omega) ||v||^2
// (Koloskova et al. 2020, assumption 1). docs/compression.md specifies the messages byte by byte.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/archive.h"
#include "base/layout.h"
#include "base/options.h"
#include "base/random.h"

namespace laconic {

// One object a node; calls for one object never overlap. Vectors have the d elements of the layout it was made for.
class Compressor {
 public:
  virtual ~Compressor() = default;

  // The step of training, counted from 0, whose messages come next: for operators whose options change over the run.
  virtual void begin_step(std::uint64_t step) { static_cast<void>(step); }
  // The first step from which on no option changes any more; 0: none ever does.
  virtual std::uint64_t changes_until() const { return 0; }

  // Decides what is sent of `v`, with all random decisions drawn from `random`, and returns the exact size of the
  // message in bytes. Throws RunError that names the element when one is infinite or NaN (where the size does not
  // depend on the values, write() does), or that the vector is beyond the range of its format.
  virtual std::size_t prepare(std::span<const float> v, RandomStream& random) = 0;
  // Writes the message prepared last, once, into `out`, which has its size. `v` was not changed since. After an error
  // the content of `out` is of no use.
  virtual void write(std::span<std::byte> out) = 0;

  // y += weight * C(v), straight from the message: no dense vector in between. Throws DecodeError, with `y` unchanged,
  // for bytes that are no message of this operator with these sizes, or hold a value that is not finite. (Options that
  // do not show in a message, such as `unbiased`, are the same on all nodes of a job.) Scratch memory is O(d) at most,
  // whatever the message says.
  virtual void decode_add(std::span<const std::byte> message, float weight, std::span<float> y) = 0;

  // Whether E[C(v)] = v.
  virtual bool unbiased() const = 0;
  // A proven omega for this v (finite); may be negative for an unbiased operator. Unset where none is known.
  virtual std::optional<double> omega(std::span<const float> v) const = 0;

  // Of the message prepared last.
  struct Information {
    std::size_t coordinates = 0;  // whose values travel
    // Bits that the best code would need: log2 of the number of index sets, and the entropy of the values' symbols.
    double entropy_bits = 0.0;
  };
  virtual Information information() = 0;

  // State that later messages depend on; most operators have none.
  virtual void archive(Archive& archive) { static_cast<void>(archive); }
};

using CompressorFactory = std::function<std::unique_ptr<Compressor>()>;

// One row an operator. The command line, the help and the tests follow from the table.
struct CompressorRow {
  std::string_view name;
  std::string_view help;
  std::string_view source;
  std::span<const OptionSpec> options = {};
  // Does another thing to small vectors than to large ones, which C(a v) = a C(v) rules out for the others: what it does
  // far from agreement says nothing of what it does near it.
  bool depends_on_scale = false;
  // Now and then a message has nothing in it, as chance decides.
  bool skips_by_chance = false;
  // The option, if any, that is a bound on magnitudes; for a comparison one may be taken from the vector.
  std::string_view magnitude_option = {};
  // The option, if any, that says of which rank the products are that matrices are sent as. A vector that is no model has
  // to be made a matrix for it.
  std::string_view rank_option = {};
  // Makes one node's operator after another for vectors of `layout`, which the factory copies. Lengths of schedules
  // among the options are in steps (Options::in_steps). Throws UsageError for options that do not go together or do not
  // fit the layout.
  CompressorFactory (*make)(const Options& options, const Layout& layout);
};

// All operators, in the order of the docs.
std::span<const CompressorRow* const> compressors();

// The row of that name. Throws UsageError with the nearest name otherwise.
const CompressorRow& find_compressor(std::string_view name);

// A layout of one tensor of `size` elements, for vectors that are no model.
Layout flat_layout(std::size_t size);

}  // namespace laconic
