#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mentor {

/// What every rank tells once, when they meet.
struct RankIdentity {
  std::string host;
  int64_t pid = 0;
  std::string address;  // where other ranks can connect to it
  int64_t world_size = 0;

  [[nodiscard]] std::string encode() const;
  static RankIdentity decode(std::string_view text);
};

enum class PeerState {
  kRunning,
  kDone,     // came to its normal end
  kFailed,   // ends because of an error of its own
  kStopped,  // ends because of another rank
};

/// What every rank tells again and again, so that the others can say who is missing and why.
struct PeerRecord {
  int64_t beat = 0;     // grows as long as the process lives
  int64_t entered = 0;  // collectives begun
  PeerState state = PeerState::kRunning;
  std::string operation;  // the last collective begun: "all_reduce_sum of 1000 float"
  std::string message;    // why it failed or stopped, one line

  [[nodiscard]] std::string encode() const;
  static PeerRecord decode(std::string_view text);
};

/// Another rank as this one sees it.
struct PeerView {
  RankIdentity who;
  PeerRecord record;
  double silent_seconds = 0;  // since `beat` last grew
};

enum class Symptom {
  kNone,     // nothing is wrong here: looking ahead
  kBroken,   // an operation failed: a connection was lost
  kTimeout,  // an operation does not end
};

/// What one rank knows about all of them.
struct PeerSituation {
  Symptom symptom = Symptom::kNone;
  int64_t rank = 0;  // this one
  PeerRecord own;
  std::span<const PeerView> peers;  // by rank, this one's own entry is not looked at
  double waited_seconds = 0;        // in the operation that does not end
  double missed_seconds = 0;        // silence that shows a death when something is wrong
  double timeout_seconds = 0;       // silence that shows it by itself
};

/// "rank 1 (host h, pid 12) ended", ...; nullopt when nothing points to a rank.
[[nodiscard]] std::optional<std::string> find_cause(const PeerSituation& situation);

/// "rank 1 (host h, pid 12)".
[[nodiscard]] std::string name_rank(int64_t rank, const RankIdentity& who);

/// The first line of a message, shortened.
[[nodiscard]] std::string first_line(std::string_view message);

}  // namespace mentor
