#include "training/formats/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/error.h"

namespace laconic {
namespace {

constexpr std::array<std::uint8_t, 6> kMagic = {0x93, 'N', 'U', 'M', 'P', 'Y'};
// Headers of plain arrays have some hundred bytes; long ones are of records.
constexpr std::size_t kLargestHeader = std::size_t{1} << 16;
constexpr std::size_t kLongestText = 1024;   // of a name, in characters
constexpr std::size_t kMostDimensions = 32;  // NumPy's own limit

// The dict of a header, which starts at byte `start` of the stream.
class HeaderParser {
 public:
  HeaderParser(const InputStream& stream, std::string_view text, std::size_t start, bool may_be_text)
      : stream_(stream), text_(text), start_(start), may_be_text_(may_be_text) {}

  NpyHeader parse() {
    expect('{');
    while (!take('}')) {
      const std::size_t at = at_after_blanks();
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && header_.type.empty()) {
        parse_type();
      } else if (key == "fortran_order" && !fortran_order_) {
        fortran_order_ = parse_flag();
      } else if (key == "shape" && !has_shape_) {
        parse_shape();
      } else {
        fail_at(at, "the header says " + shown(key) + ", which is no key of an array or comes twice");
      }
      if (take(',')) continue;
      expect('}');
      break;
    }
    if (at_after_blanks() != text_.size()) fail("unexpected text follows the header");
    if (header_.type.empty() || !fortran_order_ || !has_shape_) {
      fail("the header lacks one of descr, fortran_order and shape");
    }
    header_.fortran_order = *fortran_order_;
    check_size();
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail_at(std::size_t at, const std::string& problem) const { stream_.fail(start_ + at, problem); }
  [[noreturn]] void fail(const std::string& problem) const { fail_at(at_, problem); }

  std::size_t at_after_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_;
  }

  bool take(std::string_view word) {
    at_after_blanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool take(char c) { return take(std::string_view(&c, 1)); }
  void expect(char c) {
    if (!take(c)) fail(std::string("the header has no '") + c + "' here");
  }

  std::string_view quoted() {
    const char quote = take('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("the header ends within quotes");
    const std::string_view text = text_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }

  bool parse_flag() {
    if (take("True")) return true;
    if (!take("False")) fail("the header has neither True nor False here");
    return false;
  }

  void parse_type() {
    if (take('[')) {
      stream_.refuse("the elements are records; save one array of numbers, such as a single field of them");
    }
    const std::string_view type = quoted();
    header_.type = type;
    const auto unsupported = [&] {
      stream_.refuse("the elements have the type " + shown(type) +
                     ", which is not supported; save them as uint8 or float32: x.astype('float32')");
    };
    if (type.find('O') != std::string_view::npos) {
      stream_.refuse("the elements are Python objects, which are never read; save an array of numbers");
    }
    if (may_be_text_ && parse_text_type(type)) return;
    if (type.size() > 2 && (type[1] == 'U' || type[1] == 'S')) {
      stream_.refuse("the elements are text (" + shown(type) +
                     "); number the classes: names, y = numpy.unique(y, return_inverse=True)");
    }
    if (type.size() != 3 || (type[0] != '<' && type[0] != '>' && type[0] != '|')) unsupported();
    header_.big_endian = type[0] == '>';
    header_.element_size = static_cast<std::size_t>(type[2] - '0');
    header_.kind = type[1] == 'b'   ? NpyKind::kBoolean
                   : type[1] == 'u' ? NpyKind::kUnsigned
                   : type[1] == 'i' ? NpyKind::kSigned
                                    : NpyKind::kFloat;
    const std::string_view sizes = header_.kind == NpyKind::kBoolean ? "1"
                                   : header_.kind != NpyKind::kFloat ? "1248"
                                   : type[1] == 'f'                  ? "248"
                                                                     : "";
    if (sizes.find(type[2]) == std::string_view::npos) unsupported();
    if (type[0] == '|' && header_.element_size != 1) unsupported();
  }

  bool parse_text_type(std::string_view type) {
    if (type.size() < 3 || (type[1] != 'U' && type[1] != 'S')) return false;
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(type.data() + 2, type.data() + type.size(), length);
    if (error != std::errc{} || end != type.data() + type.size() || length < 1 || length > kLongestText) return false;
    header_.kind = type[1] == 'U' ? NpyKind::kCharacters : NpyKind::kText;
    header_.element_size = length * (type[1] == 'U' ? sizeof(char32_t) : 1);
    header_.big_endian = type[0] == '>';
    return true;
  }

  void parse_shape() {
    has_shape_ = true;
    expect('(');
    bool comma = true;
    while (!take(')')) {
      if (!comma) fail("the header has no ',' between two sizes");
      std::size_t size = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (error != std::errc{}) fail("the header has no size of a dimension here");
      if (size == 0) fail("dimension " + std::to_string(header_.shape.size()) + " is empty");
      if (header_.shape.size() == kMostDimensions) fail("the array has too many dimensions");
      at_ += static_cast<std::size_t>(end - begin);
      header_.shape.push_back(size);
      take('L');  // as Python 2 writes long integers
      comma = take(',');
    }
    if (header_.shape.size() == 1 && !comma) fail("the header has a number instead of a shape");
  }

  void check_size() const {
    std::size_t bytes = header_.element_size;
    for (const std::size_t size : header_.shape) {
      if (size > kLargestNpy / bytes) fail("the header claims more than " + std::to_string(kLargestNpy) + " bytes");
      bytes *= size;
    }
  }

  const InputStream& stream_;
  std::string_view text_;
  std::size_t start_;
  bool may_be_text_;
  std::size_t at_ = 0;
  NpyHeader header_;
  std::optional<bool> fortran_order_;
  bool has_shape_ = false;
};

// A float of 16 bits, IEEE 754's binary16.
struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    const int exponent = bits >> 10 & 0x1f;
    const int fraction = bits & 0x3ff;
    float magnitude = 0.0F;
    if (exponent == 0x1f) {
      magnitude = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    } else if (exponent == 0) {
      magnitude = std::ldexp(static_cast<float>(fraction), -24);
    } else {
      magnitude = std::ldexp(static_cast<float>(fraction | 0x400), exponent - 25);
    }
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
  }
};

// NumPy takes every byte but 0 for true.
struct Boolean {
  std::uint8_t bits;
  explicit operator float() const { return bits != 0 ? 1.0F : 0.0F; }
};

template <typename Number>
Number decode(const std::uint8_t* bytes, bool reversed) {
  std::array<std::uint8_t, sizeof(Number)> raw;
  std::copy_n(bytes, raw.size(), raw.begin());
  if (reversed) std::reverse(raw.begin(), raw.end());
  return std::bit_cast<Number>(raw);
}

// Calls `use` with a value of the type that the elements have.
template <typename Use>
void with_type_of(const NpyHeader& header, Use use) {
  const std::size_t size = header.element_size;
  switch (header.kind) {
    case NpyKind::kBoolean:
      return use(Boolean{});
    case NpyKind::kUnsigned:
      return size == 1   ? use(std::uint8_t{})
             : size == 2 ? use(std::uint16_t{})
             : size == 4 ? use(std::uint32_t{})
                         : use(std::uint64_t{});
    case NpyKind::kSigned:
      return size == 1   ? use(std::int8_t{})
             : size == 2 ? use(std::int16_t{})
             : size == 4 ? use(std::int32_t{})
                         : use(std::int64_t{});
    case NpyKind::kFloat:
      return size == 2 ? use(Half{}) : size == 4 ? use(float{}) : use(double{});
    case NpyKind::kCharacters:
    case NpyKind::kText:
      throw CheckFailed("text where numbers are read");
  }
}

template <typename Number>
std::string number_text(Number number) {
  if constexpr (std::is_integral_v<Number>) {
    return std::to_string(number);
  } else {
    char text[32];
    const auto [end, error] = std::to_chars(text, text + sizeof text, number);
    return {text, error == std::errc{} ? end : text};
  }
}

// A number of sample `sample` as a float that is finite.
template <typename Number>
float to_float(const InputStream& stream, Number number, std::size_t sample) {
  if constexpr (std::is_same_v<Number, Half>) {
    return to_float(stream, static_cast<float>(number), sample);
  } else if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(number)) {
      stream.refuse("sample " + std::to_string(sample) + " has " + number_text(number) +
                    ", which is not finite; replace it, or take the sample out");
    }
    if (std::abs(number) > static_cast<Number>(std::numeric_limits<float>::max())) {
      stream.refuse("sample " + std::to_string(sample) + " has " + number_text(number) +
                    ", outside the range of float; scale the inputs");
    }
  }
  return static_cast<float>(number);
}

std::size_t bytes_of(const NpyHeader& header) { return header.elements() * header.element_size; }

bool is_reversed(const NpyHeader& header) { return header.big_endian == (std::endian::native == std::endian::little); }

// Calls `use` with the number of each sample that is marked and its elements' bytes, the last index fastest.
template <typename Use>
void for_each_sample(InputStream& stream, const NpyHeader& header, const std::vector<bool>& keep, Use use) {
  const std::size_t row = bytes_of(header) / keep.size();
  AnnouncedBytes elements(stream, bytes_of(header));
  std::vector<std::uint8_t> bytes;
  if (!header.fortran_order || header.shape.size() < 2) {
    for (std::size_t sample = 0; sample < keep.size(); ++sample) {
      if (!keep[sample]) {
        elements.skip(row);
        continue;
      }
      bytes.clear();
      elements.append(row, bytes);
      use(sample, std::as_const(bytes));
    }
    elements.expect_end();
    return;
  }
  std::vector<std::uint8_t> all;
  elements.append(bytes_of(header), all);
  elements.expect_end();
  bytes.resize(row);
  std::vector<std::size_t> index(header.shape.size(), 0);
  for (std::size_t sample = 0; sample < keep.size(); ++sample) {
    if (!keep[sample]) continue;
    for (std::size_t at = 0; at < row; at += header.element_size) {
      std::size_t from = 0;
      for (std::size_t dimension = header.shape.size() - 1; dimension > 0; --dimension) {
        from = (from + index[dimension]) * header.shape[dimension - 1];
      }
      std::copy_n(all.data() + (from + sample) * header.element_size, header.element_size, bytes.data() + at);
      for (std::size_t dimension = header.shape.size() - 1; dimension > 0; --dimension) {
        if (++index[dimension] < header.shape[dimension]) break;
        index[dimension] = 0;
      }
    }
    use(sample, std::as_const(bytes));
  }
}

// One character as UTF-8; nothing of what is none.
std::string utf8(std::uint32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), tail(0)};
  if (code >= 0xd800 && code < 0xe000) return {};
  if (code < 0x10000) return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
  if (code < 0x110000) return {static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0)};
  return {};
}

// The text of an element, up to the zeros behind it.
std::string text_of(const InputStream& stream, const NpyHeader& header, std::span<const std::uint8_t> element,
                    std::size_t sample) {
  std::string text;
  if (header.kind == NpyKind::kText) {
    text.assign(element.begin(), element.end());
  } else {
    for (std::size_t at = 0; at < element.size(); at += sizeof(std::uint32_t)) {
      const std::string character = utf8(decode<std::uint32_t>(element.data() + at, is_reversed(header)));
      if (character.empty()) {
        stream.refuse("sample " + std::to_string(sample) + " has text that is no Unicode; save the array anew");
      }
      text += character;
    }
  }
  text.erase(text.find_last_not_of('\0') + 1);
  return text;
}

void check_keep(const NpyHeader& header, const std::vector<bool>& keep) {
  LACONIC_CHECK(!header.shape.empty() && header.shape[0] == keep.size(),
                keep.size() << " marks for " << shape_text(header.shape));
}

}  // namespace

std::size_t NpyHeader::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text;
  for (const std::size_t size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text.empty() ? "a single number" : text;
}

NpyHeader read_npy_header(InputStream& stream, bool may_be_text) {
  const auto read = [&](std::uint8_t* out, std::size_t size) {
    if (stream.read(out, size) != size) stream.fail(stream.position(), "the file ends within its header");
  };
  std::array<std::uint8_t, kMagic.size()> magic;
  if (stream.read(magic.data(), magic.size()) != magic.size() || magic != kMagic) {
    stream.refuse("this is no array as numpy.save writes it; check the name of the file");
  }
  std::uint8_t version[2];
  read(version, sizeof version);
  if (version[0] < 1 || version[0] > 3 || version[1] != 0) {
    stream.refuse("the file has version " + std::to_string(version[0]) + "." + std::to_string(version[1]) +
                  " of the format, and 1.0, 2.0 and 3.0 are known; save the array anew with numpy.save");
  }
  std::uint8_t length[4] = {};
  read(length, version[0] == 1 ? 2 : 4);
  const std::size_t size = decode<std::uint32_t>(length, std::endian::native == std::endian::big);
  if (size > kLargestHeader) {
    stream.refuse("the header has " + std::to_string(size) +
                  " bytes, more than one of an array of numbers; save such an array");
  }
  const std::size_t start = stream.position();
  std::string text(size, '\0');
  read(reinterpret_cast<std::uint8_t*>(text.data()), size);
  return HeaderParser(stream, text, start, may_be_text).parse();
}

std::vector<std::uint8_t> read_npy_bytes(InputStream& stream, const NpyHeader& header, const std::vector<bool>& keep) {
  LACONIC_CHECK(header.is_bytes(), "elements " << header.type);
  check_keep(header, keep);
  std::vector<std::uint8_t> bytes;
  for_each_sample(stream, header, keep, [&](std::size_t, const std::vector<std::uint8_t>& sample) {
    bytes.insert(bytes.end(), sample.begin(), sample.end());
  });
  bytes.shrink_to_fit();
  return bytes;
}

std::vector<float> read_npy_floats(InputStream& stream, const NpyHeader& header, const std::vector<bool>& keep) {
  check_keep(header, keep);
  const bool reversed = is_reversed(header);
  std::vector<float> values;
  with_type_of(header, [&]<typename Number>(Number) {
    for_each_sample(stream, header, keep, [&](std::size_t sample, const std::vector<std::uint8_t>& bytes) {
      for (std::size_t at = 0; at < bytes.size(); at += sizeof(Number)) {
        values.push_back(to_float(stream, decode<Number>(bytes.data() + at, reversed), sample));
      }
    });
  });
  values.shrink_to_fit();
  return values;
}

std::vector<std::uint16_t> read_npy_labels(InputStream& stream, const NpyHeader& header) {
  if (header.kind == NpyKind::kFloat) {
    stream.refuse("the labels have the type '" + header.type +
                  "', but class numbers are integers; save y.astype('uint16')");
  }
  AnnouncedBytes elements(stream, bytes_of(header));
  std::vector<std::uint8_t> bytes;
  elements.append(bytes_of(header), bytes);
  elements.expect_end();
  const bool reversed = is_reversed(header);
  constexpr std::uint16_t kLargest = std::numeric_limits<std::uint16_t>::max();
  std::vector<std::uint16_t> labels;
  labels.reserve(bytes.size() / header.element_size);
  with_type_of(header, [&]<typename Number>(Number) {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(Number)) {
      const Number label = decode<Number>(bytes.data() + at, reversed);
      if constexpr (std::is_integral_v<Number>) {
        if (std::cmp_less(label, 0) || std::cmp_greater(label, kLargest)) {
          stream.refuse("label " + std::to_string(label) + " of sample " + std::to_string(labels.size()) +
                        " is not in 0 to " + std::to_string(kLargest) + "; number the classes from 0");
        }
        labels.push_back(static_cast<std::uint16_t>(label));
      } else {
        labels.push_back(static_cast<float>(label) != 0.0F ? 1 : 0);  // a boolean
      }
    }
  });
  return labels;
}

std::vector<std::string> read_npy_names(InputStream& stream, const NpyHeader& header) {
  if (header.kind == NpyKind::kFloat) {
    stream.refuse("the users have the type '" + header.type +
                  "', but users are text or whole numbers; save users.astype('int64')");
  }
  const bool is_text = header.kind == NpyKind::kCharacters || header.kind == NpyKind::kText;
  AnnouncedBytes elements(stream, bytes_of(header));
  const std::size_t count = header.elements();
  std::vector<std::uint8_t> bytes;
  std::vector<std::string> names;
  for (std::size_t sample = 0; sample < count; ++sample) {
    bytes.clear();
    elements.append(header.element_size, bytes);
    if (is_text) {
      names.push_back(text_of(stream, header, bytes, sample));
      continue;
    }
    with_type_of(header, [&]<typename Number>(Number) {
      const Number number = decode<Number>(bytes.data(), is_reversed(header));
      if constexpr (std::is_integral_v<Number>) {
        names.push_back(std::to_string(number));
      } else {
        names.emplace_back(static_cast<float>(number) != 0.0F ? "True" : "False");  // a boolean
      }
    });
  }
  elements.expect_end();
  return names;
}

}  // namespace laconic
