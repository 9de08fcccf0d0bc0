#include "mentor/core/error.h"
#include "mentor/image/image_io.h"
#include "mentor/train/report.h"
#include "support/check_markup.h"
#include "support/temp_dir.h"
#include "train/sample_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mentor {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string report_of(const fs::path& folder, const RunRecords& records,
                      const ReportInput& input = {}) {
  write_report(folder, records, input);
  return read_text(folder / "report.html");
}

/// What the script of the page reads.
nlohmann::json data_of(const std::string& page) {
  const std::string begin = "id=\"charts\">";
  const size_t at = page.find(begin) + begin.size();
  return nlohmann::json::parse(page.substr(at, page.find("</script>", at) - at));
}

/// A picture that JPEG cannot make small.
Image noise_picture(int64_t width, int64_t height) {
  Image image(width, height);
  std::mt19937 random(1);
  for (uint8_t& byte : image.pixels) byte = static_cast<uint8_t>(random());
  return image;
}

TEST(CheckMarkup, FindsWhatIsWrong) {
  EXPECT_EQ(check_markup("<p class=\"a>b\">1 &lt; 2<br/></p><script>a<b&&c</script>"), "");
  for (const char* page : {"<p>", "<p></b>", "</p>", "<p>a < b</p>", "<p>a & b</p>", "<p x=1></p>",
                           "<script>a", "<p"}) {
    EXPECT_NE(check_markup(page), "") << page;
  }
}

TEST(Report, ShowsTheFiguresOfTheRun) {
  const TempDir dir;
  const RunRecords run = sample_run(300);
  const std::string page = report_of(dir.path(), run, {.run_name = "stage 1"});
  EXPECT_EQ(check_markup(page), "");
  EXPECT_THAT(page, HasSubstr("<h1>stage 1</h1>"));
  EXPECT_THAT(page, HasSubstr("<b>running</b><span>step 3,000 of 3,750 (80.0%)</span>"));
  EXPECT_THAT(page, HasSubstr("to go"));
  EXPECT_THAT(page, HasSubstr(">Best validation<"));
  EXPECT_THAT(page, HasSubstr("at step 3,000"));
  for (const char* title :
       {"text to image", "reconstruction", "subject", "Learning rate", "Gradient norm",
        "Throughput", "Waiting for data", "Memory", "Utilisation (MFU)"}) {
    EXPECT_THAT(page, HasSubstr("<figcaption><b>" + std::string(title) + "</b>"));
  }
  EXPECT_THAT(page, HasSubstr("class=\"mark resumed\""));
  EXPECT_THAT(page, HasSubstr("<td>resumed</td><td>from checkpoints/step_of_then</td>"));
  EXPECT_THAT(page, HasSubstr("<td>skipped step</td><td>the gradient norm was not finite</td>"));

  const nlohmann::json data = data_of(page);
  EXPECT_EQ(data.size(), 1u + 5u + 6u);
  const nlohmann::json& loss = data[0]["series"];
  ASSERT_EQ(loss.size(), 3u);
  EXPECT_EQ(loss[0]["name"], "train");
  EXPECT_EQ(loss[0]["x"].size(), 300u);
  EXPECT_NEAR(loss[0]["y"][299].get<double>(), run.train.back().loss, 1e-4);
  EXPECT_EQ(loss[2]["name"], "validation");
  EXPECT_EQ(loss[2]["x"].size(), run.validation.size());
  // Every chart has its plot, in the order of the data.
  size_t plots = 0;
  for (size_t at = 0; (at = page.find("<div class=\"plot\">", at)) != page.npos; ++at) ++plots;
  EXPECT_EQ(plots, data.size());
}

TEST(Report, SaysHowTheRunEnded) {
  const TempDir dir;
  RunRecords run = sample_run(3);
  run.train.back().mfu.reset();
  const std::string failed = report_of(
      dir.path(), run, {.state = RunState::kFailed, .message = "rank 3 died: <signal 9>"});
  EXPECT_EQ(check_markup(failed), "");
  EXPECT_THAT(failed, HasSubstr("<main class=\"failed\">"));
  EXPECT_THAT(failed, HasSubstr("rank 3 died: &lt;signal 9&gt;"));
  EXPECT_THAT(failed, Not(HasSubstr("to go")));
  EXPECT_THAT(failed, HasSubstr("<h1>" + dir.path().filename().string() + "</h1>"));
  const std::string done = report_of(dir.path(), run, {.state = RunState::kFinished});
  EXPECT_THAT(done, HasSubstr("<b>finished</b>"));
}

TEST(Report, TakesAllTextAsText) {
  const TempDir dir;
  const std::string hostile = "</script><script>alert('1')</script> & \"\x01\xff";
  RunRecords run = sample_run(100);
  run.events.push_back({50, EventKind::kWarning, hostile});
  run.pictures.push_back({50, "no such <file>.png", {hostile}});
  run.train.back().task_loss[hostile] = 1;
  const std::string page = report_of(
      dir.path(), run, {.run_name = hostile, .message = hostile, .sections = {{hostile, hostile}}});
  EXPECT_EQ(check_markup(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;"));
  EXPECT_EQ(data_of(page)[0]["marks"][0][1].get<std::string>().substr(0, 18), "warning: </script>");
}

TEST(Report, OfAnEmptyRunIsAPage) {
  const TempDir dir;
  const std::string page = report_of(dir.path(), {});
  EXPECT_EQ(check_markup(page), "");
  EXPECT_THAT(page, HasSubstr("no interval logged yet"));
  EXPECT_EQ(data_of(page).size(), 0u);
}

TEST(Report, DrawsOneIntervalAndValuesThatAreNotFinite) {
  const TempDir dir;
  RunRecords run = sample_run(1);
  EXPECT_EQ(check_markup(report_of(dir.path(), run)), "");
  run = sample_run(30);
  run.train[10].loss = run.train[29].loss = std::nan("");
  run.train[11].grad_norm = INFINITY;
  for (auto& m : run.train) m.lr = 0;
  run.validation[2].loss = std::nan("");
  const std::string page = report_of(dir.path(), run);
  EXPECT_EQ(check_markup(page), "");
  const std::string body =
      page.substr(page.find("<main"), page.find("<script") - page.find("<main"));
  for (const char* word : {"\"nan", " nan", "inf ", " inf", "-inf"}) {
    for (size_t at = 0; (at = body.find(word, at)) != body.npos; ++at) {
      ADD_FAILURE() << "in the drawing: " << body.substr(at < 60 ? 0 : at - 60, 90);
    }
  }
  EXPECT_EQ(data_of(page)[0]["series"][0]["x"].size(), 28u);
}

TEST(Report, StaysSmallForALongRunWithManyPictures) {
  const TempDir dir;
  RunRecords run = sample_run(100'000, 1);
  const std::string png = encode_png(noise_picture(1400, 1100));
  for (int i = 0; i < 9; ++i) {
    const std::string file = "grid " + std::to_string(i) + ".png";
    write_text(dir / file, png);
    run.pictures.push_back({1000 * i, file, {"a dog"}});
  }
  ReportInput input;
  input.sections = {{"Configuration", std::string(1'000'000, 'x')}};
  const std::string page = report_of(dir.path(), run, input);
  EXPECT_EQ(check_markup(page), "");
  EXPECT_LT(page.size(), 2'000'000u);
  size_t pictures = 0;
  for (size_t at = 0; (at = page.find("src=\"data:image/jpeg;base64,/9j/", at)) != page.npos; ++at)
    ++pictures;
  EXPECT_EQ(pictures, 7u) << "the newest six and the first";
  EXPECT_THAT(page, HasSubstr("href=\"grid%208.png\""));
  EXPECT_THAT(page, HasSubstr("<figcaption>Step 0</figcaption>"));
  EXPECT_THAT(page, Not(HasSubstr("<figcaption>Step 1,000</figcaption>")));
  // One spike among 100 000 intervals is still there.
  EXPECT_THAT(data_of(page)[7]["series"][0]["y"], testing::Contains(41));
}

TEST(Report, NeedsNothingFromOutside) {
  const TempDir dir;
  const std::string page = report_of(dir.path(), sample_run(100));
  EXPECT_THAT(page, Not(HasSubstr("http:")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
}

TEST(Report, NamesTheFileThatCannotBeWritten) {
  const TempDir dir;
  write_text(dir / "plain", "x");
  EXPECT_THROW(write_report(dir / "plain", {}, {}), UserError);
}

}  // namespace
}  // namespace mentor
