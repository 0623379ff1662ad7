#include "runtimes/process/meeting.h"

#include <algorithm>
#include <map>

#include "base/byte_stream.h"
#include "base/error.h"
#include "runtimes/node/waiting.h"
#include "runtimes/process/messages.h"

namespace laconic::process {
namespace {

constexpr std::size_t kLongestWord = std::size_t{1} << 20;
// Process 0, which knows who is missing, gives up before those who wait for it.
constexpr double kLeadersShare = 0.8;
// How often it is asked whether the program was interrupted, where the link would sleep for longer.
constexpr Seconds kLook{0.05};

// "worker 1, worker 2"
std::string names_of(const std::vector<int>& processes) {
  std::string text;
  for (const int process : processes) text += (text.empty() ? "worker " : ", worker ") + std::to_string(process);
  return text;
}

}  // namespace

bool Meeting::is_word(const Frame& frame) {
  const FrameHeader header = frame.header();
  return (header.tag == Tag::kReport || header.tag == Tag::kVerdict) && header.round == kMeetings;
}

node::LinkHandlers Meeting::handlers() {
  return {.frame =
              [this](Rank from, Rank to, Frame frame) {
                (is_word(frame) ? arrived_ : early_).push_back({.from = from, .to = to, .frame = std::move(frame)});
              },
          .refused =
              [](Rank from, Rank, const std::string& problem) {
                throw RunError("worker " + std::to_string(from.value) + " sent what is no frame (" + problem +
                               "): all processes need the same program");
              },
          .end =
              [this](int process, const std::string& text) {
                is_over_ = true;
                const EndNotice notice = EndNotice::decode(text);
                const std::string told = "worker " + std::to_string(process) + ": " + notice.text;
                if (notice.kind == EndNotice::Kind::kAsked) {
                  // Who is in the run already listens for all others then.
                  link_.broadcast_end(EndNotice{.kind = EndNotice::Kind::kAsked, .text = "asked to end"}.encode());
                  throw Interrupted(told);
                }
                if (notice.kind == EndNotice::Kind::kLost) throw PeerLost(told);
                throw RunError(told);
              },
          .failed =
              [this](int process, const std::string& problem) {
                is_over_ = true;
                throw PeerLost("worker " + std::to_string(process) + " is lost before the run: " + problem);
              }};
}

void Meeting::wait(const std::function<bool()>& done, Seconds patience, const std::function<std::string()>& whom) {
  const node::LinkHandlers report = handlers();
  const Seconds end = clock_.now() + patience;
  while (!done()) {
    const bool moved = link_.progress(report);
    if (options_.interrupted && options_.interrupted()) {
      is_over_ = true;
      link_.broadcast_end(EndNotice{.kind = EndNotice::Kind::kAsked, .text = "interrupted before the run"}.encode());
      throw Interrupted("interrupted before the run");
    }
    if (clock_.now() > end) {
      is_over_ = true;
      const std::string text = "worker " + std::to_string(link_.self()) + " heard nothing from " + whom() + " within " +
                               to_text(patience) +
                               " before the run; see whether that process still runs, or raise network.deadline";
      link_.broadcast_end(EndNotice{.kind = EndNotice::Kind::kLost, .text = text}.encode());
      throw PeerLost(text);
    }
    node::wait_for_link(link_, clock_, moved, std::min(end, clock_.now() + kLook));
  }
}

std::vector<Meeting::Word> Meeting::meet(const Word& own) {
  LACONIC_CHECK(!has_objection_ && !is_over_, "a meeting after the last one");
  const auto write = [](ByteWriter& out, const Word& word) {
    out.u8(static_cast<std::uint8_t>((word.objects ? 1U : 0U) | (word.is_usage ? 2U : 0U)));
    out.text(word.text);
  };
  const auto read = [](ByteReader& in) {
    const std::uint8_t flags = in.u8();
    if (flags > 3) in.fail("flags " + std::to_string(flags));
    Word word{.objects = (flags & 1U) != 0, .is_usage = (flags & 2U) != 0, .text = {}};
    word.text = in.text(kLongestWord);
    return word;
  };
  const int size = link_.size();
  const Rank self{link_.self()};
  std::vector<Word> words(static_cast<std::size_t>(size));
  words[static_cast<std::size_t>(self.value)] = own;
  if (size == 1) return words;
  const auto frame_of = [](Tag tag, const ByteWriter& out) {
    return Frame(FrameHeader{Traffic::kControl, tag, kMeetings}, out.bytes());
  };
  if (self.value != 0) {
    ByteWriter out;
    write(out, own);
    link_.send(self, {0}, frame_of(Tag::kReport, out));
    wait([&] { return !arrived_.empty(); }, options_.deadline, [] { return std::string("worker 0"); });
    const Frame frame = arrived_.front().frame;
    arrived_.pop_front();
    ByteReader in(frame.payload(), "words of all workers");
    for (Word& word : words) word = read(in);
    in.expect_end();
    return words;
  }
  std::map<Rank, Frame> reports;
  const auto missing = [&] {
    std::vector<int> processes;
    for (int process = 1; process < size; ++process) {
      if (!reports.contains({process})) processes.push_back(process);
    }
    return names_of(processes);
  };
  wait(
      [&] {
        // One that is ahead by a meeting has to wait for its turn.
        for (auto place = arrived_.begin(); place != arrived_.end();) {
          const bool taken = reports.emplace(place->from, place->frame).second;
          place = taken ? arrived_.erase(place) : place + 1;
        }
        return static_cast<int>(reports.size()) == size - 1;
      },
      {kLeadersShare * options_.deadline.value}, missing);
  for (const auto& [rank, frame] : reports) {
    ByteReader in(frame.payload(), "word of worker " + std::to_string(rank.value));
    words.at(static_cast<std::size_t>(rank.value)) = read(in);
    in.expect_end();
  }
  ByteWriter out;
  for (const Word& word : words) write(out, word);
  const Frame verdict = frame_of(Tag::kVerdict, out);
  for (Rank rank{1}; rank.value < size; ++rank.value) link_.send(self, rank, verdict);
  const auto unanswered = [&] {
    std::vector<int> processes;
    for (int process = 1; process < size; ++process) {
      if (!link_.has_left(process)) processes.push_back(process);
    }
    return names_of(processes);
  };
  wait([&] { return link_.idle(); }, {kLeadersShare * options_.deadline.value}, unanswered);
  return words;
}

std::vector<Meeting::Word> Meeting::exchange(const Word& own) {
  std::vector<Word> words = meet(own);
  if (std::any_of(words.begin(), words.end(), [](const Word& word) { return word.objects; })) fail(words);
  return words;
}

std::vector<std::string> Meeting::share(std::string_view own) {
  LACONIC_CHECK(own.size() <= kLongestWord, "a word of " << own.size() << " bytes");
  std::vector<std::string> texts;
  for (Word& word : exchange({.objects = false, .is_usage = false, .text = std::string(own)})) {
    texts.push_back(std::move(word.text));
  }
  return texts;
}

std::vector<std::byte> Meeting::hear_leader(std::span<const std::byte> own) {
  const bool leads = link_.self() == 0;
  ByteWriter length;
  length.varint(own.size());
  const auto share_bytes = [&](std::span<const std::byte> part) {
    return share(leads ? std::string_view(reinterpret_cast<const char*>(part.data()), part.size()) : "").front();
  };
  const std::string told = share_bytes(length.bytes());
  ByteReader in(std::as_bytes(std::span(told)), "length of what worker 0 says");
  const std::uint64_t size = in.varint();
  in.expect_end();
  std::vector<std::byte> heard;
  while (heard.size() < size) {
    const std::size_t part = std::min<std::size_t>(kLongestWord, static_cast<std::size_t>(size) - heard.size());
    const std::string word = share_bytes(leads ? own.subspan(heard.size(), part) : own.first(0));
    if (word.size() != part)
      throw RunError("worker 0 said " + std::to_string(word.size()) + " bytes of " + std::to_string(part));
    const auto bytes = std::as_bytes(std::span(word));
    heard.insert(heard.end(), bytes.begin(), bytes.end());
  }
  return heard;
}

void Meeting::object(const std::exception_ptr& error) {
  Word word{.objects = true, .is_usage = false, .text = {}};
  try {
    std::rethrow_exception(error);
  } catch (const UsageError& known) {
    word.is_usage = true;
    word.text = known.what();
  } catch (const std::exception& known) {
    word.text = known.what();
  }
  word.text.resize(std::min<std::size_t>(word.text.size(), 4096));
  fail(meet(word));
}

// One line for what all say alike, and the worker's name before what only some do.
void Meeting::fail(const std::vector<Word>& words) {
  has_objection_ = true;
  std::map<std::string, std::vector<std::size_t>> who;
  bool all_usage = true;
  for (std::size_t rank = 0; rank < words.size(); ++rank) {
    if (!words[rank].objects) continue;
    who[words[rank].text].push_back(rank);
    all_usage = all_usage && words[rank].is_usage;
  }
  std::string text;
  for (const auto& [problem, ranks] : who) {
    if (!text.empty()) text += "; ";
    if (ranks.size() < words.size()) {
      text += ranks.size() == 1 ? "worker " : "workers ";
      for (std::size_t i = 0; i < ranks.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(ranks[i]);
      text += ": ";
    }
    text += problem;
  }
  if (all_usage) throw UsageError(text);
  throw RunError(text);
}

}  // namespace laconic::process
