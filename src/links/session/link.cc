#include "links/session/link.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "links/session/peer.h"

namespace laconic::session {
namespace {

constexpr Seconds kNever{std::numeric_limits<double>::infinity()};
// Streams that were accepted and have not said hello, beside two a process of the job.
constexpr std::size_t kMoreStrangers = 16;

std::string process_name(int process) { return "process " + std::to_string(process); }

}  // namespace

Timing::Timing(Seconds deadline)
    : beat{deadline.value / 40.0},
      silence{deadline.value / 10.0},
      handshake{deadline.value / 10.0},
      first_pause{std::min(deadline.value / 1000.0, 0.1)},
      longest_pause{std::min(deadline.value / 40.0, 5.0)} {}

struct SessionLink::State {
  State(node::Streams& to_others, Clock& of_process, SessionOptions session_options)
      : streams(to_others), clock(of_process), options(std::move(session_options)), timing(options.deadline) {
    for (int process = 0; process < options.size; ++process) {
      peers.emplace_back(process, options.max_payload);
      channel_handlers.push_back(handlers_of(process));
      peers.back().is_gone = !talks_with(process);
    }
  }

  Peer& peer(int process) { return peers[static_cast<std::size_t>(process)]; }
  Rank node_of(int process) const { return node::node_of(process, options.placement); }
  bool talks_with(int process) const { return !options.star || options.self == 0 || process == 0; }
  bool dials(const Peer& peer) const { return peer.process() < options.self; }

  ChannelHandlers handlers_of(int process);
  void accept(Seconds now);
  bool hear_strangers(Seconds now);
  void greet(RecordStream stream, const Hello& hello, Seconds now);
  void refuse(RecordStream stream, Refusal::Code code, const std::string& text);
  bool admit(Peer& peer, const std::string& identity, std::uint64_t claimed, Refusal& refusal);
  bool tend(Peer& peer, ChannelName name, Seconds now);
  void dial(Peer& peer, ChannelName name, Seconds now);
  void hear_answer(Peer& peer, ChannelName name, Seconds now);
  void attach(Peer& peer, ChannelName name, RecordStream stream, const Hello& hello, Seconds now);
  Hello hello_to(Peer& peer, ChannelName name, std::uint64_t attempt);
  bool move(Peer& peer, ChannelName name, Seconds now);
  void begin_again(Peer& peer, std::uint64_t incarnation);
  void lose(Peer& peer, const std::string& problem);
  void object(int process, const std::string& problem) {
    if (options.objected) options.objected(process, problem);
  }
  Seconds next_event();

  node::Streams& streams;
  Clock& clock;
  SessionOptions options;
  Timing timing;
  std::deque<Peer> peers;  // by process; that of this one is not used
  std::vector<ChannelHandlers> channel_handlers;
  std::vector<RecordStream> strangers;
  const node::LinkHandlers* handlers = nullptr;  // within progress()
  std::vector<std::pair<int, std::string>> failures;
  std::uint64_t breaks = 0;
};

ChannelHandlers SessionLink::State::handlers_of(int process) {
  return {.frame =
              [this, process](std::size_t lane, Frame frame) {
                const node::Ends ends = node::ends_of(lane, process, options.self, options.placement);
                if (ends.exist) {
                  handlers->frame(ends.from, ends.to, std::move(frame));
                } else {
                  handlers->refused(node_of(process), node_of(options.self),
                                    "frame: of a node that does not live there");
                }
              },
          .refused =
              [this, process](std::size_t lane, const std::string& problem) {
                const node::Ends ends = node::ends_of(lane, process, options.self, options.placement);
                handlers->refused(ends.exist ? ends.from : node_of(process),
                                  ends.exist ? ends.to : node_of(options.self), problem);
              },
          .end = [this, process](const std::string& text) { handlers->end(process, text); },
          .bye =
              [this, process] {
                Peer& other = peer(process);
                other.leave();
              }};
}

// Strangers are bounded in number, and each in time: who says no hello is sent away.
void SessionLink::State::accept(Seconds now) {
  const std::size_t most = kChannels * peers.size() + kMoreStrangers;
  while (std::unique_ptr<node::ByteStream> stream = streams.accept()) {
    if (strangers.size() < most) strangers.emplace_back(std::move(stream), now);
  }
}

bool SessionLink::State::hear_strangers(Seconds now) {
  bool moved = false;
  for (std::size_t at = 0; at < strangers.size();) {
    RecordStream& stranger = strangers[at];
    std::optional<Hello> hello;
    bool is_done = stranger.stream().is_over();
    try {
      std::optional<Record> record = stranger.next();
      while (!record && stranger.fill(now)) record = stranger.next();
      if (record && record->kind != RecordKind::kHello) throw DecodeError("record: something else than a hello");
      if (record) hello = Hello::decode(record->body);
    } catch (const DecodeError&) {
      // Of whom it is nobody knows yet.
      is_done = true;
    }
    is_done = is_done || now - stranger.heard() >= timing.handshake;
    if (!hello && !is_done) {
      ++at;
      continue;
    }
    RecordStream stream = std::move(stranger);
    strangers.erase(strangers.begin() + static_cast<std::ptrdiff_t>(at));
    if (hello) greet(std::move(stream), *hello, now);
    moved = true;
  }
  return moved;
}

void SessionLink::State::refuse(RecordStream stream, Refusal::Code code, const std::string& text) {
  stream.write(RecordKind::kRefuse, Refusal{.code = code, .text = text}.encode());
  stream.flush();
}

void SessionLink::State::greet(RecordStream stream, const Hello& hello, Seconds now) {
  const std::string self = process_name(options.self);
  if (hello.job != options.job) {
    return refuse(std::move(stream), Refusal::Code::kOtherJob,
                  self + " runs another job; start both with the same job file and the same version of laconic");
  }
  const bool may_dial = hello.from > options.self && hello.from < options.size && talks_with(hello.from);
  if (hello.to != options.self || !may_dial) {
    return refuse(std::move(stream), Refusal::Code::kNobody,
                  process_name(hello.from) + " has nothing to say to " + self + " of " + std::to_string(options.size));
  }
  Peer& other = peer(hello.from);
  if (hello.incarnation == 0 || hello.incarnation != other.incarnation) {
    // Sessions begin on the control channel; a stream for data that comes first is dialled again.
    if (hello.channel != ChannelName::kControl) return;
    Refusal refusal;
    if (!admit(other, stream.stream().identity(), hello.incarnation, refusal)) {
      return refuse(std::move(stream), refusal.code, refusal.text);
    }
  }
  if (hello.attempt <= other.attempt(hello.channel)) return;  // came late, or again
  other.attempt(hello.channel) = hello.attempt;
  const Hello answer = hello_to(other, hello.channel, hello.attempt);
  stream.write(RecordKind::kHello, answer.encode());
  if (hello.known != 0 && hello.known != options.incarnation) {
    // It goes on with one that was here before. Once it has heard of it, it dials anew.
    stream.flush();
    return;
  }
  attach(other, hello.channel, std::move(stream), hello, now);
}

// Whether a process may begin a session, as the incarnation that it then has.
bool SessionLink::State::admit(Peer& other, const std::string& identity, std::uint64_t claimed, Refusal& refusal) {
  Admission admission{.incarnation = claimed == 0 ? other.incarnation + 1 : claimed};
  if (options.admit) {
    admission = options.admit(other.process(), identity, claimed, other.incarnation);
  } else if (claimed != 0 && claimed < other.incarnation) {
    admission = admit_claim(other.process(), claimed, other.incarnation);
  }
  refusal = admission.refusal;
  if (admission.incarnation == 0) return false;
  begin_again(other, admission.incarnation);
  return true;
}

// The session is with another incarnation from now on.
void SessionLink::State::begin_again(Peer& other, std::uint64_t incarnation) {
  const bool had_spoken = other.has_spoken();
  const std::uint64_t before = other.incarnation;
  other.begin(incarnation);
  if (!had_spoken) return;
  if (options.restarted) {
    options.restarted(other.process(), incarnation);
  } else {
    lose(other, "it was started again (incarnation " + std::to_string(incarnation) + " after " +
                    std::to_string(before) + "), and this run does not take it back");
  }
}

void SessionLink::State::lose(Peer& other, const std::string& problem) {
  if (other.is_gone) return;
  other.leave();
  failures.emplace_back(other.process(), problem);
}

Hello SessionLink::State::hello_to(Peer& other, ChannelName name, std::uint64_t attempt) {
  Channel& channel = other.channel(name);
  channel.detach();
  return {.job = options.job,
          .channel = name,
          .from = options.self,
          .to = other.process(),
          .incarnation = options.incarnation,
          .known = other.incarnation,
          .attempt = attempt,
          .received = channel.received(),
          .limit = channel.grant()};
}

void SessionLink::State::attach(Peer& other, ChannelName name, RecordStream stream, const Hello& hello, Seconds now) {
  try {
    other.channel(name).attach(std::move(stream), hello.received, hello.limit);
  } catch (const DecodeError& error) {
    object(other.process(), "hello: " + std::string(error.what()));
    return;
  }
  other.heard = now;
  other.history(name).attached = now;
  other.history(name).next_beat = now + timing.beat;
}

void SessionLink::State::dial(Peer& other, ChannelName name, Seconds now) {
  Peer::Dialling& dialling = other.dialling(name);
  ++dialling.attempt;
  const unsigned doublings = std::min(dialling.failed++, 20U);
  RandomStream jitter(options.seed, "redial",
                      {static_cast<std::uint64_t>(options.self), static_cast<std::uint64_t>(other.process()),
                       static_cast<std::uint64_t>(name), dialling.attempt});
  const double pause = std::min(timing.longest_pause.value,
                                timing.first_pause.value * static_cast<double>(std::uint64_t{1} << doublings));
  dialling.next = now + Seconds{pause * (0.5 + jitter.uniform())};
  dialling.since = now;
  const Hello hello = hello_to(other, name, dialling.attempt);
  dialling.stream.emplace(streams.dial(other.process()), now);
  dialling.stream->write(RecordKind::kHello, hello.encode());
  dialling.stream->flush();
}

// Of a channel whose streams this side dials.
bool SessionLink::State::tend(Peer& other, ChannelName name, Seconds now) {
  Peer::Dialling& dialling = other.dialling(name);
  if (other.channel(name).is_attached()) {
    if (now - dialling.since >= timing.longest_pause) dialling.failed = 0;
    return false;
  }
  if (dialling.stream) {
    dialling.stream->flush();
    hear_answer(other, name, now);
    if (other.channel(name).is_attached()) return true;
    if (dialling.stream && now - dialling.since < timing.handshake && !dialling.stream->stream().is_over())
      return false;
    dialling.stream.reset();
  }
  if (other.is_gone || now < dialling.next) return false;
  // Who has no incarnation asks process 0 for one first; data follow control.
  if (options.incarnation == 0 && other.process() != 0) return false;
  if (name == ChannelName::kData && !other.channel(ChannelName::kControl).is_attached()) return false;
  dial(other, name, now);
  return true;
}

void SessionLink::State::hear_answer(Peer& other, ChannelName name, Seconds now) {
  Peer::Dialling& dialling = other.dialling(name);
  try {
    std::optional<Record> record = dialling.stream->next();
    while (!record && dialling.stream->fill(now)) record = dialling.stream->next();
    if (!record) return;
    if (record->kind == RecordKind::kRefuse) {
      return lose(other, Refusal::decode(record->body).text);
    }
    if (record->kind != RecordKind::kHello) throw DecodeError("record: something else than a hello");
    const Hello hello = Hello::decode(record->body);
    const bool is_answer = hello.job == options.job && hello.channel == name && hello.from == other.process() &&
                           hello.to == options.self && hello.attempt == dialling.attempt && hello.incarnation != 0 &&
                           hello.known != 0 && (options.incarnation == 0 || hello.known == options.incarnation);
    if (!is_answer) throw DecodeError("hello: no answer to what was said");
    options.incarnation = hello.known;
    RecordStream stream = std::move(*dialling.stream);
    dialling.stream.reset();
    const bool is_known = other.incarnation == hello.incarnation;
    const bool is_first = other.incarnation == 0;
    if (is_first) {
      other.incarnation = hello.incarnation;
    } else if (!is_known) {
      if (hello.incarnation < other.incarnation) throw DecodeError("hello: of an incarnation that is over");
      begin_again(other, hello.incarnation);
      dialling.next = now;
      return;
    }
    attach(other, name, std::move(stream), hello, now);
  } catch (const DecodeError& error) {
    object(other.process(), error.what());
    dialling.stream.reset();
  }
}

bool SessionLink::State::move(Peer& other, ChannelName name, Seconds now) {
  Channel& channel = other.channel(name);
  if (!channel.is_attached()) return false;
  std::string problem;
  const bool moved = channel.progress(now, channel_handlers[static_cast<std::size_t>(other.process())], problem);
  if (!problem.empty()) object(other.process(), problem);
  Peer::History& history = other.history(name);
  if (channel.heard() > history.attached) {
    history.in_vain = 0;
    other.note_word(channel.heard());
  }
  if (!channel.is_attached()) {
    if (!other.is_gone) ++breaks;
    return true;
  }
  if (now - channel.heard() >= other.silence(name, timing)) {
    channel.detach();
    ++history.in_vain;
    ++breaks;
    return true;
  }
  if (now < history.next_beat) return moved;
  channel.beat();
  history.next_beat = now + timing.beat;
  return true;
}

Seconds SessionLink::State::next_event() {
  Seconds next = kNever;
  for (const RecordStream& stranger : strangers) next = std::min(next, stranger.heard() + timing.handshake);
  for (Peer& other : peers) {
    if (other.process() == options.self || other.is_gone) continue;
    const bool is_up = other.channel(ChannelName::kControl).is_attached();
    for (const ChannelName name : {ChannelName::kControl, ChannelName::kData}) {
      const Channel& channel = other.channel(name);
      const Peer::Dialling& dialling = other.dialling(name);
      if (channel.is_attached()) {
        next = std::min(
            {next, channel.next_event(), other.history(name).next_beat, channel.heard() + other.silence(name, timing)});
      } else if (!dials(other)) {
        continue;
      } else if (dialling.stream) {
        next = std::min(next, dialling.since + timing.handshake);
      } else if ((name == ChannelName::kControl || is_up) && (options.incarnation != 0 || other.process() == 0)) {
        next = std::min(next, dialling.next);
      }
    }
  }
  return next;
}

SessionLink::SessionLink(node::Streams& streams, Clock& clock, SessionOptions options)
    : state_(std::make_unique<State>(streams, clock, std::move(options))) {}

SessionLink::~SessionLink() {
  for (Peer& other : state_->peers) other.channel(ChannelName::kControl).bye();
}

int SessionLink::self() const { return state_->options.self; }
int SessionLink::size() const { return state_->options.size; }

void SessionLink::send(Rank from, Rank to, const Frame& frame) {
  State& s = *state_;
  const node::Placement placement = s.options.placement;
  const int workers = node::workers_of(size(), placement);
  LACONIC_CHECK(is_node(from, workers) && node::process_of(from, placement) == self(),
                "node " << from.value << " does not live in process " << self());
  LACONIC_CHECK(is_node(to, workers) && node::process_of(to, placement) != self(),
                "node " << to.value << " does not live in another process than " << self() << " of " << size());
  Peer& other = s.peer(node::process_of(to, placement));
  if (!other.is_gone) other.channel(ChannelName::kData).push(node::lane_of(from, to), frame);
}

bool SessionLink::progress(const node::LinkHandlers& handlers) {
  State& s = *state_;
  LACONIC_CHECK(s.handlers == nullptr, "progress() from a handler");
  LACONIC_CHECK(handlers.frame && handlers.refused && handlers.end && handlers.failed, "a handler is not set");
  struct Inside {
    explicit Inside(State& of, const node::LinkHandlers& with) : state(of) { state.handlers = &with; }
    ~Inside() { state.handlers = nullptr; }
    State& state;
  } const inside(s, handlers);

  const Seconds now = s.clock.now();
  s.accept(now);
  bool moved = s.hear_strangers(now);
  for (Peer& other : s.peers) {
    if (other.process() == self() || other.is_gone) continue;
    for (const ChannelName name : {ChannelName::kControl, ChannelName::kData}) {
      if (s.dials(other)) moved = s.tend(other, name, now) || moved;
      moved = s.move(other, name, now) || moved;
    }
  }
  for (const auto& [process, problem] : std::exchange(s.failures, {})) {
    moved = true;
    handlers.failed(process, problem);
  }
  return moved;
}

Seconds SessionLink::pause(bool moved) {
  if (moved) return {0.0};
  // Not at once: a moment that was computed in another way may round to one that has not come.
  constexpr double kLeast = 1e-6;
  return {std::max(kLeast, (state_->next_event() - state_->clock.now()).value)};
}

bool SessionLink::has_left(int process) const {
  const Peer& other = state_->peer(process);
  return other.is_gone || other.is_settled();
}

void SessionLink::beat() {
  for (Peer& other : state_->peers) other.channel(ChannelName::kControl).beat();
}

void SessionLink::broadcast_end(const std::string& text) {
  for (Peer& other : state_->peers) {
    if (other.process() == self() || other.is_gone) continue;
    Channel& control = other.channel(ChannelName::kControl);
    control.push_end(text.substr(0, node::kMaxEndSize));
    control.push_out(state_->clock.now());
  }
}

Seconds SessionLink::last_heard(int process) const { return state_->peer(process).heard; }

const node::Carried& SessionLink::carried(int process) const {
  return state_->peer(process).channel(ChannelName::kData).carried();
}

std::uint64_t SessionLink::incarnation_of(int process) const { return state_->peer(process).incarnation; }

std::uint64_t SessionLink::breaks() const { return state_->breaks; }

}  // namespace laconic::session
