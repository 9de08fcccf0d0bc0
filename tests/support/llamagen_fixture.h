#pragma once

#include "mentor/models/llamagen.h"
#include "mentor/nn/parameters.h"
#include "mentor/nn/state.h"
#include "mentor/tensor/safetensors.h"
#include "support/golden.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

namespace mentor {

inline nlohmann::json read_json(const std::string& relative) {
  return nlohmann::json::parse(std::ifstream(fixture_path(relative)));
}

/// The decoder dimensions of a meta.json; every dropout off.
inline LlamaGenConfig decoder_config(const nlohmann::json& json, const std::string& rope) {
  LlamaGenConfig config;
  config.dim = json.at("dim");
  config.num_layers = json.at("n_layer");
  config.num_heads = json.at("n_head");
  config.multiple_of = json.at("multiple_of");
  config.vocab_size = json.at("vocab_size");
  config.cond_len = json.at("cls_token_num");
  config.cond_dim = json.value("caption_dim", config.dim);
  const int64_t block_size = json.at("block_size");
  config.grid = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(block_size))));
  config.rope_base = json.value("rope_base", 10000);
  config.norm_eps = json.value("norm_eps", 1e-5);
  config.rope_condition = rope;
  config.token_dropout = config.residual_dropout = config.ffn_dropout = 0;
  config.condition_dropout = 0;
  if (json.value("model_type", "t2i") == "c2i") {
    config.condition = "class";
    config.num_classes = json.at("num_classes");
  }
  return config;
}

/// The reference's left-padded prefixes [B, cls, C] and mask [B, cls] without their padding.
inline Condition packed_condition(const at::Tensor& cond_BLC, const at::Tensor& mask_BL) {
  Condition condition;
  std::vector<at::Tensor> rows;
  for (int64_t b = 0; b < cond_BLC.size(0); ++b) {
    const auto length = mask_BL[b].sum().item<int64_t>();
    condition.lengths.push_back(length);
    rows.push_back(cond_BLC[b].slice(0, cond_BLC.size(1) - length));
  }
  condition.features = at::cat(rows);
  return condition;
}

/// Greedy decoding as the reference's generate() with arg max: logits [B, T, V] that chose each
/// token, and the tokens [B, T]. Guidance ends after decode step `interval` unless it is -1.
struct GreedyResult {
  at::Tensor tokens_BT, logits_BTV;
};
inline GreedyResult decode_greedily(LlamaGen& model, const Condition& condition, double scale,
                                    int64_t interval, int64_t num_tokens) {
  const at::NoGradGuard no_grad;
  const bool guided = scale > 1;
  auto cond = model->prefill(condition, model->config().cond_len + num_tokens);
  auto uncond = model->prefill(guided ? model->unconditional(condition.lengths) : condition,
                               model->config().cond_len + num_tokens);
  at::Tensor cond_BV = cond.logits_BV, uncond_BV = uncond.logits_BV;
  std::vector<at::Tensor> tokens, logits;
  for (int64_t t = 0; t < num_tokens; ++t) {
    const bool guide = guided && (t == 0 || interval < 0 || t - 1 <= interval);
    logits.push_back(guide ? uncond_BV + (cond_BV - uncond_BV) * scale : cond_BV);
    tokens.push_back(logits.back().argmax(-1));
    if (t + 1 == num_tokens) break;
    cond_BV = model->decode_step(tokens.back(), t, cond.cache);
    uncond_BV = model->decode_step(tokens.back(), t, uncond.cache);
  }
  return {.tokens_BT = at::stack(tokens, 1), .logits_BTV = at::stack(logits, 1)};
}

}  // namespace mentor
