#pragma once

#include "mentor/eval/evaluate_config.h"
#include "mentor/eval/judge.h"
#include "mentor/eval/rubric.h"
#include "mentor/image/image.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mentor {

// Questions and answers in the language of OpenAI's /chat/completions, without the network.

/// A picture file as a judge gets it: upright, on white, stretched to a square, JPEG.
[[nodiscard]] Image judge_picture(const fs::path& file, int64_t side);

/// Pictures of a question as data URLs: reference and generated for CP (with join_images both in
/// one), generated for PF.
[[nodiscard]] std::vector<std::string> question_pictures(const JudgeConfig& config,
                                                         const Question& question);

/// The body of a request. ConfigError when judge.extra_body is no JSON object.
[[nodiscard]] std::string chat_request(const JudgeConfig& config, const RubricTexts& rubric,
                                       const Question& question,
                                       const std::vector<std::string>& pictures, int64_t seed);

struct ChatAnswer {
  std::string text;
  std::string refusal;  // why the judge declined; "" if it did not
  std::string id, system_fingerprint;
  int64_t input_tokens = 0, output_tokens = 0;
};
/// DataError for a body that is no answer of a chat server.
[[nodiscard]] ChatAnswer parse_chat_answer(std::string_view body);

/// What the answer to GET /models says against the model: it is not listed, or will be shut down.
/// Nothing for a body that is no such list.
[[nodiscard]] std::vector<std::string> model_warnings(std::string_view body,
                                                      const std::string& model);

/// What a server's error page says, in one line.
[[nodiscard]] std::string chat_error(std::string_view body);

/// The settings that change answers, as JSON.
[[nodiscard]] std::string judge_parameters(const JudgeConfig& config);

}  // namespace mentor
