#pragma once

#include "mentor/toy/case.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mentor {

/// A picture, what was read in it and what was asked for.
struct ScoredPicture {
  std::filesystem::path file;
  const ToyCase* of = nullptr;
  int64_t size = 0;  // of the first, which all share
  ToyReading reading;
  ToyScore score;
};

/// Means over pictures, with intervals and what would be reached by chance.
class ToyScoreTable {
 public:
  explicit ToyScoreTable(const std::vector<ScoredPicture>& pictures);

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string json() const;

 private:
  struct Row {
    std::string name;
    double mean = 0;
    double low = 0, high = 0;  // 95 %, by drawing identities again
    double chance = 0;         // of perfect pictures of other records
  };

  const std::vector<ScoredPicture>& pictures_;
  int64_t num_identities_ = 0;
  std::vector<Row> rows_;
  double right_shape_chance_ = 0;  // CP of the right shape with a guess at the rest
};

}  // namespace mentor
