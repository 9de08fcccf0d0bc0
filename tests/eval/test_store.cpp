#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/store.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>

namespace mentor {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::ThrowsMessage;

Attempt attempt_at(int64_t prompt, RatingStatus status) {
  Attempt attempt{.key = {.task = RatingTask::kPf,
                          .run = 1,
                          .item = {.subject = {Category::kStyle, 7}, .prompt = prompt}},
                  .status = status,
                  .answer = "Ünlike \"it\"\nScore: 3",
                  .parser = "lenient",
                  .judge = {.model = "m", .host = "h", .parameters = "{}", .rubric = "r"},
                  .content_key = "abc",
                  .seed = 2147483647,
                  .input_tokens = 1100,
                  .cost = 0.0061,
                  .time = "2026-01-31T12:00:00Z"};
  if (status == RatingStatus::kOk) attempt.score = 3;
  return attempt;
}

TEST(RatingStore, KeepsAttemptsAndTheLastOneCounts) {
  const TempDir dir;
  const fs::path file = ratings_file(dir / "out");
  {
    RatingStore store(file);
    store.append(attempt_at(0, RatingStatus::kHttpError));
    store.append(attempt_at(0, RatingStatus::kOk));
    store.append(attempt_at(1, RatingStatus::kRefused));
  }
  const std::vector<Attempt> attempts = read_attempts(file);
  ASSERT_THAT(attempts, SizeIs(3));
  const Attempt& second = attempts[1];
  EXPECT_EQ(second.key, attempt_at(0, RatingStatus::kOk).key);
  EXPECT_EQ(second.score, 3);
  EXPECT_EQ(second.answer, "Ünlike \"it\"\nScore: 3");
  EXPECT_EQ(second.judge, attempt_at(0, RatingStatus::kOk).judge);
  EXPECT_EQ(second.seed, 2147483647);
  EXPECT_EQ(second.cost, 0.0061);
  const Ratings ratings = last_attempts(attempts);
  ASSERT_THAT(ratings, SizeIs(2));
  EXPECT_EQ(ratings.begin()->second.status, RatingStatus::kOk);
  EXPECT_EQ(ratings.rbegin()->second.status, RatingStatus::kRefused);
  EXPECT_THAT(read_attempts(dir / "none.jsonl"), SizeIs(0));
}

TEST(RatingStore, CutsHalfALine) {
  const TempDir dir;
  const fs::path file = dir / "ratings.jsonl";
  { RatingStore(file).append(attempt_at(0, RatingStatus::kOk)); }
  const std::string line = read_text(file);
  for (const size_t bytes : {size_t{1}, line.size() / 2, line.size() - 1}) {
    write_text(file, line + line.substr(0, bytes));
    EXPECT_THAT(read_attempts(file), SizeIs(1)) << bytes;
    {
      RatingStore store(file);
      EXPECT_THAT(store.attempts(), SizeIs(1));
      store.append(attempt_at(1, RatingStatus::kOk));
    }
    EXPECT_THAT(read_attempts(file), SizeIs(2)) << bytes;
  }
}

TEST(RatingStore, NamesDamageAndRivals) {
  const TempDir dir;
  const fs::path file = dir / "ratings.jsonl";
  RatingStore store(file);
  store.append(attempt_at(0, RatingStatus::kOk));
  EXPECT_THAT([&] { RatingStore again(file); },
              ThrowsMessage<UserError>(HasSubstr("another 'mentor evaluate judge' writes it")));
  const std::string line = read_text(file);
  for (const auto& [damaged, why] : std::map<std::string, std::string>{
           {line + "{\"task\":\n" + line, "ratings.jsonl:2: is no rating"},
           {line + "{}\n", "ratings.jsonl:2: is no rating"},
           {line.substr(0, line.find("\"ok\"")) + "\"odd\"" + line.substr(line.find("\"ok\"") + 4),
            "ratings.jsonl:1: 'odd' is no status"}}) {
    write_text(file, damaged);
    EXPECT_THAT([&] { (void)read_attempts(file); }, ThrowsMessage<DataError>(HasSubstr(why)));
  }
  write_text(dir / "taken", "");
  EXPECT_THAT([&] { RatingStore blocked(dir.path() / "taken" / "ratings.jsonl"); },
              ThrowsMessage<UserError>(HasSubstr("taken")));
}

TEST(JudgeIdentity, IsTheSameAtAnotherAddress) {
  const JudgeIdentity judge = {"qwen", "localhost", "{}", "own rubric"};
  EXPECT_EQ(judge, (JudgeIdentity{"qwen", "127.0.0.1", "{}", "own rubric"}));
  EXPECT_NE(judge, (JudgeIdentity{"llava", "localhost", "{}", "own rubric"}));
  EXPECT_NE(judge, (JudgeIdentity{"qwen", "localhost", "{\"a\": 1}", "own rubric"}));
  EXPECT_NE(judge, (JudgeIdentity{"qwen", "localhost", "{}", "official"}));
}

}  // namespace
}  // namespace mentor
