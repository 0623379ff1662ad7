#include "training/formats/leaf_json.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "training/formats/input_file.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

// What a list or an object of the file is.
enum class Place { kFile, kUsers, kCounts, kUserData, kUser, kSamples, kSample, kLabels, kPassedOver };

// Takes the file's values as they come; all of it is never in memory.
class LeafReader : public nlohmann::json_sax<Json> {
 public:
  LeafReader(const std::string& path, const std::vector<bool>& keep, std::size_t first)
      : path_(path), keep_(keep), first_(first) {}

  LeafFile finish() {
    if (file_.users.empty()) fail("has no sample; check that it is one of LEAF's files, with \"user_data\"");
    check_lists();
    return std::move(file_);
  }

  bool null() override { return plain("null"); }
  bool boolean(bool) override { return plain("true or false"); }
  bool number_integer(number_integer_t value) override {
    if (place() == Place::kLabels || place() == Place::kCounts) refuse("the negative number " + std::to_string(value));
    return number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (place() == Place::kCounts) {
      counts_.push_back(value);
      return true;
    }
    if (place() == Place::kLabels) {
      add_label(std::to_string(value));
      return true;
    }
    return number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (place() == Place::kLabels) refuse("the number " + text + ", which is not a whole number");
    return number(value);
  }
  bool string(string_t& text) override {
    switch (place()) {
      case Place::kUsers:
        listed_.push_back(text);
        return true;
      case Place::kLabels:
        add_label(text);
        return true;
      case Place::kSamples:
      case Place::kSample:
        fail(where() +
             " is text or a file name, as in LEAF's Shakespeare, Sent140, Reddit and CelebA; only samples of numbers "
             "are read here: turn it into numbers");
      default:
        return plain("text");
    }
  }
  bool binary(binary_t&) override { return plain("bytes"); }

  bool key(string_t& name) override {
    key_ = name;
    return true;
  }
  bool start_object(std::size_t) override {
    switch (place()) {
      case Place::kFile:
        return enter(stack_.empty()        ? Place::kFile
                     : key_ == "user_data" ? Place::kUserData
                                           : Place::kPassedOver,
                     stack_.empty() || key_ != "users");
      case Place::kUserData:
        start_user();
        return enter(Place::kUser);
      case Place::kUser:
        return enter(Place::kPassedOver, key_ != "x" && key_ != "y");
      case Place::kPassedOver:
        return enter(Place::kPassedOver);
      default:
        return plain("an object");
    }
  }
  bool start_array(std::size_t) override {
    switch (place()) {
      case Place::kFile:
        return enter(key_ == "users"         ? Place::kUsers
                     : key_ == "num_samples" ? Place::kCounts
                                             : Place::kPassedOver,
                     !stack_.empty() && key_ != "user_data");
      case Place::kUser:
        return enter(key_ == "x" ? Place::kSamples : key_ == "y" ? Place::kLabels : Place::kPassedOver);
      case Place::kSamples:
        start_sample();
        return enter(Place::kSample);
      case Place::kSample:
        return enter(Place::kSample);
      case Place::kPassedOver:
        return enter(Place::kPassedOver);
      default:
        return plain("a list");
    }
  }
  bool end_object() override {
    if (place() == Place::kUser) end_user();
    stack_.pop_back();
    return true;
  }
  bool end_array() override {
    stack_.pop_back();
    if (place() == Place::kSamples) end_sample();
    return true;
  }
  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception&) override {
    fail("byte " + std::to_string(position) + ": is no JSON" + (token.empty() ? "" : " at " + shown(token)) +
         "; download or copy the file again (JSON has no numbers such as NaN)");
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const { throw UsageError(path_ + ": " + problem); }

  Place place() const { return stack_.empty() ? Place::kFile : stack_.back(); }
  // The place that is read, for errors.
  std::string where() const {
    switch (place()) {
      case Place::kUserData:
      case Place::kUser:
        return user_.empty() && place() == Place::kUserData ? "\"user_data\"" : "user " + shown(user_);
      case Place::kSamples:
        return "user " + shown(user_) + ": sample " + std::to_string(samples_);
      case Place::kSample:
        return "user " + shown(user_) + ": sample " + std::to_string(samples_ - 1);
      case Place::kLabels:
        return "user " + shown(user_) + ": the label of sample " + std::to_string(labels_);
      case Place::kUsers:
        return "\"users\"";
      case Place::kCounts:
        return "\"num_samples\"";
      default:
        return "the file";
    }
  }
  [[noreturn]] void refuse(const std::string& what) const {
    fail(where() + " has " + what + " there, which is not as LEAF writes it; correct the file");
  }
  // A value that no place but those passed over may have.
  bool plain(const std::string& what) {
    if (place() == Place::kPassedOver) return true;
    const bool is_known = place() == Place::kFile
                              ? stack_.empty() || key_ == "users" || key_ == "num_samples" || key_ == "user_data"
                              : place() != Place::kUser || key_ == "x" || key_ == "y";
    if (is_known) refuse(what);
    return true;
  }
  bool enter(Place next, bool is_right = true) {
    if (!is_right) refuse("another kind of value");
    stack_.push_back(next);
    return true;
  }

  void start_user() {
    user_ = key_;
    const auto [at, is_new] = numbers_.try_emplace(user_, static_cast<std::uint32_t>(file_.user_names.size()));
    if (!is_new) fail("user " + shown(user_) + " appears twice; merge the two");
    file_.user_names.push_back(user_);
    samples_ = 0;
    labels_ = 0;
  }
  void end_user() {
    if (samples_ != labels_) {
      fail("user " + shown(user_) + " has " + std::to_string(samples_) + " samples (\"x\") and " +
           std::to_string(labels_) + " labels (\"y\"); each sample needs both");
    }
    file_.users.insert(file_.users.end(), samples_, numbers_.at(user_));
    counted_[user_] = samples_;
  }

  void start_sample() {
    const std::size_t sample = first_ + file_.users.size() + samples_;
    if (sample >= std::numeric_limits<std::uint32_t>::max()) fail("has more samples than can be numbered");
    if (!keep_.empty() && sample >= keep_.size()) fail("it changed while it was read; run again");
    is_kept_ = !keep_.empty() && keep_[sample];
    features_ = 0;
    ++samples_;
  }
  bool number(double value) {
    if (place() == Place::kSamples) refuse("a number where a list of numbers should be");
    if (place() != Place::kSample) return plain("a number");
    if (!std::isfinite(value) || std::abs(value) > std::numeric_limits<float>::max()) {
      fail(where() + " has a number outside the range of float; scale it");
    }
    ++features_;
    if (is_kept_) file_.values.push_back(static_cast<float>(value));
    return true;
  }
  void end_sample() {
    if (features_ == 0)
      fail("user " + shown(user_) + ": sample " + std::to_string(samples_ - 1) + " is empty; remove it");
    if (file_.features == 0) file_.features = features_;
    if (features_ != file_.features) {
      fail("user " + shown(user_) + ": sample " + std::to_string(samples_ - 1) + " has " + std::to_string(features_) +
           " numbers, and the first one " + std::to_string(file_.features) + "; all need the same");
    }
  }

  void add_label(const std::string& name) {
    const auto [at, is_new] = label_numbers_.try_emplace(name, static_cast<std::uint32_t>(label_numbers_.size()));
    if (is_new) {
      if (label_numbers_.size() > kMostLeafLabels) {
        fail(where() + ": more than " + std::to_string(kMostLeafLabels) + " different labels, too many for classes");
      }
      if (name.empty()) refuse("no name");
      file_.label_names.push_back(name);
    }
    file_.labels.push_back(at->second);
    ++labels_;
  }

  // What the lists in front say, of files that have them.
  void check_lists() const {
    const std::string remedy = "; the file is not whole: get it anew";
    if (!listed_.empty() && listed_.size() != file_.user_names.size()) {
      fail("lists " + std::to_string(listed_.size()) + " users, and has data of " +
           std::to_string(file_.user_names.size()) + remedy);
    }
    if (!counts_.empty() && counts_.size() != listed_.size()) {
      fail("has " + std::to_string(counts_.size()) + " counts (\"num_samples\") for " + std::to_string(listed_.size()) +
           " users" + remedy);
    }
    for (std::size_t i = 0; i < listed_.size(); ++i) {
      const auto found = counted_.find(listed_[i]);
      if (found == counted_.end()) fail("lists user " + shown(listed_[i]) + ", and has no data of it" + remedy);
      if (!counts_.empty() && counts_[i] != found->second) {
        fail("user " + shown(listed_[i]) + " has " + std::to_string(found->second) + " samples, and the file says " +
             std::to_string(counts_[i]) + remedy);
      }
    }
  }

  const std::string& path_;
  const std::vector<bool>& keep_;
  std::size_t first_;
  LeafFile file_;
  std::vector<Place> stack_;
  std::string key_;
  std::string user_;
  std::size_t samples_ = 0;   // of the user
  std::size_t labels_ = 0;    // likewise
  std::size_t features_ = 0;  // of the sample
  bool is_kept_ = false;
  std::vector<std::string> listed_;
  std::vector<std::uint64_t> counts_;
  std::map<std::string, std::uint32_t> numbers_;
  std::map<std::string, std::uint32_t> label_numbers_;
  std::map<std::string, std::size_t> counted_;
};

}  // namespace

LeafFile read_leaf_json(const std::string& path, const std::vector<bool>& keep, std::size_t first) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UsageError(path + ": cannot be opened; check data.dir");
  LeafReader reader(path, keep, first);
  Json::sax_parse(file, &reader);
  return reader.finish();
}

}  // namespace laconic
