#include "mentor/eval/store.h"

#include "line_store.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace mentor {
namespace {

constexpr std::array<std::string_view, 2> kTaskNames = {"cp", "pf"};
constexpr std::array<std::string_view, 5> kStatusNames = {"ok", "parse_error", "refused",
                                                          "http_error", "missing"};

template <class Enum, size_t N>
Enum parse_name(const std::array<std::string_view, N>& names, std::string_view name,
                std::string_view what) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) throw DataError(format("'{}' is no {}", name, what));
  return static_cast<Enum>(found - names.begin());
}

std::string json_line(const Attempt& attempt) {
  const ItemKey& item = attempt.key.item;
  nlohmann::ordered_json line = {
      {"task", task_name(attempt.key.task)},
      {"run", attempt.key.run},
      {"category", category_name(item.subject.category)},
      {"index", item.subject.index},
      {"prompt", item.prompt},
      {"sample", item.sample},
      {"status", status_name(attempt.status)},
      {"score", nullptr},
      {"answer", attempt.answer},
      {"parser", attempt.parser},
      {"error", attempt.error},
      {"model", attempt.judge.model},
      {"host", attempt.judge.host},
      {"parameters", attempt.judge.parameters},
      {"rubric", attempt.judge.rubric},
      {"prompt_sha256", attempt.prompt_sha256},
      {"reference_sha256", attempt.reference_sha256},
      {"generated_sha256", attempt.generated_sha256},
      {"content_key", attempt.content_key},
      {"response_id", attempt.response_id},
      {"system_fingerprint", attempt.system_fingerprint},
      {"seed", attempt.seed},
      {"input_tokens", attempt.input_tokens},
      {"output_tokens", attempt.output_tokens},
      {"cost", attempt.cost},
      {"seconds", attempt.seconds},
      {"time", attempt.time},
  };
  if (attempt.score) line["score"] = *attempt.score;
  using Json = nlohmann::ordered_json;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Attempt parse_line(std::string_view text) {
  const nlohmann::json line = nlohmann::json::parse(text);
  Attempt attempt;
  attempt.key.task = parse_rating_task(line.at("task").get<std::string>());
  attempt.key.run = line.at("run");
  attempt.key.item = {
      .subject = {.category = parse_category(line.at("category").get<std::string>()),
                  .index = line.at("index")},
      .prompt = line.at("prompt"),
      .sample = line.at("sample")};
  attempt.status = parse_name<RatingStatus>(kStatusNames, line.at("status").get<std::string>(),
                                            "status of a rating");
  if (!line.at("score").is_null()) attempt.score = line.at("score").get<int64_t>();
  if (attempt.score.has_value() != (attempt.status == RatingStatus::kOk)) {
    throw DataError("a score belongs to the status ok, and to no other");
  }
  attempt.answer = line.at("answer");
  attempt.parser = line.at("parser");
  attempt.error = line.at("error");
  attempt.judge = {line.at("model"), line.at("host"), line.at("parameters"), line.at("rubric")};
  attempt.prompt_sha256 = line.at("prompt_sha256");
  attempt.reference_sha256 = line.at("reference_sha256");
  attempt.generated_sha256 = line.at("generated_sha256");
  attempt.content_key = line.at("content_key");
  attempt.response_id = line.at("response_id");
  attempt.system_fingerprint = line.at("system_fingerprint");
  attempt.seed = line.at("seed");
  attempt.input_tokens = line.at("input_tokens");
  attempt.output_tokens = line.at("output_tokens");
  attempt.cost = line.at("cost");
  attempt.seconds = line.at("seconds");
  attempt.time = line.at("time");
  return attempt;
}

/// The whole lines of `text`, which `file` names in messages.
std::vector<Attempt> parse_attempts(std::string_view text, const fs::path& file) {
  std::vector<Attempt> attempts;
  int64_t number = 0;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    ++number;
    try {
      attempts.push_back(parse_line(text.substr(0, end)));
    } catch (const nlohmann::json::exception& e) {
      throw DataError(format("{}:{}: is no rating ({}): remove the line, and it is judged again",
                             file, number, e.what()));
    } catch (const UserError& e) {
      throw DataError(
          format("{}:{}: {}: remove the line, and it is judged again", file, number, e.what()));
    }
    text.remove_prefix(end + 1);
  }
  return attempts;
}

}  // namespace

std::string_view task_name(RatingTask task) { return kTaskNames.at(static_cast<size_t>(task)); }

RatingTask parse_rating_task(std::string_view name) {
  return parse_name<RatingTask>(kTaskNames, name, "task (cp or pf)");
}

std::string_view status_name(RatingStatus status) {
  return kStatusNames.at(static_cast<size_t>(status));
}

bool is_answered(RatingStatus status) {
  return status == RatingStatus::kOk || status == RatingStatus::kParseError ||
         status == RatingStatus::kRefused;
}

std::vector<Attempt> read_attempts(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  return parse_attempts(read_text(file), file);
}

Ratings last_attempts(const std::vector<Attempt>& attempts) {
  Ratings ratings;
  for (const Attempt& attempt : attempts) ratings.insert_or_assign(attempt.key, attempt);
  return ratings;
}

const Attempt* last_answer(const std::vector<Attempt>& attempts) {
  for (auto attempt = attempts.rbegin(); attempt != attempts.rend(); ++attempt) {
    if (is_answered(attempt->status)) return &*attempt;
  }
  return nullptr;
}

StoredAnswers stored_answers(const std::vector<Attempt>& attempts) {
  StoredAnswers answers;
  for (const Attempt& attempt : attempts) {
    const bool read =
        attempt.status == RatingStatus::kOk || attempt.status == RatingStatus::kParseError;
    if (read) answers.insert_or_assign({attempt.key, attempt.content_key}, &attempt);
  }
  return answers;
}

fs::path ratings_file(const fs::path& out_folder) { return out_folder / "ratings.jsonl"; }

struct RatingStore::State {
  explicit State(const fs::path& file)
      : lines(file, "another 'mentor evaluate judge' writes it: wait, or set another evaluate.out"),
        attempts(parse_attempts(lines.text(), file)) {}

  LineStore lines;
  std::vector<Attempt> attempts;
};

RatingStore::RatingStore(const fs::path& file) : state_(std::make_unique<State>(file)) {}

RatingStore::~RatingStore() = default;

const std::vector<Attempt>& RatingStore::attempts() const { return state_->attempts; }

void RatingStore::append(const Attempt& attempt) { state_->lines.append(json_line(attempt)); }

}  // namespace mentor
