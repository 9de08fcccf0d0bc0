#include "mentor/app/build.h"
#include "mentor/app/inference_tools.h"
#include "mentor/app/picture_writer.h"
#include "mentor/core/error.h"
#include "mentor/core/filesystem.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/core/progress.h"

#include <c10/core/InferenceMode.h>
#include <nlohmann/json.hpp>

#include <iostream>
#include <optional>
#include <set>

namespace mentor {
namespace {

/// The requests of the command line or of --requests.
std::vector<GenerateRequest> requests_of(const GenerateOptions& options) {
  const GenerateConfig& config = options.run.config.generate;
  if (!options.requests.empty()) return read_requests(options.requests, config);
  GenerateRequest request;
  request.text = options.prompt;
  request.images.assign(options.images.begin(), options.images.end());
  request.objects = options.objects;
  request.task = config.task;
  request.seed = static_cast<uint64_t>(config.seed);
  request.count = config.count;
  if (request.task == "none" && request.prompt() != request.text) {
    log::info("the prompt has no <image>: its pictures come before it (--task chooses a template)");
  }
  return {request};
}

int64_t count_pictures(const std::vector<GenerateRequest>& requests) {
  int64_t count = 0;
  for (const GenerateRequest& request : requests) count += request.count;
  return count;
}

/// One warning for all prompts. Pictures are drawn of whatever the model takes such words for.
void warn_of_unknown_words(const std::set<std::string>& words) {
  constexpr size_t kMost = 8;
  if (words.empty()) return;
  std::string named;
  size_t count = 0;
  for (const std::string& word : words) {
    if (++count > kMost) break;
    named += format("{}'{}'", named.empty() ? "" : ", ", word);
  }
  if (words.size() > kMost) named += format(" and {} more", words.size() - kMost);
  log::warn("the model does not know {}: it sees single letters or nothing in their place", named);
}

/// Everything about a run but its models, so that a mistake is found before they are loaded.
class Session {
 public:
  Session(LoadedRunConfig run, const fs::path& out)
      : run_(std::move(run)),
        runtime_(start_runtime(run_.config.runtime)),
        tokenizer_(load_tokenizer(run_.config)),
        writer_(out, run_, runtime_.string()) {}

  /// Finds what is wrong with the requests. Keeps nothing of them: draw() reads them again, since
  /// the pixels of thousands of pictures would fill the memory.
  void check(const std::vector<GenerateRequest>& requests) const {
    std::set<std::string> unknown;
    for (const GenerateRequest& request : requests) {
      (void)prepare(request);
      for (const std::string& word : tokenizer_.unknown_words(request.prompt())) {
        unknown.insert(word);
      }
    }
    writer_.require_room(count_pictures(requests));
    warn_of_unknown_words(unknown);
  }

  void load() { generator_.emplace(load_models(run_.config, runtime_), run_.config.generate); }

  /// Draws and writes all pictures; returns their files.
  std::vector<fs::path> draw(const std::vector<GenerateRequest>& requests,
                             const fs::path& save_tokens = {});

  [[nodiscard]] const GenerateConfig& defaults() const { return run_.config.generate; }
  [[nodiscard]] const StageTimes& times() const { return generator_->times(); }

 private:
  [[nodiscard]] PreparedRequest prepare(const GenerateRequest& request) const {
    return prepare_request(request, tokenizer_, run_.config.model, prepare_options(run_.config));
  }

  LoadedRunConfig run_;
  Runtime runtime_;
  Tokenizer tokenizer_;
  PictureWriter writer_;
  std::optional<Generator> generator_;
};

std::vector<fs::path> Session::draw(const std::vector<GenerateRequest>& requests,
                                    const fs::path& save_tokens) {
  const int64_t grid = run_.config.model.decoder.grid;
  const int64_t pictures = count_pictures(requests);
  std::optional<Progress> progress;  // from the first token on: its rate is that of decoding
  const auto on_step = [&](int64_t tokens) {
    if (!progress) {
      progress.emplace(
          ProgressOptions{.what = "decode", .unit = "tok", .total = pictures * grid * grid});
    }
    progress->advance(tokens);
  };
  std::vector<fs::path> files;
  std::vector<CodeGrid> codes;
  const auto prepare_number = [&](size_t r) { return prepare(requests[r]); };
  generator_->run(requests, prepare_number, on_step, [&](GeneratedPicture picture) {
    files.push_back(writer_.write(requests[picture.request], picture, times()));
    codes.push_back({.name = files.back().stem().string(),
                     .height = grid,
                     .width = grid,
                     .codes = std::move(picture.tokens)});
  });
  progress.reset();
  if (!save_tokens.empty()) write_codes(save_tokens, codes);
  return files;
}

/// One answer per request. A request that cannot be served is answered with its error; the next one
/// is served all the same.
void serve(Session& session, std::istream& in, std::ostream& out) {
  session.load();
  std::string line;
  for (int64_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    nlohmann::ordered_json answer;
    try {
      const GenerateRequest request = parse_request(line, format("standard input:{}", number), ".",
                                                    session.defaults(), format("{:06}", number));
      answer["id"] = request.id;
      session.check({request});
      for (const fs::path& file : session.draw({request})) {
        answer["files"].push_back(file.string());
      }
    } catch (const UserError& e) {
      answer["error"] = e.what();
    }
    out << answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  }
}

}  // namespace

void generate_pictures(const GenerateOptions& options, std::istream& in, std::ostream& out) {
  const c10::InferenceMode inference;
  Session session(options.run, options.out);
  if (options.serve_input) {
    serve(session, in, out);
    return;
  }
  const std::vector<GenerateRequest> requests = requests_of(options);
  session.check(requests);
  session.load();
  const std::vector<fs::path> files = session.draw(requests, options.save_tokens);
  const StageTimes& times = session.times();
  log::info("encode {:.2f} s, prefill {:.2f} s, decode {:.2f} s ({:.1f} tok/s), codec {:.2f} s",
            times.encode, times.prefill, times.decode, times.tokens_per_second(), times.codec);
  for (const fs::path& file : files) out << file.string() << "\n";
}

}  // namespace mentor
