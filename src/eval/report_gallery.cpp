#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/core/parallel.h"
#include "mentor/core/words.h"
#include "mentor/image/image_io.h"
#include "mentor/image/resample.h"
#include "mentor/report/html.h"
#include "mentor/report/page.h"
#include "mentor/report/picture.h"
#include "report_parts.h"

#include <algorithm>
#include <map>

namespace mentor {
namespace {

/// Pixels of a thumbnail: 1,500 of the smaller ones are about 3 MB of the page.
int64_t side_for(size_t pictures) { return pictures <= 400 ? 160 : pictures <= 2000 ? 96 : 64; }
int quality_for(size_t pictures) { return pictures <= 400 ? 75 : 58; }

/// Samples of each subject in the order of prompts.
using SamplesOf = std::map<SubjectKey, std::vector<const SampleFiles*>>;

/// Nothing where there is no file, or one that was damaged after it was rated.
std::optional<Image> read_if_sound(const fs::path& file) {
  if (file.empty()) return std::nullopt;
  try {
    return read_image(file, kSampleDecoding);
  } catch (const DataError& e) {
    log::warn("{}", e.what());
    return std::nullopt;
  }
}

/// The picture in the middle of a grey square.
void paste_thumbnail(Image& strip, const fs::path& file, int64_t left) {
  const int64_t side = strip.height;
  Image square(side, side);
  std::ranges::fill(square.pixels, uint8_t{128});
  if (const auto picture = read_if_sound(file)) {
    const int64_t longer = std::max(picture->width, picture->height);
    const ImageSize size{std::max<int64_t>(1, side * picture->width / longer),
                         std::max<int64_t>(1, side * picture->height / longer)};
    paste(square, resize(*picture, size, Filter::kLanczos), (side - size.width) / 2,
          (side - size.height) / 2);
  }
  paste(strip, square, left, 0);
}

/// Reference and samples of a subject side by side: one file instead of many small ones.
std::string strip_address(const Subject& subject, const std::vector<const SampleFiles*>& samples,
                          size_t pictures) {
  const int64_t side = side_for(pictures);
  Image strip(side * (1 + std::ssize(samples)), side);
  paste_thumbnail(strip, subject.image, 0);
  for (size_t i = 0; i < samples.size(); ++i) {
    paste_thumbnail(strip, samples[i]->generated, side * static_cast<int64_t>(i + 1));
  }
  return jpeg_address(strip, quality_for(pictures));
}

std::string scores_text(const Evaluation& evaluation, const ItemKey& item) {
  std::string text;
  for (const RatingTask task : evaluation.tasks) {
    text += format("{}{}", text.empty() ? "" : " · ", task == RatingTask::kCp ? "CP" : "PF");
    for (const auto& score : runs_of(evaluation, task, item).scores) {
      text += score ? format(" {}", *score) : std::string(" –");
    }
  }
  return text;
}

/// "CLIP-I 78 · DINO 61"
std::string likeness_text(const Evaluation& evaluation, const ItemKey& item) {
  const auto found = evaluation.similarities.find(item);
  if (found == evaluation.similarities.end()) return "";
  std::string text;
  for (const Metric metric : kMetrics) {
    if (const auto& measured = found->second.of(metric)) {
      text += format("{}{} {:.0f}", text.empty() ? "" : " · ", name_of(metric), measured->value);
    }
  }
  return "<small>" + text + "</small>";
}

/// What the judge said in its first run beside the bare score.
std::string words_html(const Evaluation& evaluation, const ItemKey& item) {
  constexpr size_t kBareScore = 16, kLongest = 900;
  std::string html;
  for (const RatingTask task : evaluation.tasks) {
    const auto found = evaluation.ratings.find({task, 0, item});
    if (found == evaluation.ratings.end() || found->second.answer.size() < kBareScore ||
        found->second.status == RatingStatus::kHttpError) {
      continue;
    }
    std::string answer(cut_text(found->second.answer, kLongest));
    if (answer.size() < found->second.answer.size()) answer += " …";
    html += format("<p>{}: {}</p>", task == RatingTask::kCp ? "CP" : "PF", escape_html(answer));
  }
  return html.empty() ? "" : "<details><summary>judge</summary>" + html + "</details>";
}

/// `files`: of the picture, which is at `place` in the strip; null: there is none.
std::string item_html(const Evaluation& evaluation, const Subject& subject, const ItemKey& item,
                      const SampleFiles* files, size_t place) {
  const std::string picture =
      files == nullptr ? "" : format("<div class=\"shot\" style=\"--at:{}\"></div>", place);
  const std::string& caption = files != nullptr && !files->caption.empty()
                                   ? files->caption
                                   : subject.prompts.at(static_cast<size_t>(item.prompt));
  const std::string scores = scores_text(evaluation, item);
  return format("<figure>{}<figcaption>{}{}{}{}</figcaption></figure>\n", picture,
                scores.empty() ? "" : "<b>" + scores + "</b>", likeness_text(evaluation, item),
                escape_html(caption), words_html(evaluation, item));
}

std::string items_html(const Evaluation& evaluation, const Subject& subject,
                       const std::vector<const SampleFiles*>& samples) {
  std::string html;
  for (int64_t prompt = 0; prompt < kPromptsPerSubject; ++prompt) {
    for (int64_t sample = 0; sample < evaluation.samples_per_prompt; ++sample) {
      const ItemKey item{subject.key, prompt, sample};
      const auto found = std::ranges::find(samples, item, &SampleFiles::key);
      const bool shown = found != samples.end();
      html += item_html(evaluation, subject, item, shown ? *found : nullptr,
                        static_cast<size_t>(found - samples.begin()) + 1);
    }
  }
  return html;
}

std::string mean_text(const Evaluation& evaluation, const Subject& subject, RatingTask task) {
  ItemRuns all;
  for (int64_t prompt = 0; prompt < kPromptsPerSubject; ++prompt) {
    for (int64_t sample = 0; sample < evaluation.samples_per_prompt; ++sample) {
      const ItemRuns runs = runs_of(evaluation, task, {subject.key, prompt, sample});
      all.scores.insert(all.scores.end(), runs.scores.begin(), runs.scores.end());
    }
  }
  const auto mean = all.mean();
  return format(" · {} {}", task == RatingTask::kCp ? "CP" : "PF",
                mean ? format("{:.2f}", *mean / 4) : std::string("–"));
}

std::string subject_html(const Evaluation& evaluation, const Subject& subject,
                         const std::vector<const SampleFiles*>& samples, size_t pictures) {
  std::string strip, reference;
  if (!samples.empty()) {
    strip = format(" style=\"--of:{};--strip:url({})\"", samples.size(),
                   strip_address(subject, samples, pictures));
    reference =
        "<figure><div class=\"shot\" style=\"--at:0\"></div>"
        "<figcaption><b>Reference</b></figcaption></figure>\n";
  }
  std::string note = format("{} {:02}", category_name(subject.key.category), subject.key.index);
  for (const RatingTask task : evaluation.tasks) note += mean_text(evaluation, subject, task);
  // Inside what unfolds: a link to it unfolds it.
  return details_html(
      subject.name, note,
      format("<div class=\"shots\" id=\"{}\"{}>\n{}{}</div>", anchor_of(subject.key), strip,
             reference, items_html(evaluation, subject, samples)));
}

}  // namespace

std::string anchor_of(const SubjectKey& key) {
  return format("{}-{:02}", category_name(key.category), key.index);
}

std::optional<double> ItemRuns::mean() const {
  double sum = 0, count = 0;
  for (const auto& score : scores) {
    if (!score) continue;
    sum += static_cast<double>(*score);
    ++count;
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

ItemRuns runs_of(const Evaluation& evaluation, RatingTask task, const ItemKey& item) {
  ItemRuns runs;
  for (int64_t run = 0; run < evaluation.runs; ++run) {
    const auto found = evaluation.ratings.find({task, run, item});
    runs.scores.push_back(found == evaluation.ratings.end() ? std::nullopt : found->second.score);
  }
  return runs;
}

std::string gallery_html(const Evaluation& evaluation, int threads) {
  SamplesOf samples;
  for (const SampleFiles& files : evaluation.samples) {
    samples[files.key.subject].push_back(&files);
  }
  const size_t pictures = evaluation.samples.size() + samples.size();
  const std::vector<Subject>& subjects = evaluation.dataset.subjects;
  std::vector<std::string> parts(subjects.size());
  for_each_index(std::ssize(subjects), threads, [&](int64_t i) {
    const auto place = static_cast<size_t>(i);
    parts[place] =
        subject_html(evaluation, subjects[place], samples[subjects[place].key], pictures);
  });
  std::string html = "<h2>Pictures</h2>\n<div class=\"gallery\">";
  for (const std::string& part : parts) html += part;
  return html + "</div>\n";
}

}  // namespace mentor
