#include "mentor/eval/chat.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/words.h"
#include "mentor/image/image_io.h"
#include "mentor/image/resample.h"
#include "mentor/report/picture.h"

#include <nlohmann/json.hpp>

namespace mentor {
namespace {

using Json = nlohmann::ordered_json;

Json text_part(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

Json picture_part(const std::string& url, const std::string& detail) {
  Json picture = {{"url", url}};
  if (detail != "omit") picture["detail"] = detail;
  return {{"type", "image_url"}, {"image_url", picture}};
}

/// The last turn: what the judge is to rate.
Json question_parts(const JudgeConfig& config, const Question& question,
                    const std::vector<std::string>& pictures) {
  Json parts = Json::array();
  if (question.key.task == RatingTask::kPf) {
    parts.push_back(text_part(question.caption));
  } else if (config.join_images) {
    parts.push_back(text_part("Left: the first picture. Right: the second picture."));
  }
  for (const std::string& url : pictures) parts.push_back(picture_part(url, config.detail));
  return parts;
}

Json messages(const JudgeConfig& config, const RubricTexts& rubric, Json parts) {
  if (config.assistant_turn) {
    return {{{"role", "user"}, {"content", rubric.user}},
            {{"role", "assistant"}, {"content", rubric.assistant}},
            {{"role", "user"}, {"content", std::move(parts)}}};
  }
  parts.insert(parts.begin(), text_part(rubric.user + "\n\n" + rubric.assistant));
  return Json::array({{{"role", "user"}, {"content", std::move(parts)}}});
}

Json extra_body(const JudgeConfig& config) {
  if (config.extra_body.empty()) return Json::object();
  const Json extra = Json::parse(config.extra_body, nullptr, /*allow_exceptions=*/false);
  if (extra.is_object()) return extra;
  throw ConfigError(
      format("evaluate.judge.extra_body: '{}' is no JSON object, such as {{\"top_p\": 0.9}}",
             config.extra_body));
}

/// A text, whatever else stands there; "" for null and absent.
std::string text_or_empty(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// A number, whatever else stands there; 0 for null and absent. It decides about no answer.
int64_t count_or_zero(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<int64_t>() : 0;
}

/// The text of a message's content, which some servers give in parts.
std::string content_text(const nlohmann::json& message) {
  const auto content = message.find("content");
  if (content == message.end() || !content->is_array()) return text_or_empty(message, "content");
  std::string text;
  for (const nlohmann::json& part : *content) text += text_or_empty(part, "text");
  return text;
}

}  // namespace

Image judge_picture(const fs::path& file, int64_t side) {
  const Image image = read_image(file, kSampleDecoding);
  return resize(image, {side, side}, Filter::kBicubic);
}

std::vector<std::string> QuestionPictures::of(const Question& question) {
  const int64_t side = config_.image_size;
  const auto address = [this](const Image& picture) {
    return jpeg_address(picture, static_cast<int>(config_.jpeg_quality));
  };
  const auto address_of = [&](const fs::path& file, const std::string& sha256) {
    return kept(sha256, [&] { return address(judge_picture(file, side)); });
  };
  if (question.key.task == RatingTask::kPf) {
    return {address_of(question.generated, question.generated_sha256)};
  }
  if (!config_.join_images) {
    return {address_of(question.reference, question.reference_sha256),
            address_of(question.generated, question.generated_sha256)};
  }
  const std::string joined = question.reference_sha256 + question.generated_sha256;
  return {kept(joined, [&] {
    Image both(2 * side, side);
    paste(both, judge_picture(question.reference, side), 0, 0);
    paste(both, judge_picture(question.generated, side), side, 0);
    return address(both);
  })};
}

std::string QuestionPictures::kept(const std::string& key,
                                   const std::function<std::string()>& make) {
  if (key.empty()) return make();
  if (const auto found = places_.find(key); found != places_.end()) {
    kept_.splice(kept_.begin(), kept_, found->second);
    return kept_.front().second;
  }
  std::string address = make();
  kept_.emplace_front(key, address);
  places_.emplace(key, kept_.begin());
  bytes_ += address.size();
  while (bytes_ > most_bytes_) {
    bytes_ -= kept_.back().second.size();
    places_.erase(kept_.back().first);
    kept_.pop_back();
  }
  return address;
}

std::string chat_request(const JudgeConfig& config, const RubricTexts& rubric,
                         const Question& question, const std::vector<std::string>& pictures,
                         int64_t seed) {
  Json body = {{"model", config.model},
               {"temperature", config.temperature},
               {"messages", messages(config, rubric, question_parts(config, question, pictures))}};
  if (config.send_seed) body["seed"] = seed;
  if (config.max_completion_tokens > 0) {
    body["max_completion_tokens"] = config.max_completion_tokens;
  }
  body.merge_patch(extra_body(config));
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ChatAnswer parse_chat_answer(std::string_view body) {
  try {
    const nlohmann::json json = nlohmann::json::parse(body);
    const nlohmann::json& choice = json.at("choices").at(0);
    const nlohmann::json& message = choice.at("message");
    ChatAnswer answer{.text = content_text(message),
                      .refusal = text_or_empty(message, "refusal"),
                      .id = text_or_empty(json, "id"),
                      .system_fingerprint = text_or_empty(json, "system_fingerprint")};
    if (answer.refusal.empty() && text_or_empty(choice, "finish_reason") == "content_filter") {
      answer.refusal = "stopped by the server's content filter";
    }
    if (const auto usage = json.find("usage"); usage != json.end()) {
      answer.input_tokens = count_or_zero(*usage, "prompt_tokens");
      answer.output_tokens = count_or_zero(*usage, "completion_tokens");
    }
    return answer;
  } catch (const nlohmann::json::exception& e) {
    throw DataError(format("no answer of a chat server ({})", e.what()));
  }
}

std::vector<std::string> model_warnings(std::string_view body, const std::string& model) {
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("data") || !json["data"].is_array()) return {};
  std::string others;
  for (const nlohmann::json& listed : json["data"]) {
    if (!listed.is_object()) continue;
    const std::string id = text_or_empty(listed, "id");
    others += (others.empty() ? "" : ", ") + id;
    if (id != model) continue;
    const auto date = listed.find("shutdown_date");
    if (date == listed.end() || date->is_null()) return {};
    return {format("{} will be shut down ({}): finish all runs before, or choose another model",
                   model, date->is_string() ? date->get<std::string>() : date->dump())};
  }
  constexpr size_t kMostCharacters = 200;
  const std::string_view first = cut_text(others, kMostCharacters);
  if (first.size() < others.size()) others = std::string(first) + "...";
  if (others.empty()) return {};
  return {format("{} is not among the models that the server lists: {}", model, others)};
}

std::string chat_error(std::string_view body) {
  constexpr size_t kMostCharacters = 300;
  std::string text(body);
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) {
    const auto error = json.find("error");
    const std::string message =
        error != json.end() && error->is_object()
            ? text_or_empty(*error, "message")
            : text_or_empty(json, error != json.end() ? "error" : "message");
    if (!message.empty()) text = message;
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text.empty() ? "no reason given" : std::string(cut_text(text, kMostCharacters));
}

std::string judge_parameters(const JudgeConfig& config) {
  const Json parameters = {{"temperature", config.temperature},
                           {"seed", config.send_seed ? Json(config.seed) : Json(nullptr)},
                           {"image_size", config.image_size},
                           {"jpeg_quality", config.jpeg_quality},
                           {"detail", config.detail},
                           {"assistant_turn", config.assistant_turn},
                           {"join_images", config.join_images},
                           {"max_completion_tokens", config.max_completion_tokens},
                           {"extra_body", extra_body(config)}};
  return parameters.dump();
}

}  // namespace mentor
