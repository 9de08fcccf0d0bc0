#include "unigram.h"

#include "unicode.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mentor {
namespace {

// Below the worst piece by this much: a character without a piece is the last resort.
constexpr double kUnknownPenalty = 10.0;

double unknown_score(const std::vector<Piece>& pieces) {
  double worst = std::numeric_limits<double>::infinity();
  for (const Piece& piece : pieces) worst = std::min(worst, piece.score);
  return worst - kUnknownPenalty;
}

// Control pieces are members too, as in Hugging Face's model: a character that is normalised to
// the text of one becomes that piece.
std::vector<PrefixTrie::Entry> trie_entries(const std::vector<Piece>& pieces) {
  std::vector<PrefixTrie::Entry> entries;
  entries.reserve(pieces.size());
  for (const Piece& piece : pieces) {
    entries.emplace_back(piece.text, static_cast<int32_t>(entries.size()));
  }
  return entries;
}

}  // namespace

Unigram::Unigram(std::vector<Piece> pieces, int64_t unknown_id)
    : pieces_(std::move(pieces)),
      trie_(trie_entries(pieces_)),
      unknown_id_(unknown_id),
      unknown_score_(unknown_score(pieces_)) {}

void Unigram::encode(std::string_view word, std::vector<int64_t>& ids) const {
  struct Node {  // the best path that ends at this byte
    double score = 0;
    size_t start = std::string_view::npos;  // of its last piece; npos: no path yet
    int64_t id = 0;
  };
  std::vector<Node> best(word.size() + 1);
  // Sums in double, and the first of equal scores stays, as in the reference.
  const auto extend = [&](size_t start, size_t end, double piece_score, int64_t id) {
    const double score = best[start].score + piece_score;
    Node& node = best[end];
    if (node.start == std::string_view::npos || score > node.score) node = {score, start, id};
  };
  for (size_t start = 0; start < word.size();) {
    const std::string_view rest = word.substr(start);
    const size_t character = character_length(rest);
    bool has_single = false;
    trie_.for_each_prefix(rest, [&](size_t length, int32_t id) {
      extend(start, start + length, pieces_[static_cast<size_t>(id)].score, id);
      has_single = has_single || length == character;
    });
    if (!has_single) extend(start, start + character, unknown_score_, unknown_id_);
    start += character;
  }

  const auto first = static_cast<std::ptrdiff_t>(ids.size());
  bool after_unknown = false;
  for (size_t end = word.size(); end > 0; end = best[end].start) {
    const bool is_unknown = best[end].id == unknown_id_;
    if (!(is_unknown && after_unknown)) ids.push_back(best[end].id);
    after_unknown = is_unknown;
  }
  std::reverse(ids.begin() + first, ids.end());
}

}  // namespace mentor
