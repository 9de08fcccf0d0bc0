#pragma once

#include "mentor/config/yaml.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace mentor {

// The paper's ablations on the toy world: `mentor toy ablate`.

/// A row of the table: what is left out, as changes of the two stages' configurations.
struct AblationRow {
  std::string paper = "none";
  bool skip_stage1 = false;
  std::string budget = "default";
  std::vector<std::string> stage1, stage2;

  template <class Visitor>
  void fields(Visitor& v) {
    v("paper", paper,
      "row of the paper's table that it stands beside (eval/published.h); one row is MENTOR, the "
      "full model",
      bound::one_of({"none", "MENTOR", "no stage 1", "no segmentation in stage 1",
                     "no image recovery", "no segmentation in stage 2",
                     "no multimodal text-to-image"}));
    v("skip_stage1", skip_stage1, "stage 2 begins where stage 1 would");
    v("budget", budget, "instead of the table's",
      bound::one_of({"default", "same_steps", "removed"}));
    v("stage1", stage1, "KEY=VALUE, as after --set, for this row's stage 1 alone");
    v("stage2", stage2, "the same for its stage 2");
  }
};

/// What `mentor toy ablate` is told by its file.
struct AblationConfig {
  std::filesystem::path stage1, stage2, out;
  std::vector<std::string> set, set_stage1, set_stage2, set_cases;
  int64_t seeds = 3;
  int64_t sweep_seeds = 0;
  int64_t cases = 300;
  int64_t case_seed = 1;
  std::string budget = "same_steps";
  std::vector<double> guidance_scales, condition_dropouts;
  std::map<std::string, AblationRow> rows;

  template <class Visitor>
  void fields(Visitor& v) {
    v("stage1", stage1, "configuration of stage 1, as for 'mentor train'");
    v("stage2", stage2, "configuration of stage 2; its section generate draws the cases");
    v("out", out, "folder of the trainings, the pictures and the report");
    v("set", set, "KEY=VALUE, as after --set, for every training and for the cases");
    v("set_stage1", set_stage1, "the same for every stage 1");
    v("set_stage2", set_stage2, "the same for every stage 2");
    v("set_cases", set_cases, "the same for the cases, after `set`");
    v("seeds", seeds, "trainings of each row; of the order of samples and of what they are made of",
      bound::between(1, 1000));
    v("sweep_seeds", sweep_seeds, "of them, those that the figures are made with; 0: all",
      bound::between(0, 1000));
    v("cases", cases, "pictures of held-out subjects that each training draws",
      bound::between(1, 1e6));
    v("case_seed", case_seed, "what the cases are drawn from", bound::non_negative());
    v("budget", budget,
      "same_steps: all rows train for equally many steps, what is left out leaves its share to the "
      "rest; removed: it takes its steps with it",
      bound::one_of({"same_steps", "removed"}));
    v("guidance_scales", guidance_scales, "at which the full model draws again, for a figure",
      bound::non_negative());
    v("condition_dropouts", condition_dropouts,
      "with which stage 2 of the full model is trained again, for a figure", bound::between(0, 1));
    v("rows", rows, "the table, under names of your choice");
  }
};

struct LoadedAblation {
  AblationConfig config;
  Origins origins;
};

[[nodiscard]] LoadedAblation load_ablation(const std::filesystem::path& file,
                                           const std::vector<Override>& overrides);

struct AblateOptions {
  LoadedAblation ablation;
  int64_t num_processes = 0;  // trainings at a time; 0: one for each core
  bool plan_only = false;     // say what would be done
};

/// Trains every row with every seed by `mentor train`, one thread each, draws the cases, scores
/// them, and writes ablations.md and report.html. What is finished is not done again. Returns the
/// exit code. ConfigError for rows that do not fit together; UserError for parts that are missing
/// and for a folder that holds other trainings than these.
[[nodiscard]] int ablate(const AblateOptions& options, std::ostream& out);

}  // namespace mentor
