#include "judge_http.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/core/random.h"
#include "mentor/core/words.h"
#include "mentor/eval/chat.h"
#include "mentor/eval/cost.h"
#include "mentor/eval/judge.h"
#include "mentor/eval/rate_limit.h"
#include "mentor/eval/score_parser.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>

namespace mentor {
namespace {

constexpr int64_t kMostLostInARow = 10;  // questions without an answer before giving up
constexpr double kLongPause = 5;         // seconds that are worth a line
constexpr double kLongestWait = 0.5;     // seconds between looks at interrupts

double seconds_now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

/// The key in the environment variable that the configuration names.
std::string read_key(const std::string& variable) {
  if (variable.empty()) return "";
  const char* value = std::getenv(variable.c_str());
  const std::string key = value != nullptr ? value : "";
  if (key.empty()) {
    throw ConfigError(
        format("evaluate.judge.key_variable: the environment variable {} is not set: export it, or "
               "set evaluate.judge.key_variable to '' for a server without keys",
               variable));
  }
  if (std::ranges::any_of(key, [](char c) { return c <= ' ' || c > '~'; })) {
    throw ConfigError(format(
        "evaluate.judge.key_variable: {} holds blanks or line breaks, which no key has", variable));
  }
  return key;
}

void check_settings(const JudgeConfig& config) {
  if (config.model.empty()) {
    throw ConfigError("evaluate.judge.model: is not set: name a model of the server");
  }
  if (url_host(config.url).empty()) {
    throw ConfigError(format(
        "evaluate.judge.url: '{}' is no address, such as http://localhost:8000/v1", config.url));
  }
  if (config.url.find('@') != std::string::npos) {
    throw ConfigError(
        "evaluate.judge.url: holds a name or password, which would be logged: a key belongs into "
        "the variable of evaluate.judge.key_variable");
  }
  if (config.max_cost > 0 && config.price_input + config.price_output <= 0) {
    throw ConfigError(
        "evaluate.judge.max_cost: needs price_input and price_output, from which costs follow");
  }
}

HttpOptions http_options(const JudgeConfig& config, const std::string& key, const char* path) {
  HttpOptions options{
      .url = config.url, .timeout = config.timeout, .connections = config.in_flight};
  while (options.url.ends_with('/')) options.url.pop_back();
  options.url += path;
  if (!key.empty()) options.headers.push_back("Authorization: Bearer " + key);
  return options;
}

/// A question under way or waiting for its next repetition.
struct Asked {
  const Question* question = nullptr;
  int repetitions = 0;  // after no answer
  int64_t seeds = 0;    // after an answer without a score, in this process
  int64_t seed = 0;
  TokenCount expected;
};

class ChatJudge : public Judge {
 public:
  ChatJudge(const JudgeConfig& config, const Rubric& rubric, std::string key, double spent)
      : config_(config),
        rubric_(rubric),
        key_(std::move(key)),
        identity_{.model = config.model,
                  .host = url_host(config.url),
                  .parameters = judge_parameters(config),
                  .rubric = rubric.label},
        rule_(parser_rule(config, identity_)),
        spent_(spent),
        pictures_(config),
        requests_(static_cast<double>(config.requests_per_minute)),
        tokens_(static_cast<double>(config.tokens_per_minute)),
        posts_(http_options(config, key_, "/chat/completions")) {}

  [[nodiscard]] const JudgeIdentity& identity() const override { return identity_; }

  void rate(const std::vector<Question>& questions, const Recorder& record) override {
    if (!questions.empty()) check_server();
    questions_ = &questions;
    record_ = &record;
    do {
      // One at a time: its pictures take a while to encode, and what is answered meanwhile is to be
      // in the file, not in a socket.
      const double delay = start_one();
      for (const HttpReply& reply : posts_.wait(std::min(delay, kLongestWait))) take(reply);
    } while (posts_.in_flight() > 0 || (!stopping() && has_more()));
    if (!stop_reason_.empty()) throw UserError(stop_reason_);
  }

 private:
  [[nodiscard]] bool has_more() const {
    return next_ < questions_->size() || !repetitions_.empty();
  }
  [[nodiscard]] bool stopping() const { return !stop_reason_.empty() || interrupted(); }

  /// GET /models: a wrong key, an unreachable server and a model that is about to go are found
  /// before a picture is sent. A server that has no such list is asked all the same.
  void check_server() {
    constexpr double kMostSeconds = 10;
    HttpOptions options = http_options(config_, key_, "/models");
    options.timeout = std::min(config_.timeout, kMostSeconds);
    options.connections = 1;
    options.get = true;
    HttpPosts list(options);
    list.start(0, "");
    std::vector<HttpReply> replies;
    while (replies.empty() && !interrupted()) replies = list.wait(kLongestWait);
    if (replies.empty()) return;
    const HttpReply& reply = replies.front();
    if (reply.no_server || reply.status == 401) {
      throw UserError(format("{}: {}: {}", config_.url, error_of(reply), fatal_cure(reply)));
    }
    if (reply.status != 200) return;
    for (const std::string& warning : model_warnings(reply.body, config_.model)) {
      log::warn("{}: {}", config_.url, warning);
    }
  }

  [[nodiscard]] std::string error_of(const HttpReply& reply) const {
    return reply.status == 0 ? reply.error
                             : without_key(format("{}: {}", reply.status, chat_error(reply.body)));
  }

  /// Asks nothing more, and throws when the answers under way are in. The first reason counts.
  void stop(std::string reason) {
    if (stop_reason_.empty()) stop_reason_ = std::move(reason);
  }

  /// Starts one question if it may start now; returns the seconds until another may.
  double start_one() {
    if (stopping() || posts_.in_flight() >= config_.in_flight) return kLongestWait;
    const double now = seconds_now();
    const double pause = std::max({resume_at_ - now, requests_.wait(now), tokens_.wait(now), 0.0});
    if (pause > 0) return pause;
    if (!repetitions_.empty() && repetitions_.begin()->first <= now) {
      start(repetitions_.extract(repetitions_.begin()).mapped());
    } else if (next_ < questions_->size()) {
      start({.question = &questions_->at(next_++)});
    } else {
      return repetitions_.empty() ? kLongestWait : repetitions_.begin()->first - now;
    }
    return 0;
  }

  void start(Asked asked) {
    const Question& question = *asked.question;
    const ItemKey& item = question.key.item;
    const RubricTexts& rubric = rubric_.of(question.key.task, item.subject.category);
    asked.expected = expected_tokens(config_, rubric, question.key.task, question.caption);
    const double expected_cost = price_of(config_, asked.expected);
    if (config_.max_cost > 0 && spent_ + reserved_ + expected_cost > config_.max_cost) {
      stop(format(
          "evaluate.judge.max_cost: {:.4f} of {} are spent, and the next question may exceed it: "
          "raise it and run the same command again, which goes on where this ended",
          spent_, config_.max_cost));
      return;
    }
    asked.seed = static_cast<int64_t>(
        stream_seed(
            static_cast<uint64_t>(config_.seed), "judge",
            {static_cast<uint64_t>(question.key.task), static_cast<uint64_t>(question.key.run),
             static_cast<uint64_t>(item.subject.category), uint64_t(item.subject.index),
             uint64_t(item.prompt), uint64_t(item.sample),
             uint64_t(question.answers + asked.seeds)}) >>
        33);  // 31 bits
    std::string body;
    try {
      body = chat_request(config_, rubric, question, pictures_.of(question), asked.seed);
    } catch (const DataError& e) {  // a picture that was there before is gone or half written
      stop(e.what());
      return;
    }
    reserved_ += expected_cost;
    requests_.take(1);
    tokens_.take(asked.expected.input + asked.expected.output);
    posts_.start(next_tag_, std::move(body));
    under_way_.emplace(next_tag_++, asked);
  }

  void take(const HttpReply& reply) {
    Asked asked = under_way_.extract(reply.tag).mapped();
    reserved_ -= price_of(config_, asked.expected);
    Attempt attempt = asked.question->attempt(identity_);
    attempt.seed = asked.seed;
    attempt.seconds = reply.seconds;
    if (reply.status == 200) {
      take_answer(reply, asked, attempt);
    } else if (is_refusal(reply)) {
      attempt.error = without_key(chat_error(reply.body));
      take_refusal(asked, attempt);
    } else {
      take_failure(reply, asked, attempt);
    }
  }

  void take_answer(const HttpReply& reply, Asked& asked, Attempt& attempt) {
    ChatAnswer answer;
    try {
      answer = parse_chat_answer(reply.body);
    } catch (const DataError& e) {
      attempt.error = e.what();
      take_unreadable(reply, asked, attempt);
      return;
    }
    lost_in_a_row_ = 0;
    has_answer_ = true;
    attempt.answer = without_key(answer.text);
    attempt.response_id = answer.id;
    attempt.system_fingerprint = answer.system_fingerprint;
    attempt.input_tokens = answer.input_tokens;
    attempt.output_tokens = answer.output_tokens;
    TokenCount used = asked.expected;  // a guess, where the server does not say
    if (answer.input_tokens > 0) {
      used = {.input = static_cast<double>(answer.input_tokens),
              .output = static_cast<double>(answer.output_tokens)};
    }
    attempt.cost = price_of(config_, used);
    spent_ += attempt.cost;
    tokens_.take(used.input + used.output - asked.expected.input - asked.expected.output);
    if (!answer.refusal.empty()) {
      attempt.error = without_key(answer.refusal);
      take_refusal(asked, attempt);
      return;
    }
    apply_parser(attempt, rule_);
    if (attempt.status == RatingStatus::kOk) {
      (*record_)(attempt, /*last=*/true);
    } else {
      ask_again(asked, attempt);
    }
  }

  /// The server says that it worked, so it is paid. What it sent is kept for people to read.
  void take_unreadable(const HttpReply& reply, Asked& asked, Attempt& attempt) {
    constexpr size_t kMostBytes = size_t{1} << 16;
    attempt.answer = cut_text(without_key(reply.body), kMostBytes);
    charge_guess(asked, attempt);
    repeat(asked, attempt, /*retry_after=*/0);
  }

  /// As far as it can be guessed what a question costs that the server may have worked on.
  void charge_guess(const Asked& asked, Attempt& attempt) {
    attempt.cost = price_of(config_, asked.expected);
    spent_ += attempt.cost;
  }

  void take_refusal(Asked& asked, Attempt& attempt) {
    attempt.status = RatingStatus::kRefused;
    ask_again(asked, attempt);
  }

  /// With another seed: what was said held no score.
  void ask_again(Asked& asked, const Attempt& attempt) {
    const bool last = asked.seeds >= config_.new_seeds;
    (*record_)(attempt, last);
    if (last) return;
    ++asked.seeds;
    repetitions_.emplace(seconds_now(), asked);
  }

  void take_failure(const HttpReply& reply, Asked& asked, Attempt& attempt) {
    attempt.error = error_of(reply);
    // The question was sent, and may have been answered too late.
    if (reply.status == 0 && !reply.no_server) charge_guess(asked, attempt);
    const std::string cure = fatal_cure(reply);
    if (!cure.empty()) {
      attempt.status = RatingStatus::kHttpError;
      (*record_)(attempt, /*last=*/true);
      stop(format("{}: {} of {}, run {}: {}: {}", config_.url, task_name(attempt.key.task),
                  attempt.key.item.string(), attempt.key.run, attempt.error, cure));
      return;
    }
    repeat(asked, attempt, reply.retry_after);
    if (reply.status == 429) {
      pause(reply.retry_after > 0 ? reply.retry_after : backoff_seconds(config_.backoff, 0, 0));
    }
  }

  /// Nobody asks for so long.
  void pause(double seconds) {
    const double now = seconds_now(), until = now + seconds;
    if (until - std::max(resume_at_, now) > kLongPause) {
      log::info("{}: too many questions: waits {:.0f} s, as it asks for", config_.url, seconds);
    }
    resume_at_ = std::max(resume_at_, until);
  }

  /// The same question again, later: no answer came.
  void repeat(Asked& asked, Attempt& attempt, double retry_after) {
    attempt.status = RatingStatus::kHttpError;
    const bool last = asked.repetitions >= config_.retries;
    (*record_)(attempt, last);
    if (last) {
      if (++lost_in_a_row_ < kMostLostInARow) return;
      stop(format(
          "{}: {} questions in a row got no answer ({}): run the same command again when the "
          "server works; it goes on where this ended",
          config_.url, lost_in_a_row_, attempt.error));
      return;
    }
    const double chance = unit_interval(mix64(static_cast<uint64_t>(++jitter_)));
    const double delay = backoff_seconds(config_.backoff, asked.repetitions++, chance);
    repetitions_.emplace(seconds_now() + std::max(delay, retry_after), asked);
  }

  /// Some servers answer 400 when their filter dislikes a picture.
  [[nodiscard]] static bool is_refusal(const HttpReply& reply) {
    if (reply.status != 400) return false;
    return reply.body.find("content_filter") != std::string::npos ||
           reply.body.find("content_policy") != std::string::npos;
  }

  /// What to do about a failure that repeating does not cure; "" for the others.
  [[nodiscard]] std::string fatal_cure(const HttpReply& reply) const {
    if (reply.no_server && !has_answer_) {
      return "check evaluate.judge.url, the network, and for https:// the server's certificate";
    }
    const int64_t status = reply.status;
    if (status == 401 || status == 403) {
      return config_.key_variable.empty()
                 ? "name the environment variable of a key in evaluate.judge.key_variable"
                 : format("check the key in the environment variable {}", config_.key_variable);
    }
    if (status >= 300 && status < 400) {
      return "the server sends its clients to another address: set evaluate.judge.url to that";
    }
    if (status == 404) return "check evaluate.judge.url and evaluate.judge.model";
    if (reply.body.find("insufficient_quota") != std::string::npos) {
      return "the account has no credit left";
    }
    const bool passes = status == 0 || status == 408 || status == 409 || status == 425 ||
                        status == 429 || status >= 500;
    return passes ? ""
                  : "the server cannot take such questions: see evaluate.judge.send_seed, detail, "
                    "assistant_turn, join_images and extra_body";
  }

  /// Servers may repeat the key; nothing of ours may.
  [[nodiscard]] std::string without_key(std::string text) const {
    for (size_t at = text.find(key_); !key_.empty() && at != std::string::npos;
         at = text.find(key_, at)) {
      text.replace(at, key_.size(), "***");
    }
    return text;
  }

  JudgeConfig config_;
  Rubric rubric_;
  std::string key_;
  JudgeIdentity identity_;
  std::string rule_;
  double spent_;
  double reserved_ = 0;  // what the questions under way may cost
  QuestionPictures pictures_;
  RateLimit requests_, tokens_;
  HttpPosts posts_;

  const std::vector<Question>* questions_ = nullptr;
  const Recorder* record_ = nullptr;
  size_t next_ = 0;
  uint64_t next_tag_ = 0;
  std::map<uint64_t, Asked> under_way_;
  std::multimap<double, Asked> repetitions_;  // by the time at which they may start
  double resume_at_ = 0;
  int64_t lost_in_a_row_ = 0;
  int64_t jitter_ = 0;
  bool has_answer_ = false;
  std::string stop_reason_;
};

}  // namespace

std::unique_ptr<Judge> make_chat_judge(const JudgeConfig& config, const Rubric& rubric,
                                       double spent) {
  check_settings(config);
  return std::make_unique<ChatJudge>(config, rubric, read_key(config.key_variable), spent);
}

}  // namespace mentor
