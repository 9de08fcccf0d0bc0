#include "mentor/core/error.h"
#include "mentor/generate/generator.h"
#include "mentor/generate/scorer.h"
#include "mentor/image/image_io.h"
#include "mentor/image/transforms.h"
#include "mentor/models/pretrained.h"
#include "mentor/nn/loss.h"
#include "mentor/nn/parameters.h"
#include "support/checkpoint_configs.h"
#include "support/compare.h"
#include "support/llamagen_fixture.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>

namespace mentor {
namespace {

/// Everything loaded from the tiny checkpoints, in fp32.
struct EndToEnd {
  explicit EndToEnd(bool codec_ema = false)
      : meta(read_json("end_to_end/expected.json")),
        expected(read_safetensors(fixture_path("end_to_end/expected.safetensors"))),
        models(build_models(five_models_config(meta.at("config")))),
        tokenizer(Tokenizer::load(fixture_path("tokenizer"))) {
    WeightsConfig weights;
    weights.model = fixture_path("checkpoints/mentor_tiny.pt");
    weights.codec = fixture_path("checkpoints/vq_tiny.pt");
    weights.codec_ema = codec_ema;
    (void)load_pretrained(models, weights, {.dtype = at::kFloat});
    reference = read_image(fixture_path("end_to_end/reference.png"));
  }

  EncoderInput input(size_t k) const {
    const std::vector<Image> pictures(k == 0 ? 1 : 0, reference);
    return prepare_prompt(tokenizer, models.config, meta.at("prompts").at(k), pictures, false);
  }

  nlohmann::json meta;
  StateDict expected;
  ModelSet models;
  Tokenizer tokenizer;
  Image reference;
};

TEST(GoldenEndToEnd, PromptsToPictures) {
  EndToEnd e;
  const at::NoGradGuard no_grad;
  for (size_t k = 0; k < 2; ++k) {
    const std::string prompt = "prompt" + std::to_string(k);
    const EncoderInput input = e.input(k);
    const int64_t length = input.lengths.front(), cond_len = e.models.config.decoder.cond_len;
    EXPECT_TRUE(input.ids_BS[0].equal(e.expected.at(prompt + ".input_ids").slice(0, 0, length)));
    if (k == 0) {
      expect_close("end_to_end.pixel_values", input.pixels_NCHW[0],
                   e.expected.at("prompt0.pixel_values"), 1e-5);
    }
    const Condition condition = encode_prompt(e.models.encoder, input);
    expect_close("end_to_end." + prompt + ".prefix", condition.features,
                 e.expected.at(prompt + ".prefix").slice(0, cond_len - length), 2e-4);
    for (const double scale : {1.0, 3.0}) {
      const std::string name = prompt + (scale == 1.0 ? ".cfg1" : ".cfg3");
      const GreedyResult result = decode_greedily(e.models.decoder, condition, scale, -1,
                                                  e.models.config.decoder.image_len());
      EXPECT_TRUE(result.tokens_BT[0].equal(e.expected.at(name + ".codes"))) << name;
      expect_close("end_to_end." + name + ".logits", result.logits_BTV[0],
                   e.expected.at(name + ".logits"), 5e-4);
      const int64_t grid = e.models.config.decoder.grid;
      expect_close("end_to_end." + name + ".image",
                   e.models.codec->decode_codes(result.tokens_BT, grid, grid)[0],
                   e.expected.at(name + ".image"), 1e-3);
    }
  }
}

TEST(GoldenEndToEnd, AveragedCodecWeights) {
  EndToEnd e(/*codec_ema=*/true);
  const at::NoGradGuard no_grad;
  const int64_t grid = e.models.config.decoder.grid;
  expect_close(
      "end_to_end.image_ema",
      e.models.codec->decode_codes(e.expected.at("prompt0.cfg3.codes").unsqueeze(0), grid, grid)[0],
      e.expected.at("prompt0.cfg3.image_ema"), 1e-3);
}

TEST(GoldenEndToEnd, TargetPictureToCodes) {
  EndToEnd e;
  const int64_t side = e.models.config.image_size;
  std::vector<float> pixels =
      target_pixels(center_crop(read_image(fixture_path("end_to_end/target.png")), side));
  const at::Tensor target = at::from_blob(pixels.data(), {1, 3, side, side}, at::kFloat);
  expect_close("end_to_end.target", target[0], e.expected.at("target"), 1e-5);
  EXPECT_TRUE(e.models.codec->encode_to_codes(target)[0].equal(e.expected.at("target_codes")));
}

TEST(GoldenEndToEnd, TrainingStep) {
  EndToEnd e;
  for (auto* module : {static_cast<torch::nn::Module*>(e.models.encoder.get()),
                       static_cast<torch::nn::Module*>(e.models.decoder.get())}) {
    for (at::Tensor& p : module->parameters()) assign(p, p.detach().to(at::kFloat).clone());
  }
  Condition both;
  std::vector<at::Tensor> features;
  for (size_t k = 0; k < 2; ++k) {
    const Condition one = encode_prompt(e.models.encoder, e.input(k));
    features.push_back(one.features);
    both.lengths.push_back(one.lengths.front());
  }
  both.features = at::cat(features);
  const at::Tensor tokens_BT = e.expected.at("train.tokens");
  const at::Tensor logits_BTV = e.models.decoder->forward(both, tokens_BT);
  expect_close("end_to_end.train.logits", logits_BTV, e.expected.at("train.logits"), 5e-4);
  const at::Tensor loss = token_losses(logits_BTV, tokens_BT).mean();
  expect_close("end_to_end.train.loss", loss,
               at::scalar_tensor(e.meta.at("train_loss").get<double>()), 5e-5);
  loss.backward();
  const StateDict named = named_tensors(e.models);
  int compared = 0;
  for (const auto& [key, gradient] : e.expected) {
    if (!key.starts_with("train.grad.")) continue;
    expect_gradient("end_to_end." + key, named.at(key.substr(11)).grad(), gradient, 1e-3);
    ++compared;
  }
  EXPECT_GT(compared, 3);
}

TEST(Generator, BatchesSinglesAndScoresAgree) {
  EndToEnd e;
  const c10::InferenceMode inference;
  GenerateConfig config;
  config.guidance_scale = 2;
  config.max_batch = 3;
  const PrepareOptions prepare{.decode = {.apply_orientation = true, .alpha_on_white = true}};
  const auto draw = [&](const std::vector<GenerateRequest>& requests) {
    Generator generator(e.models, config);
    std::vector<PreparedRequest> prepared;
    for (const auto& request : requests) {
      prepared.push_back(prepare_request(request, e.tokenizer, e.models.config, prepare));
    }
    std::vector<GeneratedPicture> pictures;
    generator.run(prepared, {}, [&](GeneratedPicture p) { pictures.push_back(std::move(p)); });
    return pictures;
  };
  const GenerateRequest with_picture{.id = "a",
                                     .text = e.meta.at("prompts").at(0),
                                     .images = {fixture_path("end_to_end/reference.png")},
                                     .seed = 5,
                                     .count = 3};
  const GenerateRequest text_only{
      .id = "b", .text = e.meta.at("prompts").at(1), .seed = 6, .count = 2};
  const auto together = draw({with_picture, text_only});
  ASSERT_EQ(together.size(), 5u);
  const auto alone = draw({text_only});
  for (size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(together[3 + k].tokens, alone[k].tokens);
    EXPECT_EQ(together[3 + k].image, alone[k].image);
  }
  EXPECT_NE(alone[0].tokens, alone[1].tokens) << "two pictures of a request must differ";

  const ScoreRecord record{.request = text_only, .target = {}, .tokens = alone[0].tokens};
  const Score score =
      score_record(e.models, prepare_record(record, e.tokenizer, e.models.config, prepare));
  EXPECT_EQ(score.tokens, 16);
  EXPECT_GT(score.sum, 0);
  EXPECT_DOUBLE_EQ(score.mean, score.sum / 16);
}

TEST(Generator, RequestsAreReadWhenTheirBatchIsDrawn) {
  EndToEnd e;
  const c10::InferenceMode inference;
  GenerateConfig config;
  config.max_batch = 2;
  const GenerateRequest request{.id = "a", .text = e.meta.at("prompts").at(1)};
  const std::vector<GenerateRequest> requests(3, request);
  Generator generator(e.models, config);
  size_t num_drawn = 0;
  std::vector<size_t> drawn_before;
  generator.run(
      requests,
      [&](size_t r) {
        drawn_before.push_back(num_drawn);
        return prepare_request(requests[r], e.tokenizer, e.models.config, {});
      },
      {}, [&](const GeneratedPicture&) { ++num_drawn; });
  EXPECT_THAT(drawn_before, testing::ElementsAre(0U, 0U, 2U));
  EXPECT_EQ(num_drawn, 3U);
}

TEST(PreparePrompt, SaysWhatDoesNotFit) {
  EndToEnd e;
  const auto message = [&](const std::string& prompt, size_t pictures) -> std::string {
    try {
      (void)prepare_prompt(e.tokenizer, e.models.config, prompt,
                           std::vector<Image>(pictures, e.reference), false);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  };
  using testing::HasSubstr;
  EXPECT_THAT(message("a cat in <image>", 0), HasSubstr("1 <image> for 0 pictures"));
  EXPECT_THAT(message("a cat", 1), HasSubstr("0 <image> for 1 picture"));
  EXPECT_THAT(message("<image> and <image>", 1), HasSubstr("2 <image> for 1 picture"));
  std::string words;
  for (int i = 0; i < 80; ++i) words += "fox ";
  EXPECT_THAT(message(words, 0), HasSubstr("the model takes 56"));
  EXPECT_EQ(message("a fox in <image>", 1), "no error");
}

}  // namespace
}  // namespace mentor
