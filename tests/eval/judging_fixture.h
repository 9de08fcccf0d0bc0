#pragma once

#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/eval/input.h"
#include "mentor/eval/judging.h"
#include "support/drawn_dataset.h"
#include "support/mock_chat_server.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mentor {

/// "A toy 02 in place 7" -> 2 + 7; what the judges of these tests answer depends on it.
inline int64_t caption_number(const std::string& caption) {
  return std::stoll(caption.substr(6, 2)) + caption.back() - '0';
}

/// CP 3 for everything, PF by the caption.
inline MockReply fair_reply(const MockRequest& request, int64_t) {
  const std::string caption = request.caption();
  if (caption.empty()) return chat_reply("Score: 3", 1000, 10);
  return chat_reply(format("Some.\nScore: {}", caption_number(caption) % 5), 900, 200);
}

/// Judges four drawn subjects by a mock server.
class Judging : public testing::Test {
 protected:
  Judging() {
    draw_dataset(dir_ / "data", {{"object", 3}, {"style", 1}});
    std::vector<std::string> problems;
    dataset_ = read_dataset(dir_ / "data", {Category::kObject, Category::kStyle}, problems);
    draw_samples(dir_ / "samples", dataset_);
    config_.dataset = dir_ / "data";
    config_.samples = dir_ / "samples";
    config_.out = dir_ / "out";
    config_.judge.model = "mock";
    config_.judge.key_variable = "";
    config_.judge.runs = 2;
    config_.judge.image_size = 32;
    config_.judge.backoff = 0.001;
    config_.judge.price_input = 5;
    config_.judge.price_output = 15;
  }

  JudgingState judge(const MockChatServer& server) {
    config_.judge.url = server.url();
    return judge();
  }
  JudgingState judge() { return judge_samples(config_, read_input(config_).items); }

  [[nodiscard]] std::string error(const MockChatServer& server) {
    try {
      judge(server);
    } catch (const UserError& e) {
      return e.what();
    }
    return "no error";
  }
  [[nodiscard]] std::vector<Attempt> attempts() const {
    return read_attempts(ratings_file(config_.out));
  }

  TempDir dir_;
  Dataset dataset_;
  EvaluateConfig config_;
};

inline constexpr int64_t kItems = 4 * 9;

}  // namespace mentor
