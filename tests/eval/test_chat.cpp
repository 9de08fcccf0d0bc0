#include "mentor/core/error.h"
#include "mentor/eval/chat.h"
#include "mentor/eval/cost.h"
#include "mentor/image/image_io.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace mentor {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;
using testing::ThrowsMessage;

const RubricTexts kRubric{.user = "rules", .assistant = "plan"};

Question question_on(RatingTask task) {
  return {.key = {.task = task}, .caption = "A \"red\" cat"};
}

json request(const JudgeConfig& config, RatingTask task,
             const std::vector<std::string>& pictures = {"data:a", "data:b"}) {
  return json::parse(chat_request(config, kRubric, question_on(task), pictures, 17));
}

TEST(ChatRequest, HasThePublishedThreeTurns) {
  const json body = request({.model = "gpt-4o"}, RatingTask::kCp);
  EXPECT_EQ(body, json::parse(R"({"model": "gpt-4o", "temperature": 1.0, "seed": 17, "messages": [
      {"role": "user", "content": "rules"},
      {"role": "assistant", "content": "plan"},
      {"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:a", "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "data:b", "detail": "high"}}]}]})"));
  const json on_pf = request({.model = "gpt-4o"}, RatingTask::kPf, {"data:b"});
  EXPECT_EQ(on_pf["messages"][2]["content"], json::parse(R"([
      {"type": "text", "text": "A \"red\" cat"},
      {"type": "image_url", "image_url": {"url": "data:b", "detail": "high"}}])"));
}

TEST(ChatRequest, SuitsServersThatTakeLess) {
  const JudgeConfig config{.model = "m",
                           .detail = "omit",
                           .send_seed = false,
                           .assistant_turn = false,
                           .join_images = true,
                           .max_completion_tokens = 50,
                           .extra_body = R"({"temperature": null, "top_k": 1})"};
  const json body = request(config, RatingTask::kCp, {"data:ab"});
  EXPECT_FALSE(body.contains("seed"));
  EXPECT_FALSE(body.contains("temperature"));
  EXPECT_EQ(body["top_k"], 1);
  EXPECT_EQ(body["max_completion_tokens"], 50);
  ASSERT_THAT(body["messages"], SizeIs(1));
  EXPECT_EQ(body["messages"][0]["content"], json::parse(R"([
      {"type": "text", "text": "rules\n\nplan"},
      {"type": "text", "text": "Left: the first picture. Right: the second picture."},
      {"type": "image_url", "image_url": {"url": "data:ab"}}])"));
  JudgeConfig wrong;
  wrong.extra_body = "top_k=1";
  EXPECT_THAT([&] { (void)request(wrong, RatingTask::kCp); },
              ThrowsMessage<ConfigError>(HasSubstr("evaluate.judge.extra_body: 'top_k=1' is no")));
}

TEST(ChatPictures, AreSquareAndJoinedOnRequest) {
  const TempDir dir;
  write_image(dir / "wide.png", Image(40, 20));
  JudgeConfig config;
  config.image_size = 32;
  Question question = question_on(RatingTask::kCp);
  question.reference = question.generated = dir / "wide.png";
  EXPECT_EQ(judge_picture(dir / "wide.png", 32).size(), (ImageSize{32, 32}));
  const std::vector<std::string> two = QuestionPictures(config).of(question);
  ASSERT_THAT(two, SizeIs(2));
  EXPECT_THAT(two[0], StartsWith("data:image/jpeg;base64,/9j/"));
  config.join_images = true;
  EXPECT_THAT(QuestionPictures(config).of(question), SizeIs(1));
  question.key.task = RatingTask::kPf;
  EXPECT_EQ(QuestionPictures(config).of(question).front(), two[1]);
}

TEST(ChatPictures, AreMadeOnceAsLongAsThereIsRoom) {
  const TempDir dir;
  JudgeConfig config;
  config.image_size = 16;
  const auto question = [&](const std::string& reference, const std::string& generated) {
    Question asked = question_on(RatingTask::kCp);
    asked.reference = dir / (reference + ".png");
    asked.generated = dir / (generated + ".png");
    asked.reference_sha256 = reference;
    asked.generated_sha256 = generated;
    return asked;
  };
  uint8_t shade = 0;
  for (const char* name : {"a", "b", "c"}) {
    Image image(16, 16);
    for (uint8_t& value : image.pixels) value = shade;
    write_image(dir / (std::string(name) + ".png"), image);
    shade = static_cast<uint8_t>(shade + 100);
  }
  for (const bool joined : {false, true}) {
    config.join_images = joined;
    QuestionPictures pictures(config);
    const std::vector<std::string> first = pictures.of(question("a", "b"));
    fs::rename(dir / "a.png", dir / "moved.png");
    EXPECT_EQ(pictures.of(question("a", "b")), first);
    if (!joined) {
      EXPECT_EQ(pictures.of(question("a", "c")).front(), first.front());
    }
    fs::rename(dir / "moved.png", dir / "a.png");
  }
  config.join_images = false;
  const std::vector<std::string> two = QuestionPictures(config).of(question("a", "b"));
  QuestionPictures few(config, two[0].size() + two[1].size() + 40);
  (void)few.of(question("a", "b"));
  (void)few.of(question("b", "c"));  // no room for all three: the oldest goes
  fs::remove(dir / "a.png");
  fs::remove(dir / "c.png");
  EXPECT_THAT(few.of(question("b", "c")), SizeIs(2));
  EXPECT_THROW((void)few.of(question("a", "b")), DataError);
}

TEST(ChatAnswer, IsTakenApart) {
  const ChatAnswer answer = parse_chat_answer(
      R"({"id": "x", "system_fingerprint": null, "choices": [{"message": {"content": "Score: 3",
          "refusal": null}}], "usage": {"prompt_tokens": 900, "completion_tokens": 7}})");
  EXPECT_EQ(answer.text, "Score: 3");
  EXPECT_EQ(answer.refusal, "");
  EXPECT_EQ(answer.id, "x");
  EXPECT_EQ(answer.input_tokens, 900);
  EXPECT_EQ(answer.output_tokens, 7);
  const ChatAnswer parts = parse_chat_answer(
      R"({"choices": [{"message": {"content": [{"type": "text", "text": "Score: "},
          {"type": "text", "text": "2"}]}}]})");
  EXPECT_EQ(parts.text, "Score: 2");
  EXPECT_EQ(parts.input_tokens, 0);
  EXPECT_EQ(parse_chat_answer(R"({"choices": [{"message": {"content": null, "refusal": "No."}}]})")
                .refusal,
            "No.");
  EXPECT_THAT(
      parse_chat_answer(
          R"({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]})")
          .refusal,
      HasSubstr("content filter"));
  for (const char* usage :
       {"null", "7", "{}", R"({"prompt_tokens": null, "completion_tokens": null})",
        R"({"prompt_tokens": "many", "completion_tokens": []})"}) {
    const ChatAnswer uncounted = parse_chat_answer(
        std::string(R"({"choices": [{"message": {"content": "Score: 1"}}], "usage": )") + usage +
        "}");
    EXPECT_EQ(uncounted.text, "Score: 1") << usage;
    EXPECT_EQ(uncounted.input_tokens, 0) << usage;
    EXPECT_EQ(uncounted.output_tokens, 0) << usage;
  }
  for (const char* wrong : {"", "<html>", "{}", R"({"choices": []})", "[1]"}) {
    EXPECT_THAT([&] { (void)parse_chat_answer(wrong); },
                ThrowsMessage<DataError>(HasSubstr("no answer of a chat server")))
        << wrong;
  }
}

TEST(ModelWarnings, AreAboutAModelThatIsNotThereOrGoes) {
  using testing::ElementsAre;
  using testing::IsEmpty;
  constexpr const char* kList = R"({"data": [{"id": "old", "shutdown_date": "2027-01-14"},
                                     {"id": "dated", "shutdown_date": 1800000000},
                                     {"id": "new", "shutdown_date": null}, {"id": "plain"}]})";
  EXPECT_THAT(model_warnings(kList, "old"),
              ElementsAre(HasSubstr("old will be shut down (2027-01-14)")));
  EXPECT_THAT(model_warnings(kList, "dated"), ElementsAre(HasSubstr("(1800000000)")));
  EXPECT_THAT(model_warnings(kList, "new"), IsEmpty());
  EXPECT_THAT(model_warnings(kList, "plain"), IsEmpty());
  EXPECT_THAT(model_warnings(kList, "other"),
              ElementsAre("other is not among the models that the server lists: old, dated, new, "
                          "plain"));
  for (const char* other : {"", "<html>", "{}", "[]", R"({"data": []})", R"({"data": [1]})"}) {
    EXPECT_THAT(model_warnings(other, "new"), IsEmpty()) << other;
  }
}

TEST(ChatError, SaysWhyInOneLine) {
  EXPECT_EQ(chat_error(R"({"error": {"message": "no\nkey"}})"), "no key");
  EXPECT_EQ(chat_error(R"({"error": "no model"})"), "no model");
  EXPECT_EQ(chat_error(R"({"message": "busy"})"), "busy");
  EXPECT_EQ(chat_error("<html>\r\n"), "<html>  ");
  EXPECT_EQ(chat_error(""), "no reason given");
  EXPECT_THAT(chat_error(std::string(10000, 'x')), SizeIs(300));
  const std::string thousand_letters = [] {
    std::string text = "x";
    for (int i = 0; i < 1000; ++i) text += "ü";
    return text;
  }();
  EXPECT_THAT(chat_error(thousand_letters), SizeIs(299)) << "300 would cut a letter in two";
}

// evaluation.md 3.8: the published texts and prices give 9.12 on CP and 11.16 on PF for 1350 items.
TEST(Cost, IsNearThePublishedProtocols) {
  const JudgeConfig config{.price_input = 5, .price_output = 15, .image_tokens = 255};
  const RubricTexts subject{.user = std::string(2582, 'x'), .assistant = std::string(1717, 'x')};
  const RubricTexts text{.user = std::string(2500, 'x'), .assistant = std::string(1584, 'x')};
  const TokenCount cp = expected_tokens(config, subject, RatingTask::kCp, "");
  EXPECT_NEAR(1350 * price_of(config, cp), 9.12, 0.2);
  const TokenCount pf = expected_tokens(config, text, RatingTask::kPf, std::string(104, 'x'));
  EXPECT_NEAR(1350 * price_of(config, pf), 11.16, 0.2);
}

}  // namespace
}  // namespace mentor
