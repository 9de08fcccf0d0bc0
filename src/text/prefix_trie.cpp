#include "prefix_trie.h"

#include <algorithm>
#include <cstddef>

namespace mentor {

PrefixTrie::PrefixTrie(std::vector<Entry> entries) {
  std::ranges::stable_sort(entries, {}, &Entry::first);
  // Breadth first: range i holds the entries below node i, which share their first `depth` bytes.
  struct Range {
    size_t begin, end, depth;
  };
  std::vector<Range> ranges{{0, entries.size(), 0}};
  nodes_.emplace_back();
  for (size_t i = 0; i < ranges.size(); ++i) {
    auto [begin, end, depth] = ranges[i];
    for (; begin < end && entries[begin].first.size() == depth; ++begin) {
      if (depth > 0) nodes_[i].number = entries[begin].second;
    }
    nodes_[i].first_child = static_cast<uint32_t>(nodes_.size());
    while (begin < end) {
      const char label = entries[begin].first[depth];
      size_t stop = begin + 1;
      while (stop < end && entries[stop].first[depth] == label) ++stop;
      nodes_.push_back({.label = static_cast<uint8_t>(label)});
      ++nodes_[i].num_children;
      ranges.push_back({begin, stop, depth + 1});
      begin = stop;
    }
  }
}

}  // namespace mentor
