#include "mentor/generate/decoding.h"
#include "support/compare.h"
#include "support/llamagen_fixture.h"

#include <ATen/ATen.h>

namespace mentor {
namespace {

/// The fixture's decoder, its prefixes run one by one.
struct Decoder {
  explicit Decoder(at::ScalarType dtype = at::kFloat, bool guided = true)
      : meta(read_json("llamagen/meta.json")),
        io(read_safetensors(fixture_path("llamagen/io.safetensors"))),
        model(decoder_config(meta.at("config"), "identity")) {
    (void)load_state_dict(*model, read_safetensors(fixture_path("llamagen/weights.safetensors")),
                          dtype);
    const Condition all = packed_condition(io.at("cond"), io.at("prefix_mask"));
    int64_t begin = 0;
    for (const int64_t length : all.lengths) {
      prefixes.push_back(run_prefix(
          model, {all.features.slice(0, begin, begin + length).to(dtype), {length}}, guided));
      begin += length;
    }
  }

  at::NoGradGuard no_grad;
  nlohmann::json meta;
  StateDict io;
  LlamaGen model;
  std::vector<Prefix> prefixes;
};

TEST(GoldenDecoding, GreedyBatchEqualsTheReference) {
  const struct {
    const char* name;
    double scale;
    int64_t interval;
  } cases[] = {{"cfg1", 1, -1}, {"cfg3", 3, -1}, {"cfg3_interval4", 3, 4}};
  for (const auto& c : cases) {
    Decoder d(at::kFloat, c.scale > 1);
    std::vector<Picture> pictures;
    for (const Prefix& prefix : d.prefixes) pictures.push_back({&prefix, 0});
    const at::Tensor tokens = decode_pictures(
        d.model, pictures,
        {.guidance_scale = c.scale, .guidance_interval = c.interval, .greedy = true});
    EXPECT_TRUE(tokens.equal(d.io.at(std::string("fixed.greedy_") + c.name))) << c.name;
  }
}

TEST(Decoding, APictureDoesNotDependOnWhatSharesItsBatch) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    Decoder d(dtype);
    const SamplingOptions options{.guidance_scale = 2, .temperature = 1, .top_k = 50, .top_p = 0.9};
    std::vector<Picture> pictures;
    for (uint64_t seed = 0; seed < 4; ++seed) {
      for (const Prefix& prefix : d.prefixes) pictures.push_back({&prefix, seed});
    }
    int64_t steps = 0;
    const at::Tensor together =
        decode_pictures(d.model, pictures, options, [&](int64_t n) { steps += n; });
    EXPECT_EQ(steps, together.numel());
    for (size_t p = 0; p < pictures.size(); ++p) {
      const at::Tensor alone = decode_pictures(d.model, std::span(pictures).subspan(p, 1), options);
      EXPECT_TRUE(alone[0].equal(together[static_cast<int64_t>(p)])) << dtype << " picture " << p;
    }
  }
}

TEST(Decoding, SeedsGiveDifferentPictures) {
  Decoder d;
  const std::vector<Picture> pictures = {{&d.prefixes[0], 1}, {&d.prefixes[0], 2}};
  const at::Tensor tokens =
      decode_pictures(d.model, pictures, {.guidance_scale = 2, .temperature = 1});
  EXPECT_FALSE(tokens[0].equal(tokens[1]));
}

}  // namespace
}  // namespace mentor
