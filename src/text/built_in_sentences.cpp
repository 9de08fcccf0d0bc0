#include "mentor/core/random.h"
#include "mentor/text/tokenizer_training.h"

#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mentor {
namespace {

constexpr size_t kNumSentences = 4000;

// Word lists, separated by '|'.
constexpr std::string_view kSubjects =
    "cat|kitten|dog|puppy|corgi|horse|rabbit|fox|wolf|bear|panda|tiger|lion|elephant|giraffe|zebra|"
    "monkey|hedgehog|squirrel|mouse|owl|parrot|duck|penguin|eagle|fish|turtle|frog|dinosaur|dragon|"
    "robot|woman|man|girl|boy|child|chef|astronaut|dancer|musician|person|doctor|painter|knight|"
    "toy|doll|teddy bear|teapot|cup|mug|bowl|plate|spoon|vase|bottle|can|candle|clock|lamp|lantern|"
    "chair|table|sofa|bed|mirror|book|backpack|handbag|shoe|boot|sneaker|hat|dress|shirt|coat|"
    "glasses|ring|umbrella|guitar|piano|violin|drum|camera|computer|phone|bicycle|motorcycle|car|"
    "bus|truck|train|airplane|boat|ship|rocket|balloon|kite|ball|wrench|hammer|key|apple|banana|"
    "orange|lemon|strawberry|cake|pizza|sandwich|ice cream|coffee|flower|rose|sunflower|tree|leaf|"
    "cactus|mushroom|castle|house|tower|bridge|windmill|lighthouse|church|statue|fountain|snowman|"
    "circle|square|triangle|star|heart|cube|sphere|pyramid|diamond|letter|logo|sign";
constexpr std::string_view kAdjectives =
    "red|green|blue|yellow|orange|purple|pink|brown|black|white|grey|golden|silver|beige|violet|"
    "small|large|tiny|huge|old|young|new|shiny|wooden|metal|glass|plastic|stone|paper|leather|"
    "fluffy|striped|dotted|colourful|transparent|broken|happy|sad|sleepy|angry|elegant|rusty|wet|"
    "bright|dark|round|tall|short|thin|thick|smiling|beautiful|strange|cute|modern|ancient|empty|"
    "warm|cold|soft|famous|realistic|abstract|futuristic";
constexpr std::string_view kPlaces =
    "in the forest|on the beach|in the snow|on a table|in the city|on a mountain|in the kitchen|"
    "under the sea|in a garden|on the moon|in the desert|in front of a castle|next to a window|"
    "on top of a hill|behind a fence|in the rain|by the river|on a wooden floor|at the airport|"
    "in a field of flowers|in the living room|on the street|inside a museum|under a tree|at school|"
    "on a red carpet|in the jungle|near the lake|above the clouds|between two houses|at the market|"
    "with the Eiffel Tower in the background|on a white background|with mountains behind it|"
    "with a city in the background|at night|at sunset|in the morning|on a rainy day|in winter|"
    "during a storm|on the train station platform|in a spaceship|around the world|on the roof";
constexpr std::string_view kActions =
    "sitting|standing|sleeping|running|jumping|flying|swimming|walking|eating|drinking|reading|"
    "playing|dancing|singing|looking at the camera|riding a bicycle|wearing a hat|driving a car|"
    "wearing sunglasses|holding a book|playing the guitar|floating|falling|waiting|cooking|"
    "painting|working|smiling|climbing|hiding|lying|fighting|laughing|writing a letter|cleaning|"
    "watching television|talking to people|opening the door|carrying water|chasing butterflies";
constexpr std::string_view kStyles =
    "photo|photograph|picture|painting|oil painting|watercolour|drawing|pencil sketch|cartoon|"
    "poster|close-up photo|black and white photo|3D rendering|pixel art|sculpture|mosaic|"
    "digital illustration|comic book page|portrait|sticker|postcard|high quality image|landscape|"
    "collage|graffiti|film still|product shot|stained glass window|origami figure";
constexpr std::string_view kNumbers = "two|three|four|five|six|seven|eight|nine|ten|many|several";
constexpr std::string_view kRelations =
    "next to|left of|right of|above|below|behind|on top of|inside|in front of|near|under|beside";

// %n noun phrase, %x style with its article (%N, %X: with a capital), %s subject, %a adjective,
// %p place, %v action, %t style, %k number word, %r relation, %d digits
constexpr std::string_view kSentences =
    "%N %v %p.|"
    "%X of %n %v %p.|"
    "%N is %r %n.|"
    "%x of %k %ss, %a and %a, seen from above|"
    "The %s in the image. %N %p!|"
    "The image is %n %p, %a and %a.|"
    "It's %n %p; the %s doesn't move (image %d of %d).|"
    "The %s in the picture.\nThe %s in the picture.\n%N with %n %p|"
    "This is the \"%a %s\": in the style of %x, %a-coloured, very detailed|"
    "Put the %s of the first picture %r the %s of the second, please. Is it %a? Yes, %n %v.|"
    "%n, %v, %p, %t|"
    "make the %s %a and place it %p|"
    "There are %k %ss %p, but only one of them has %n.|"
    "Replace the background: show the same %s %v %p, without changing its colour.|"
    "Segment the %s. Remove everything else from this %t.|"
    "She would like to see how his %s looks when they are %v %p.";

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> items;
  for (;;) {
    const size_t end = list.find('|');
    items.push_back(list.substr(0, end));
    if (end == std::string_view::npos) return items;
    list.remove_prefix(end + 1);
  }
}

/// Expands sentence patterns with draws that depend on nothing but their position.
class Grammar {
 public:
  std::string sentence() {
    const std::string_view pattern = pick(sentences_);
    std::string text;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '%') {
        text += expand(pattern[++i]);
      } else {
        text += pattern[i];
      }
    }
    return text;
  }

 private:
  using Words = std::vector<std::string_view>;

  uint64_t draw(uint64_t bound) { return mix64(++position_) % bound; }
  std::string_view pick(const Words& words) { return words[draw(words.size())]; }

  std::string expand(char slot) {
    switch (slot) {
      case 's':
        return std::string(pick(subjects_));
      case 'a':
        return std::string(pick(adjectives_));
      case 'p':
        return std::string(pick(places_));
      case 'v':
        return std::string(pick(actions_));
      case 't':
        return std::string(pick(styles_));
      case 'k':
        return std::string(pick(numbers_));
      case 'r':
        return std::string(pick(relations_));
      case 'd':
        return std::to_string(draw(10000));
      case 'n':
        return noun();
      case 'N':
        return capital(noun());
      case 'x':
        return with_article(std::string(pick(styles_)));
      default:
        return capital(with_article(std::string(pick(styles_))));
    }
  }

  /// "a red fox", "an owl", "the small wooden chair"
  std::string noun() {
    std::string words;
    for (uint64_t i = draw(3); i > 0; --i) words += std::string(pick(adjectives_)) + ' ';
    words += pick(subjects_);
    return draw(3) == 0 ? "the " + words : with_article(words);
  }

  static std::string with_article(const std::string& words) {
    const bool vowel = std::string_view("aeiou").find(words.front()) != std::string_view::npos;
    return (vowel ? "an " : "a ") + words;
  }

  static std::string capital(std::string text) {
    text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
    return text;
  }

  const Words subjects_ = split(kSubjects), adjectives_ = split(kAdjectives),
              places_ = split(kPlaces), actions_ = split(kActions), styles_ = split(kStyles),
              numbers_ = split(kNumbers), relations_ = split(kRelations),
              sentences_ = split(kSentences);
  uint64_t position_ = 0;
};

}  // namespace

std::vector<std::string> built_in_sentences() {
  Grammar grammar;
  std::set<std::string> seen;
  std::vector<std::string> sentences;
  while (sentences.size() < kNumSentences) {
    std::string sentence = grammar.sentence();
    if (seen.insert(sentence).second) sentences.push_back(std::move(sentence));
  }
  return sentences;
}

}  // namespace mentor
