#pragma once

#include "prefix_trie.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {

/// One entry of a Unigram vocabulary: its text and its log probability.
struct Piece {
  std::string text;
  double score;
};

/// The Unigram language model: cuts a word into the pieces with the highest total score.
class Unigram {
 public:
  Unigram(std::vector<Piece> pieces, int64_t unknown_id);

  /// Appends the ids of the best segmentation. Neighbouring unknown characters become one id.
  void encode(std::string_view word, std::vector<int64_t>& ids) const;

  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  std::vector<Piece> pieces_;
  PrefixTrie trie_;
  int64_t unknown_id_;
  double unknown_score_;
};

}  // namespace mentor
