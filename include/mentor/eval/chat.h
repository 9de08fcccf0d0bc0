#pragma once

#include "mentor/eval/evaluate_config.h"
#include "mentor/eval/question.h"
#include "mentor/eval/rubric.h"
#include "mentor/image/image.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mentor {

// Questions and answers in the language of OpenAI's /chat/completions, without the network.

/// A picture file as a judge gets it: upright, on white, stretched to a square, JPEG.
[[nodiscard]] Image judge_picture(const fs::path& file, int64_t side);

/// Pictures of questions as data URLs. Those made last are kept: nine prompts have one reference,
/// both tasks one generated picture.
class QuestionPictures {
 public:
  static constexpr size_t kMostBytes = size_t{16} << 20;
  explicit QuestionPictures(const JudgeConfig& config, size_t most_bytes = kMostBytes)
      : config_(config), most_bytes_(most_bytes) {}
  QuestionPictures(const QuestionPictures&) = delete;
  QuestionPictures& operator=(const QuestionPictures&) = delete;

  /// Reference and generated for CP (with join_images both in one), generated for PF. DataError for
  /// a file that cannot be read.
  [[nodiscard]] std::vector<std::string> of(const Question& question);

 private:
  using Kept = std::list<std::pair<std::string, std::string>>;  // key and address, the newest first

  /// What is kept by the key, else what `make` gives, which is kept then; without a key it is not.
  std::string kept(const std::string& key, const std::function<std::string()>& make);

  JudgeConfig config_;
  size_t most_bytes_, bytes_ = 0;
  Kept kept_;
  std::unordered_map<std::string, Kept::iterator> places_;
};

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
