#include "mentor/eval/rubric.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/sha256.h"

#include <string_view>
#include <vector>

namespace mentor {
namespace {

struct PromptFile {
  const char* name;
  std::string_view sha256;
};

// yuangpeng/dreambench_plus at 66ca27e: user and assistant of subject, style, text.
constexpr std::array<PromptFile, 6> kOfficialFiles = {{
    {"user_prompt_subject_full.txt",
     "01f964fa90af86ff9489f66775f642485f90c1351628b861e0f4fd26f300c00c"},
    {"gpt_prompt_subject_full.txt",
     "6e915593038f996827da4f087f0ea30bda2fffbd233eb0d5b93bd1a952af3b62"},
    {"user_prompt_style_full.txt",
     "d55d95c08ff59af37e384246d83b70bed8a7982e3d31da1e895dad29c8790b84"},
    {"gpt_prompt_style_full.txt",
     "734e58952797bc2b6aabbf0fb3e8a373ec7e9c48a473923ca23a484427ec7d4d"},
    {"user_prompt_text_full.txt",
     "7fca8de6285c01e337d1279b648d1c2fb46101af1327e7cf2a08053775362f32"},
    {"gpt_prompt_text_full.txt",
     "77622056433fcd4d91ca644d0ec1af04e4e59f0dcc86ec6169f52994b5be745a"},
}};

constexpr const char* kSubjectRules =
    "You compare two pictures. The first is a reference that shows one subject. The second was "
    "drawn by a program that was asked to show the same subject somewhere else.\n"
    "Judge only whether the second picture shows the very subject of the first:\n"
    "- form: its outline, proportions and parts;\n"
    "- colours and where they are on it;\n"
    "- material and surface: fur, gloss, patterns, lettering;\n"
    "- for people, animals and figures: the face.\n"
    "Where it is, its pose, the light and what is around it do not count.\n"
    "Give a whole number:\n"
    "0: there is no such subject, or a wholly different one.\n"
    "1: only the kind of thing is the same.\n"
    "2: some of its marks are there, others are plainly wrong.\n"
    "3: the same at first sight; small differences on a closer look.\n"
    "4: it could be a photograph of the very same subject.\n"
    "Answer with this line only: Score: N";

constexpr const char* kSubjectPlan =
    "I will name the marks of the subject in the first picture, look for each of them in the "
    "second, leave out place, pose and light, and answer with one line: Score: N, where N is 0 to "
    "4. Please show me the two pictures.";

constexpr const char* kStyleRules =
    "You compare two pictures. The first is a reference for a manner of drawing. The second was "
    "drawn by a program that was asked to show something else in the same manner.\n"
    "Judge only how far the manner is the same; what the pictures show does not count:\n"
    "- palette, tones and contrast;\n"
    "- strokes, lines, grain and texture;\n"
    "- how shapes, space and light are rendered, how far things are simplified.\n"
    "Give a whole number:\n"
    "0: nothing of the manner is there.\n"
    "1: a faint likeness, as of the palette alone.\n"
    "2: some traits are taken over, others are missing.\n"
    "3: clearly the same manner with small lapses.\n"
    "4: both could come from one hand.\n"
    "Answer with this line only: Score: N";

constexpr const char* kStylePlan =
    "I will describe palette, strokes and rendering of the first picture, compare each with the "
    "second without regard to what is shown, and answer with one line: Score: N, where N is 0 to "
    "4. "
    "Please show me the two pictures.";

constexpr const char* kTextRules =
    "You are given a sentence and a picture that a program drew from it.\n"
    "Judge only how far the picture shows what the sentence says:\n"
    "- is everything there that the sentence names, and nothing against it;\n"
    "- are actions, attributes, numbers and relations right;\n"
    "- are place, time and mood right;\n"
    "- is the manner of drawing right, where the sentence names one.\n"
    "Beauty and small flaws of the drawing do not count.\n"
    "Give a whole number:\n"
    "0: the picture has nothing to do with the sentence.\n"
    "1: one minor part of it is shown.\n"
    "2: about half is shown, important parts are missing or wrong.\n"
    "3: nearly all is shown; a detail is missing or wrong.\n"
    "4: all of it is shown and right.\n"
    "Answer with two lines. The first says in short what is right and wrong. The second is: "
    "Score: N";

constexpr const char* kTextPlan =
    "I will split the sentence into what it asks for, check each part in the picture, say in one "
    "line what I found, and end with the line Score: N, where N is 0 to 4. Please give me the "
    "sentence and the picture.";

RubricTexts texts(std::string user, std::string assistant) {
  const std::string hash = sha256_hex(user + '\0' + assistant);
  return {.user = std::move(user), .assistant = std::move(assistant), .sha256 = hash};
}

}  // namespace

const RubricTexts& Rubric::of(RatingTask task, Category category) const {
  if (task == RatingTask::kPf) return text;
  return category == Category::kStyle ? style : subject;
}

Rubric load_rubric(const fs::path& folder) {
  if (folder.empty()) {
    return {.label = "own rubric: not comparable",
            .subject = texts(kSubjectRules, kSubjectPlan),
            .style = texts(kStyleRules, kStylePlan),
            .text = texts(kTextRules, kTextPlan)};
  }
  std::vector<std::string> contents;
  bool official = true;
  for (const PromptFile& file : kOfficialFiles) {
    std::error_code error;
    if (!fs::is_regular_file(folder / file.name, error)) {
      throw DataError(
          format("{}: missing: evaluate.judge.prompts is the folder dreambench_plus/prompts of "
                 "github.com/yuangpeng/dreambench_plus; leave it empty for our own rubric",
                 folder / file.name));
    }
    contents.push_back(read_text(folder / file.name));
    official = official && sha256_hex(contents.back()) == file.sha256;
  }
  return {.label = official ? kOfficialRubric : "changed prompt files: not comparable",
          .subject = texts(contents[0], contents[1]),
          .style = texts(contents[2], contents[3]),
          .text = texts(contents[4], contents[5])};
}

RubricHashes hashes_of(const Rubric& rubric) {
  return {{"subject", rubric.subject.sha256},
          {"style", rubric.style.sha256},
          {"text", rubric.text.sha256}};
}

RubricHashes hashes_of(const Ratings& ratings, const fs::path& where) {
  RubricHashes hashes;
  for (const auto& [key, attempt] : ratings) {
    if (!is_answered(attempt.status) || attempt.prompt_sha256.empty()) continue;
    const bool of_style = key.item.subject.category == Category::kStyle;
    const char* part = key.task == RatingTask::kPf ? "text" : of_style ? "style" : "subject";
    const std::string& known = hashes.emplace(part, attempt.prompt_sha256).first->second;
    if (known == attempt.prompt_sha256) continue;
    throw DataError(
        format("{}: holds ratings by two rubrics (SHA-256 of the rules on '{}': {} and {}): have "
               "all rated by one, in another evaluate.out",
               where, part, known, attempt.prompt_sha256));
  }
  return hashes;
}

std::string_view changed_part(const RubricHashes& one, const RubricHashes& other) {
  for (const auto& [part, hash] : one) {
    const auto found = other.find(part);
    if (found != other.end() && found->second != hash) return part;
  }
  return "";
}

}  // namespace mentor
