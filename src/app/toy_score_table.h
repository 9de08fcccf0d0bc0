#pragma once

#include "mentor/toy/case.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mentor {

/// Of what is drawn beside pictures, which may have any size themselves.
inline constexpr int64_t kShownSize = 64;

/// A picture, what was read in it and what was asked for.
struct ScoredPicture {
  std::filesystem::path file;
  const ToyCase* of = nullptr;
  int64_t size = 0;  // pixels a side, all the same
  ToyReading reading;
  ToyScore score;
};

struct ToyScoreRow {
  std::string name;
  double mean = 0;
  double low = 0, high = 0;  // 95 %, by drawing identities again
  double chance = 0;         // of perfect pictures of other records
};

/// "0.123"; "-" where there is no figure, as for chance with one record alone.
[[nodiscard]] std::string share_text(double value);

/// Means over pictures, with intervals and what would be reached by chance.
class ToyScoreTable {
 public:
  explicit ToyScoreTable(const std::vector<ScoredPicture>& pictures);

  /// CP, PF and their product first.
  [[nodiscard]] const std::vector<ToyScoreRow>& rows() const { return rows_; }
  [[nodiscard]] int64_t num_identities() const { return num_identities_; }

  [[nodiscard]] std::string notes() const;  // what is meant by the names
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string json() const;

 private:
  const std::vector<ScoredPicture>& pictures_;
  int64_t num_identities_ = 0;
  std::vector<ToyScoreRow> rows_;
  double right_shape_chance_ = 0;  // CP of the right shape with a guess at the rest
};

}  // namespace mentor
