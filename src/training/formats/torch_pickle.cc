#include "training/formats/torch_pickle.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "base/error.h"

namespace laconic {

using Kind = PickledValue::Kind;

// The stack machine of pickle: https://github.com/python/cpython/blob/main/Lib/pickletools.py.
class PickleReader {
 public:
  PickleReader(std::string_view bytes, const std::string& source, Pickle& pickle)
      : bytes_(bytes), source_(source), pickle_(pickle) {}

  const PickledValue* read() {
    for (;;) {
      const std::size_t place = at_;
      const auto code = static_cast<unsigned char>(byte());
      if (code == '.') return top();
      if (!step(code)) fail("has the instruction " + std::to_string(code) + " at byte " + std::to_string(place));
    }
  }

 private:
  static constexpr const PickledValue* kMark = nullptr;

  bool step(unsigned char code) { return constant(code) || remembered(code) || collected(code) || made(code); }

  // What stands in the pickle itself.
  bool constant(unsigned char code) {
    switch (code) {
      case 0x80:  // PROTO
        byte();
        return true;
      case 0x95:  // FRAME
        number(8);
        return true;
      case 'N':
        push(Kind::kNone);
        return true;
      case 0x88:  // NEWTRUE
      case 0x89:  // NEWFALSE
        push(Kind::kNumber).number = code == 0x88 ? 1 : 0;
        return true;
      case 'J':
        push(Kind::kNumber).number = static_cast<std::int32_t>(number(4));
        return true;
      case 'K':
        push(Kind::kNumber).number = static_cast<std::int64_t>(number(1));
        return true;
      case 'M':
        push(Kind::kNumber).number = static_cast<std::int64_t>(number(2));
        return true;
      case 0x8a:  // LONG1
        push(Kind::kNumber).number = long_number();
        return true;
      case 'G':  // BINFLOAT: of no use here
        number(8);
        push(Kind::kObject).text = "float";
        return true;
      case 'X':
        push(Kind::kText).text = text(number(4));
        return true;
      case 0x8c:  // SHORT_BINUNICODE
        push(Kind::kText).text = text(number(1));
        return true;
      case 'c': {
        std::string name = line();
        name += "." + line();
        push(Kind::kGlobal).text = std::move(name);
        return true;
      }
      default:
        return false;
    }
  }

  bool remembered(unsigned char code) {
    switch (code) {
      case 'q':
        memo_[number(1)] = top();
        return true;
      case 'r':
        memo_[number(4)] = top();
        return true;
      case 0x94: {  // MEMOIZE
        const std::size_t next = memo_.size();
        memo_[next] = top();
        return true;
      }
      case 'h':
        stack_.push_back(recall(number(1)));
        return true;
      case 'j':
        stack_.push_back(recall(number(4)));
        return true;
      case '0':
        pop();
        return true;
      default:
        return false;
    }
  }

  bool collected(unsigned char code) {
    switch (code) {
      case '(':
        stack_.push_back(kMark);
        return true;
      case ')':
      case ']':
        push(Kind::kSequence);
        return true;
      case '}':
        push(Kind::kDictionary);
        return true;
      case 't':
        sequence(since_mark());
        return true;
      case 0x85:  // TUPLE1
      case 0x86:
      case 0x87:
        sequence(last(code - 0x84U));
        return true;
      case 'a':
        add(last(1), Kind::kSequence);
        return true;
      case 'e':
        add(since_mark(), Kind::kSequence);
        return true;
      case 's':
        add(last(2), Kind::kDictionary);
        return true;
      case 'u':
        add(since_mark(), Kind::kDictionary);
        return true;
      default:
        return false;
    }
  }

  bool made(unsigned char code) {
    switch (code) {
      case 0x93: {  // STACK_GLOBAL
        const PickledValue* name = pop();
        const PickledValue* module = pop();
        push(Kind::kGlobal).text = module->text + "." + name->text;
        return true;
      }
      case 'Q':
        storage(*pop());
        return true;
      case 'R':
      case 0x81: {  // NEWOBJ
        const PickledValue* arguments = pop();
        const PickledValue* what = pop();
        make(*what, *arguments);
        return true;
      }
      case 'b':  // BUILD: attributes, such as the versions of a state dict
        pop();
        top();
        return true;
      default:
        return false;
    }
  }

  void storage(const PickledValue& id) {
    const bool fits = id.items.size() >= 5 && id.items[0]->text == "storage" && id.items[2]->kind == Kind::kText &&
                      id.items[4]->kind == Kind::kNumber;
    if (!fits) fail("refers to data in another way than torch.save does");
    PickledValue& value = push(Kind::kStorage);
    value.text = id.items[2]->text;
    value.type = id.items[1]->text.substr(id.items[1]->text.rfind('.') + 1);
    value.number = id.items[4]->number;
  }

  void make(const PickledValue& what, const PickledValue& arguments) {
    const std::vector<const PickledValue*>& of = arguments.items;
    if (what.text == "collections.OrderedDict") {
      push(Kind::kDictionary);
    } else if (what.text == "torch._utils._rebuild_tensor_v2" && of.size() >= 4 && of[0]->kind == Kind::kStorage &&
               of[1]->kind == Kind::kNumber) {
      PickledValue& tensor = push(Kind::kTensor);
      tensor.number = of[1]->number;
      tensor.items = {of[0], of[2], of[3]};
    } else if (what.text == "torch._utils._rebuild_parameter" && !of.empty()) {
      stack_.push_back(of[0]);
    } else {
      push(Kind::kObject).text = what.text;
    }
  }

  PickledValue& push(Kind kind) {
    pickle_.values_.push_back(std::make_unique<PickledValue>());
    pickle_.values_.back()->kind = kind;
    stack_.push_back(pickle_.values_.back().get());
    return *pickle_.values_.back();
  }
  const PickledValue* top() {
    if (stack_.empty() || stack_.back() == kMark) fail("takes a value that is not there");
    return stack_.back();
  }
  const PickledValue* pop() {
    const PickledValue* value = top();
    stack_.pop_back();
    return value;
  }
  std::vector<const PickledValue*> last(std::size_t count) {
    std::vector<const PickledValue*> values(count);
    for (std::size_t i = count; i-- > 0;) values[i] = pop();
    return values;
  }
  std::vector<const PickledValue*> since_mark() {
    const auto mark = std::find(stack_.rbegin(), stack_.rend(), kMark);
    if (mark == stack_.rend()) fail("takes values that are not there");
    std::vector<const PickledValue*> values(mark.base(), stack_.end());
    stack_.erase(mark.base() - 1, stack_.end());
    return values;
  }
  void sequence(std::vector<const PickledValue*> items) { push(Kind::kSequence).items = std::move(items); }
  void add(const std::vector<const PickledValue*>& items, Kind kind) {
    const PickledValue* container = top();
    if (container->kind == Kind::kObject) return;  // of whose content nothing is known
    if (container->kind != kind || (kind == Kind::kDictionary && items.size() % 2 != 0)) {
      fail("puts values into something else than a container");
    }
    // What is on the stack was made by push().
    auto& into = const_cast<PickledValue*>(container)->items;
    into.insert(into.end(), items.begin(), items.end());
  }
  const PickledValue* recall(std::uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) fail("takes a value that is not there");
    return found->second;
  }

  char byte() {
    if (at_ == bytes_.size()) fail("breaks off");
    return bytes_[at_++];
  }
  std::uint64_t number(int size) {
    std::uint64_t value = 0;
    for (int i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(byte())} << (8 * i);
    return value;
  }
  std::int64_t long_number() {
    const std::uint64_t size = number(1);
    if (size > 8) fail("has a number of more than 64 bits");
    if (size == 0) return 0;
    const std::uint64_t value = number(static_cast<int>(size));
    const unsigned unused = 64 - 8 * static_cast<unsigned>(size);
    return static_cast<std::int64_t>(value << unused) >> unused;
  }
  std::string text(std::uint64_t size) {
    if (size > bytes_.size() - at_) fail("breaks off");
    at_ += size;
    return std::string(bytes_.substr(at_ - size, size));
  }
  std::string line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("breaks off");
    std::string result = text(end - at_);
    ++at_;
    return result;
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw UsageError(source_ + ": its data.pkl " + problem +
                     "; write it anew: torch.save(model.state_dict(), \"model.pt\")");
  }

  std::string_view bytes_;
  const std::string& source_;
  Pickle& pickle_;
  std::size_t at_ = 0;
  std::vector<const PickledValue*> stack_;
  std::map<std::uint64_t, const PickledValue*> memo_;
};

Pickle::Pickle(std::string_view bytes, const std::string& source) { root_ = PickleReader(bytes, source, *this).read(); }

}  // namespace laconic
