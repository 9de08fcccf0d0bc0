#include "mentor/eval/rating_page.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/parallel.h"
#include "mentor/core/random.h"
#include "mentor/core/sha256.h"
#include "mentor/eval/samples.h"
#include "mentor/image/image_io.h"
#include "mentor/report/html.h"
#include "mentor/report/page.h"
#include "mentor/report/picture.h"
#include "rating_page_style.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace mentor {
namespace {

/// One prompt with a picture by each method.
struct Question {
  const Subject* subject = nullptr;
  int64_t prompt = 0;
  std::vector<const SampleFiles*> pictures;  // in the order of the methods
  std::vector<std::string> hashes;           // SHA-256 of these

  [[nodiscard]] std::string key() const {
    return format("{}-{}", subject->collection_id(), prompt);
  }
};

uint64_t order_of(const Question& question, uint64_t seed, std::string_view purpose) {
  const SubjectKey& key = question.subject->key;
  return stream_seed(seed, purpose,
                     {static_cast<uint64_t>(key.category), static_cast<uint64_t>(key.index),
                      static_cast<uint64_t>(question.prompt)});
}

/// `count` prompts of all those that every method has a picture of, in the order of the draw.
std::vector<Question> draw_questions(const Dataset& dataset, const std::vector<SampleSet>& sets,
                                     const RatingPageOptions& options) {
  std::map<ItemKey, std::vector<const SampleFiles*>> pictures;
  for (const SampleSet& set : sets) {
    for (const SampleFiles& files : set.items) {
      if (!files.generated.empty()) pictures[files.key].push_back(&files);
    }
  }
  std::vector<Question> questions;
  for (const auto& [key, files] : pictures) {
    if (files.size() != sets.size()) continue;
    questions.push_back({dataset.find(key.subject), key.prompt, files, {}});
  }
  if (questions.empty()) {
    throw DataError(format("{}: has no picture that can be rated{}", options.samples.front(),
                           sets.size() > 1 ? " beside one of the other method" : ""));
  }
  std::ranges::sort(questions, {}, [&](const Question& question) {
    return order_of(question, options.seed, "questions");
  });
  questions.resize(std::min(questions.size(), static_cast<size_t>(options.count)));
  for (Question& question : questions) {
    for (const SampleFiles* files : question.pictures) {
      question.hashes.push_back(sha256_hex(read_text(files->generated)));
    }
  }
  return questions;
}

/// The text that all methods were given; the data set's where they were given different ones.
const std::string& text_of(const Question& question) {
  const std::string& first = question.pictures.front()->caption;
  const bool agree = std::ranges::all_of(question.pictures, [&first](const SampleFiles* files) {
    return !first.empty() && files->caption == first;
  });
  return agree ? first : question.subject->prompts.at(static_cast<size_t>(question.prompt));
}

std::string file_html(const fs::path& file, std::string_view alt) {
  constexpr size_t kMostBytes = 45'000;
  return picture_html(read_image(file, kSampleDecoding), kMostBytes, alt);
}

struct Scale {
  std::string_view question, lowest, highest;
};
constexpr std::array<Scale, 2> kScales = {
    {{"The subject (or style) of the reference?", "another", "the same"},
     {"What the text asks for?", "nothing of it", "all of it"}}};

/// Five choices; their name says method, prompt, picture (which all are in `of`) and task.
std::string choices_html(const std::string& of, size_t task) {
  const Scale& scale = kScales.at(task);
  std::string html = format("<fieldset><legend>{}<small>0: {}, 4: {}</small></legend>",
                            scale.question, scale.lowest, scale.highest);
  for (int score = 0; score <= 4; ++score) {
    html += format("<label><input type=\"radio\" name=\"{}|{}\" value=\"{}\"/>{}</label>",
                   escape_html(of), task, score, score);
  }
  return html + "</fieldset>";
}

std::string question_html(const Question& question, uint64_t seed) {
  std::string html = format(
      "<section class=\"question\">\n<p class=\"asked\">{}</p>\n<div class=\"sides\">"
      "<figure>{}<figcaption>Reference: {}</figcaption></figure>\n",
      escape_html(text_of(question)), file_html(question.subject->image, "reference"),
      escape_html(question.subject->name));
  const size_t count = question.pictures.size();
  const size_t first = order_of(question, seed, "sides") % count;
  for (size_t i = 0; i < count; ++i) {
    const size_t method = (first + i) % count;
    const std::string of = format("{}|{}|{}", method, question.key(), question.hashes[method]);
    html += format("<figure>{}<figcaption>{}{}</figcaption></figure>\n",
                   file_html(question.pictures[method]->generated, "picture to rate"),
                   choices_html(of, 0), choices_html(of, 1));
  }
  return html + "</div>\n</section>\n";
}

/// The names of the methods, for the file that is saved. Nothing in it may end the element. The id
/// is that of the pictures: of others the browser remembers other scores.
std::string methods_html(const std::vector<fs::path>& samples,
                         const std::vector<Question>& questions) {
  std::string names, pictures;
  for (const fs::path& folder : samples) {
    names += format("<li>{}</li>", escape_html(name_of_samples(folder)));
  }
  for (const Question& question : questions) {
    pictures += question.key();
    for (const std::string& hash : question.hashes) pictures += " " + hash;
    pictures += "\n";
  }
  return format("<ul id=\"methods\" data-id=\"{}\" hidden=\"hidden\">{}</ul>\n",
                sha256_hex(names + pictures), names);
}

}  // namespace

std::string rating_page(const Dataset& dataset, const RatingPageOptions& options) {
  std::vector<SampleSet> sets;
  for (const fs::path& folder : options.samples) {
    sets.push_back(read_samples(folder, dataset, /*samples_per_prompt=*/1));
  }
  if (options.samples.size() == 2 &&
      name_of_samples(options.samples[0]) == name_of_samples(options.samples[1])) {
    throw DataError(
        format("{} and {} have the same name, by which the saved file tells methods apart: rename "
               "one",
               options.samples[0], options.samples[1]));
  }
  const std::vector<Question> questions = draw_questions(dataset, sets, options);
  std::vector<std::string> parts(questions.size());
  for_each_index(std::ssize(questions), options.threads, [&](int64_t i) {
    parts[static_cast<size_t>(i)] = question_html(questions[static_cast<size_t>(i)], options.seed);
  });
  std::string body = "<h1>How good are these pictures?</h1>\n";
  body += kRatingIntroduction;
  for (const std::string& part : parts) body += part;
  body += methods_html(options.samples, questions);
  body += format("<script>{}</script>\n", kRatingScript);
  return page_html({.title = "Rate pictures",
                    .tone = "running",
                    .body = body,
                    .footer = "Written by mentor evaluate rate.",
                    .style = kRatingStyle});
}

}  // namespace mentor
