#pragma once

#include "mentor/config/fields.h"
#include "mentor/eval/embed_config.h"
#include "mentor/eval/report_config.h"
#include "mentor/eval/sample_config.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mentor {

/// Who rates the pictures, and how it is asked. Defaults: the published protocol, as far as the
/// judge it used still exists.
struct JudgeConfig {
  std::string kind = "http";
  std::string url = "https://api.openai.com/v1";
  std::string model;
  std::string key_variable = "OPENAI_API_KEY";
  std::filesystem::path prompts;
  std::filesystem::path replay;
  int64_t runs = 3;
  int64_t seed = 0;
  double temperature = 1;
  int64_t image_size = 512;
  int64_t jpeg_quality = 75;
  std::string detail = "high";
  bool send_seed = true;
  bool assistant_turn = true;
  bool join_images = false;
  int64_t max_completion_tokens = 0;
  std::string extra_body;
  std::string parser = "auto";
  int64_t in_flight = 16;
  int64_t requests_per_minute = 0;
  int64_t tokens_per_minute = 0;
  double timeout = 120;
  int64_t retries = 8;
  double backoff = 1;
  int64_t new_seeds = 5;
  double price_input = 0;
  double price_output = 0;
  double max_cost = 0;
  int64_t image_tokens = 765;
  SimilarityJudgeConfig similarity;

  template <class Visitor>
  void fields(Visitor& v) {
    v("kind", kind,
      "http: a chat server with OpenAI's interface; replay: answers of another run; oracle: "
      "measures pictures of the toy world, without a server; similarity: thresholds on what "
      "'mentor "
      "evaluate embed' measured",
      bound::one_of({"http", "replay", "oracle", "similarity"}));
    v("url", url, "address of the server; /chat/completions is added to it");
    v("model", model, "name of the model at the server");
    v("key_variable", key_variable,
      "environment variable that holds the key; empty for a server without keys");
    v("prompts", prompts,
      "folder of the official prompt files (dreambench_plus/prompts); empty: our own rubric, whose "
      "figures are not comparable");
    v("replay", replay,
      "with kind replay: the ratings.jsonl whose answers about the same pictures are read again");
    v("runs", runs, "complete runs over all pictures", bound::between(1, 1000));
    v("seed", seed, "what the seeds of the questions are drawn from", bound::non_negative());
    v("temperature", temperature, "of the judge", bound::non_negative());
    v("image_size", image_size, "pictures are stretched to a square of so many pixels",
      bound::between(16, 4096));
    v("jpeg_quality", jpeg_quality, "of the pictures sent", bound::between(1, 100));
    v("detail", detail, "how closely the judge looks at pictures; omit: not said",
      bound::one_of({"high", "low", "auto", "omit"}));
    v("send_seed", send_seed, "send a seed with each question; false for servers that reject one");
    v("assistant_turn", assistant_turn,
      "the judge's own plan as a turn of the assistant; false: all in one turn of the user");
    v("join_images", join_images,
      "reference and picture side by side in one, for servers that take one picture a question");
    v("max_completion_tokens", max_completion_tokens, "longest answer; 0: not said",
      bound::non_negative());
    v("extra_body", extra_body,
      "JSON object merged into each request, as in '{\"top_p\": 0.9}'; null removes a key");
    v("parser", parser,
      "strict: the official rule; lenient: also takes markdown and the last of several scores; "
      "auto: strict for gpt-4o with the official prompts",
      bound::one_of({"auto", "strict", "lenient"}));
    v("in_flight", in_flight, "questions under way at the same time", bound::between(1, 1024));
    v("requests_per_minute", requests_per_minute, "at most; 0: no limit", bound::non_negative());
    v("tokens_per_minute", tokens_per_minute, "at most; 0: no limit", bound::non_negative());
    v("timeout", timeout, "seconds to wait for an answer", bound::positive());
    v("retries", retries, "repetitions of a question that got no answer (429, 5xx, time-out)",
      bound::between(0, 1000));
    v("backoff", backoff, "seconds before the first repetition; each next one waits twice as long",
      bound::positive());
    v("new_seeds", new_seeds, "repetitions of a question whose answer held no score",
      bound::between(0, 1000));
    v("price_input", price_input, "price of a million tokens sent", bound::non_negative());
    v("price_output", price_output, "price of a million tokens answered", bound::non_negative());
    v("max_cost", max_cost, "stop before all attempts together cost more; 0: no limit",
      bound::non_negative());
    v("image_tokens", image_tokens, "tokens of a picture, for 'mentor evaluate estimate'",
      bound::non_negative());
    v("similarity", similarity, "with kind similarity: what ratings come from");
  }
};

/// Evaluation by the protocol of DreamBench++.
struct EvaluateConfig {
  std::filesystem::path dataset;
  std::filesystem::path samples;
  std::filesystem::path out;
  std::vector<std::string> categories = {"animal", "human", "object", "style"};
  std::vector<std::string> tasks = {"cp", "pf"};
  int64_t samples_per_prompt = 1;
  bool allow_partial = false;
  SampleConfig generate;
  EmbedConfig embed;
  JudgeConfig judge;
  EvaluationReportConfig report;

  template <class Visitor>
  void fields(Visitor& v) {
    v("dataset", dataset, "folder of the data set, with images/ and captions/");
    v("samples", samples, "folder of one method's pictures: src_image/, tgt_image/ and text/");
    v("out", out, "folder for the ratings and all that is made of them");
    v("categories", categories, "of the data set",
      bound::one_of({"animal", "human", "object", "style"}));
    v("tasks", tasks, "cp: is it the subject of the reference? pf: is it what the prompt asks for?",
      bound::one_of({"cp", "pf"}));
    v("samples_per_prompt", samples_per_prompt, "pictures of each prompt (P_0, P_1, ...)",
      bound::between(1, 1000));
    v("allow_partial", allow_partial,
      "go on when pictures or ratings are missing, and report what there is");
    v("generate", generate, "how 'mentor evaluate generate' makes the pictures");
    v("embed", embed, "what 'mentor evaluate embed' measures likeness with");
    v("judge", judge, "who rates the pictures");
    v("report", report, "what 'mentor evaluate report' shows beside the ratings");
  }
};

}  // namespace mentor
