#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace mentor {

/// What measures likeness without a judge: CLIP-I, CLIP-T, DINO and DINOv2.
struct EmbedConfig {
  std::filesystem::path clip, dino, dinov2;
  int64_t batch = 16;
  /// Different photos of one thing have a DINO of 77 and a CLIP-I of 88 on average (DreamBooth,
  /// arXiv 2208.12242, table 1); the same picture compressed again has a DINO above 95.
  double copy_threshold = 90, copy_threshold_clip_i = 95;

  [[nodiscard]] bool has_networks() const {
    return !clip.empty() || !dino.empty() || !dinov2.empty();
  }

  template <class Visitor>
  void fields(Visitor& v) {
    v("clip", clip,
      "folder of huggingface.co/openai/clip-vit-base-patch32, for CLIP-I and CLIP-T; empty: these "
      "are left out");
    v("dino", dino,
      "file dino_deitsmall8_pretrain.pth of github.com/facebookresearch/dino (ViT-S/8); empty: "
      "left "
      "out");
    v("dinov2", dinov2, "folder of huggingface.co/facebook/dinov2-small; empty: left out");
    v("batch", batch, "pictures that are embedded at once", bound::between(1, 4096));
    v("copy_threshold", copy_threshold,
      "a picture is a copy of its reference from this DINO on, else from this DINOv2",
      bound::between(-100, 100));
    v("copy_threshold_clip_i", copy_threshold_clip_i,
      "the same where CLIP-I alone was measured, which is 88 for different photos of one thing",
      bound::between(-100, 100));
  }
};

/// Ratings out of likeness: `judge.kind: similarity`. Four ascending values each, from which on a
/// picture gets 1, 2, 3 and 4. Defaults: a straight line through the means that seven methods have
/// on DreamBench++ (its tables of CP, PF, DINO-I, CLIP-I and CLIP-T). For a quick look; it follows
/// the judge's means over methods, not over pictures.
struct SimilarityJudgeConfig {
  std::string cp_metric = "auto";
  std::vector<double> dino = {22, 44, 65, 87};
  std::vector<double> clip_i = {62, 73, 83, 94};
  std::vector<double> clip_t = {24.5, 27.8, 31, 34.3};

  template <class Visitor>
  void fields(Visitor& v) {
    v("cp_metric", cp_metric, "what CP comes from; auto: DINO, else DINOv2, else CLIP-I",
      bound::one_of({"auto", "dino", "dinov2", "clip_i"}));
    v("dino", dino, "DINO or DINOv2 from which on CP is 1, 2, 3 and 4");
    v("clip_i", clip_i, "CLIP-I from which on CP is 1, 2, 3 and 4");
    v("clip_t", clip_t, "CLIP-T from which on PF is 1, 2, 3 and 4");
  }
};

}  // namespace mentor
