#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/parallel.h"
#include "mentor/eval/judge.h"
#include "mentor/eval/score_parser.h"
#include "mentor/image/image_io.h"
#include "mentor/toy/appearance.h"
#include "mentor/toy/captions.h"
#include "mentor/toy/oracle.h"
#include "mentor/toy/score.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <thread>

namespace mentor {
namespace {

/// A share of 0 to 1 as a rating; thirds become 0, 1, 3, 4.
int64_t rating_of(double share) { return std::lround(4 * share); }

/// The text beside a picture of the samples: text/ID/P_J.txt of tgt_image/ID/P_J.jpg.
fs::path text_file(const fs::path& generated) {
  const fs::path subject = generated.parent_path();
  return subject.parent_path().parent_path() / "text" / subject.filename() /
         generated.stem().concat(".txt");
}

AskedScene asked_by(const Question& question) {
  try {
    return parse_prompt(question.caption);
  } catch (const DataError& e) {
    throw DataError(format("{}: {}; judge.kind oracle reads the toy world only",
                           text_file(question.generated), e.what()));
  }
}

/// What the reference shows as the subject: the object of the prompt's shape, or the largest one if
/// the prompt says "object".
Identity subject_of(const ToyReading& reference, const AskedScene& asked, const fs::path& file) {
  const auto found = std::ranges::find_if(reference.objects, [&](const SeenObject& seen) {
    return !asked.shape || seen.object.identity.shape == *asked.shape;
  });
  if (found != reference.objects.end()) return found->object.identity;
  throw DataError(
      format("{}: no {} of the toy world is seen in it, which the prompt asks for; judge.kind "
             "oracle reads no other pictures, and small ones as PNG files only "
             "(evaluate.generate.format)",
             file, asked.shape ? kToyShapes.at(static_cast<size_t>(*asked.shape)) : "object"));
}

std::string said(const ToyReading& reading) {
  return format("Seen: {} {}.", seen_objects(reading),
                reading.background ? background_words(*reading.background) : "nowhere known");
}

/// "shape right, first colour wrong, pattern 50 % right"
std::string attribute_words(const ToyScore& score, std::span<const ToyAttribute> attributes) {
  std::string words;
  for (const ToyAttribute attribute : attributes) {
    const double share = score[attribute];
    const std::string right = share >= 1   ? "right"
                              : share <= 0 ? "wrong"
                                           : format("{:.0f} % right", 100 * share);
    words += format("{}{} {}", words.empty() ? "" : ", ", name_of(attribute), right);
  }
  return words;
}

/// What is right in a picture, in words that end with the rating.
std::string cp_answer(const Question& question, const ToyReading& picture,
                      const ToyReading& reference) {
  AskedScene asked = asked_by(question);
  const Identity subject = subject_of(reference, asked, question.reference);
  asked.scene.subject = subject;
  const ToyScore result = score(without_bystanders(picture, reference, subject), asked.scene);
  return format("Reference: {}. {} {}. Score: {}", identity_words(subject), said(picture),
                attribute_words(result, kSubjectAttributes), rating_of(result.cp));
}

std::string pf_answer(const Question& question, const ToyReading& picture) {
  const ToyScore result = score(picture, asked_by(question).scene);
  return format("{} {}. Score: {}", said(picture), attribute_words(result, kPromptAttributes),
                rating_of(result.pf));
}

/// Rates by what the oracle sees in picture and reference.
class OracleJudge : public Judge {
 public:
  [[nodiscard]] const JudgeIdentity& identity() const override { return identity_; }

  void rate(const std::vector<Question>& questions, const Recorder& record) override {
    constexpr size_t kAtATime = 64;
    for (size_t begin = 0; begin < questions.size() && !interrupted(); begin += kAtATime) {
      const auto some =
          std::span(questions).subspan(begin, std::min(kAtATime, questions.size() - begin));
      read_pictures(some);
      for (const Question& question : some) {
        Attempt attempt = question.attempt(identity_);
        const ToyReading& picture = readings_.at(question.generated);
        attempt.answer = question.key.task == RatingTask::kCp
                             ? cp_answer(question, picture, readings_.at(question.reference))
                             : pf_answer(question, picture);
        apply_parser(attempt, "strict");
        record(attempt, /*last=*/true);
      }
    }
  }

 private:
  /// Reads what has not been read yet: CP and PF ask about the same picture.
  void read_pictures(std::span<const Question> questions) {
    std::vector<std::map<fs::path, ToyReading>::iterator> unread;
    const auto want = [&](const fs::path& file) {
      const auto [entry, is_new] = readings_.try_emplace(file);
      if (is_new) unread.push_back(entry);
    };
    for (const Question& question : questions) {
      want(question.generated);
      if (question.key.task == RatingTask::kCp) want(question.reference);
    }
    const int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    for_each_index(std::ssize(unread), threads, [&](int64_t i) {
      auto& [file, reading] = *unread[static_cast<size_t>(i)];
      reading = oracle_.read(read_image(file, kSampleDecoding));
    });
  }

  JudgeIdentity identity_ = oracle_identity();
  Oracle oracle_;
  std::map<fs::path, ToyReading> readings_;
};

}  // namespace

JudgeIdentity oracle_identity() {
  return {.model = "oracle of the toy world",
          .host = {},
          .parameters = "{}",
          .rubric = "oracle of the toy world: not comparable"};
}

std::unique_ptr<Judge> make_oracle_judge() { return std::make_unique<OracleJudge>(); }

}  // namespace mentor
