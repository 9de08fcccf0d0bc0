#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace mentor {

/// A set of byte strings with a number each, searched for all members that a text begins with.
/// Children of a node lie side by side in one array, ordered by label.
class PrefixTrie {
 public:
  using Entry = std::pair<std::string_view, int32_t>;  // numbers are >= 0

  /// Empty strings are left out; of equal strings the last one counts.
  explicit PrefixTrie(std::vector<Entry> entries);

  /// Calls visit(length, number) for each member that is a prefix of `text`, shortest first.
  template <class Visit>
  void for_each_prefix(std::string_view text, Visit&& visit) const {
    const Node* node = nodes_.data();
    for (size_t length = 0; length < text.size();) {
      node = child(*node, static_cast<uint8_t>(text[length]));
      if (node == nullptr) return;
      ++length;
      if (node->number >= 0) visit(length, node->number);
    }
  }

 private:
  struct Node {
    uint32_t first_child = 0;
    int32_t number = -1;  // -1: no member ends here
    uint16_t num_children = 0;
    uint8_t label = 0;
  };
  [[nodiscard]] const Node* child(const Node& node, uint8_t label) const {
    const std::span<const Node> children(nodes_.data() + node.first_child, node.num_children);
    const auto it = std::ranges::lower_bound(children, label, {}, &Node::label);
    return it != children.end() && it->label == label ? &*it : nullptr;
  }

  std::vector<Node> nodes_;
};

}  // namespace mentor
