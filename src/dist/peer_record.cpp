#include "peer_record.h"

#include "mentor/core/format.h"

#include <charconv>
#include <vector>

namespace mentor {
namespace {

constexpr size_t kLongestLine = 400;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == text.npos) return lines;
    text.remove_prefix(end + 1);
  }
}

int64_t number(const std::vector<std::string_view>& lines, size_t index) {
  int64_t value = 0;
  const std::string_view text = lines.at(index);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string seconds(double value) { return format(value < 10 ? "{:.1f} s" : "{:.0f} s", value); }

using Found = std::optional<std::string>;

/// The first rank that `explain` has something to say about.
template <class Explain>
Found first_of(const PeerSituation& situation, const Explain& explain) {
  for (size_t i = 0; i < situation.peers.size(); ++i) {
    const auto rank = static_cast<int64_t>(i);
    if (rank == situation.rank) continue;
    if (Found cause = explain(rank, situation.peers[i])) return cause;
  }
  return std::nullopt;
}

Found failed(int64_t rank, const PeerView& peer) {
  if (peer.record.state != PeerState::kFailed) return std::nullopt;
  return name_rank(rank, peer.who) + " failed: " + peer.record.message;
}

Found stopped(const PeerView& peer) {
  if (peer.record.state != PeerState::kStopped) return std::nullopt;
  return peer.record.message;
}

Found silent(const PeerSituation& situation, int64_t rank, const PeerView& peer) {
  if (peer.record.state != PeerState::kRunning) return std::nullopt;
  const bool trouble = situation.symptom != Symptom::kNone;
  const double limit = trouble ? situation.missed_seconds : situation.timeout_seconds;
  if (peer.silent_seconds <= limit) return std::nullopt;
  if (situation.symptom == Symptom::kBroken) {
    return name_rank(rank, peer.who) + " ended without a message: its own output may say why";
  }
  return format("{} does not answer for {}: it ended, was stopped, or its machine is gone",
                name_rank(rank, peer.who), seconds(peer.silent_seconds));
}

Found finished(const PeerSituation& situation, int64_t rank, const PeerView& peer) {
  if (peer.record.state != PeerState::kDone) return std::nullopt;
  return format("{} has ended normally after {} collectives, this rank waits in number {} ({})",
                name_rank(rank, peer.who), peer.record.entered, situation.own.entered,
                situation.own.operation);
}

Found behind(const PeerSituation& situation, int64_t rank, const PeerView& peer) {
  if (peer.record.entered >= situation.own.entered) return std::nullopt;
  return format(
      "{} does not come: it has entered {} collectives, this rank {} ({}) and waits for "
      "{}",
      name_rank(rank, peer.who), peer.record.entered, situation.own.entered,
      situation.own.operation, seconds(situation.waited_seconds));
}

Found at_odds(const PeerSituation& situation, int64_t rank, const PeerView& peer) {
  if (peer.record.entered != situation.own.entered ||
      peer.record.operation == situation.own.operation) {
    return std::nullopt;
  }
  return format("the ranks disagree about collective {}: this rank {}, {} {}",
                situation.own.entered, situation.own.operation, name_rank(rank, peer.who),
                peer.record.operation);
}

}  // namespace

std::string RankIdentity::encode() const {
  return format("{}\n{}\n{}\n{}", host, pid, address, world_size);
}

RankIdentity RankIdentity::decode(std::string_view text) {
  const std::vector<std::string_view> lines = lines_of(text);
  return {.host = std::string(lines.at(0)),
          .pid = number(lines, 1),
          .address = std::string(lines.at(2)),
          .world_size = number(lines, 3)};
}

std::string PeerRecord::encode() const {
  return format("{}\n{}\n{}\n{}\n{}", beat, entered, static_cast<int>(state), operation, message);
}

PeerRecord PeerRecord::decode(std::string_view text) {
  const std::vector<std::string_view> lines = lines_of(text);
  return {.beat = number(lines, 0),
          .entered = number(lines, 1),
          .state = static_cast<PeerState>(number(lines, 2)),
          .operation = std::string(lines.at(3)),
          .message = std::string(lines.at(4))};
}

std::string name_rank(int64_t rank, const RankIdentity& who) {
  return format("rank {} (host {}, pid {})", rank, who.host, who.pid);
}

std::string first_line(std::string_view message) {
  return std::string(message.substr(0, message.find('\n')).substr(0, kLongestLine));
}

std::optional<std::string> find_cause(const PeerSituation& situation) {
  Found cause = first_of(situation, failed);
  if (cause) return cause;
  cause = first_of(
      situation, [&](int64_t rank, const PeerView& peer) { return silent(situation, rank, peer); });
  if (cause) return cause;
  cause = first_of(situation, [](int64_t, const PeerView& peer) { return stopped(peer); });
  if (cause || situation.symptom == Symptom::kNone) return cause;
  cause = first_of(situation, [&](int64_t rank, const PeerView& peer) {
    return finished(situation, rank, peer);
  });
  if (cause || situation.symptom == Symptom::kBroken) return cause;
  cause = first_of(
      situation, [&](int64_t rank, const PeerView& peer) { return behind(situation, rank, peer); });
  if (cause) return cause;
  return first_of(situation, [&](int64_t rank, const PeerView& peer) {
    return at_odds(situation, rank, peer);
  });
}

}  // namespace mentor
