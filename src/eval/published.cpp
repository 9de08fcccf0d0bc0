#include "mentor/eval/published.h"

namespace mentor {
namespace {

constexpr double kNot = kNoScore;  // not published

// Columns: animal, human, object, style, CP, photorealistic, style, imaginative, PF, CP·PF, CP/PF.
// clang-format off
constexpr PublishedRow kLeaderboard[] = {
    {"DreamBooth LoRA", "SDXL",
     {.751, .311, .543, .718, .598, .898, .895, .754, .865, .517, kNot}},
    {"IP-Adapter ViT-G", "SDXL",
     {.667, .558, .504, .752, .593, .743, .632, .446, .640, .380, kNot}},
    {"Emu2", "SDXL",
     {.670, .546, .447, .454, .528, .732, .719, .560, .690, .364, kNot}},
    {"DreamBooth", "SD1.5",
     {.640, .199, .488, .476, .494, .789, .775, .504, .721, .356, kNot}},
    {"IP-Adapter-Plus ViT-H", "SDXL",
     {.900, .845, .759, .912, .833, .502, .384, .279, .413, .344, kNot}},
    {"BLIP-Diffusion", "SD1.5",
     {.673, .557, .469, .507, .547, .581, .510, .303, .495, .271, kNot}},
    {"Textual Inversion", "SD1.5",
     {.502, .358, .305, .358, .378, .671, .686, .437, .624, .236, kNot}},
};

constexpr PublishedRow kMentor[] = {
    {"MENTOR", "LlamaGen-XL, 2.31B",
     {.65, .36, .57, .47, .55, .86, .85, .80, .84, .47, .65}, 2},
    {"Unified-IO2", "7B",
     {.77, .80, .64, .82, .72, .24, .18, .11, .19, .14, 3.79}, 2},
    {"Lumina-mGPT", "Chameleon, 7B",
     {.95, .97, .89, .85, .91, .31, .25, .15, .25, .23, 3.64}, 2},
    {"DreamEngine", "SD3.5, 10.5B",
     {.76, .72, .61, .73, .68, .44, .37, .25, .37, .26, 1.84}, 2},
    {"Kosmos-G", "SD1.5, 3B",
     {.62, .63, .46, .57, .54, .48, .62, .41, .51, .28, 1.06}, 2},
    {"Kosmos-G on MENTOR's data", "SD1.5",
     {.17, .08, .14, .18, .15, .72, .71, .68, .71, .11, kNot}, 2},
};

// What version 2 adds or prints otherwise.
constexpr PublishedRow kMentorAgain[] = {
    {"MENTOR", "LlamaGen-XL, 2.31B",
     {kNot, kNot, kNot, kNot, .56, kNot, kNot, kNot, .84, .47, .66}, 2},
    {"IP-Adapter ViT-G", "SDXL, 2.50B",
     {kNot, kNot, kNot, kNot, .59, kNot, kNot, kNot, .64, .38, .92}, 2},
    {"DreamBooth LoRA", "SDXL, 2.60B",
     {kNot, kNot, kNot, kNot, .60, kNot, kNot, kNot, .87, .52, .69}, 2},
    {"Lumina-mGPT", "Chameleon, 7B",
     {kNot, kNot, kNot, kNot, kNot, kNot, kNot, kNot, kNot, kNot, 3.63}, 2},
};

constexpr PublishedRow kAblations[] = {
    {"MENTOR", "3 seeds",
     {kNot, kNot, kNot, kNot, .555, kNot, kNot, kNot, .839, .466, kNot}, 3, .006, .002},
    {"no stage 1", "stage 1 left out",
     {kNot, kNot, kNot, kNot, .179, kNot, kNot, kNot, .673, .120, kNot}, 3, .002, .012},
    {"no segmentation in stage 1", "its segmentation records left out",
     {kNot, kNot, kNot, kNot, .252, kNot, kNot, kNot, .479, .121, kNot}, 3, .004, .005},
    {"no image recovery", "recovery records of stage 2 left out",
     {kNot, kNot, kNot, kNot, .661, kNot, kNot, kNot, .284, .188, kNot}, 3, .007, .004},
    {"no segmentation in stage 2", "its segmentation records left out",
     {kNot, kNot, kNot, kNot, .412, kNot, kNot, kNot, .918, .378, kNot}, 3, .002, .003},
    {"no multimodal text-to-image", "\"t2i\" records of stage 2 left out",
     {kNot, kNot, kNot, kNot, .407, kNot, kNot, kNot, .910, .370, kNot}, 3, .004, .004},
    {"query connector", "projector replaced by a Q-Former",
     {kNot, kNot, kNot, kNot, .421, kNot, kNot, kNot, .882, .371, kNot}, 3, .002, .000},
    {"multi-image training", "data added",
     {kNot, kNot, kNot, kNot, .586, kNot, kNot, kNot, .829, .486, kNot}, 3, .006, .005},
    {"GRPO", "training added",
     {kNot, kNot, kNot, kNot, kNot, kNot, kNot, kNot, kNot, .527, kNot}},
};

constexpr PublishedRow kHumans[] = {
    {"DreamBooth LoRA", "SDXL",
     {kNot, kNot, kNot, kNot, .571, kNot, kNot, kNot, .821, .469, kNot}},
    {"IP-Adapter-Plus ViT-H", "SDXL",
     {kNot, kNot, kNot, kNot, .755, kNot, kNot, kNot, .541, .408, kNot}},
    {"IP-Adapter ViT-G", "SDXL",
     {kNot, kNot, kNot, kNot, .570, kNot, kNot, kNot, .688, .392, kNot}},
    {"DreamBooth", "SD1.5",
     {kNot, kNot, kNot, kNot, .453, kNot, kNot, kNot, .679, .308, kNot}},
    {"BLIP-Diffusion", "SD1.5",
     {kNot, kNot, kNot, kNot, .513, kNot, kNot, kNot, .577, .296, kNot}},
    {"Emu2", "SDXL",
     {kNot, kNot, kNot, kNot, .410, kNot, kNot, kNot, .641, .263, kNot}},
    {"Textual Inversion", "SD1.5",
     {kNot, kNot, kNot, kNot, .316, kNot, kNot, kNot, .604, .191, kNot}},
};

constexpr PublishedRow kDistillation[] = {
    {"Diffusion Self-Distillation", "",
     {.647, .567, .640, kNot, .631, .777, kNot, .625, .726, .458, kNot}},
};
// clang-format on

constexpr PublishedReconstruction kReconstructions[] = {
    {"MENTOR", .1008, .0867}, {"DreamEngine", .2065, .2052}, {"EMU2-Gen", .3828, .2869}};

constexpr std::string_view kOfficialJudge = "gpt-4o-2024-05-13, no longer served";

constexpr PublishedTable kAblationTable = {"MENTOR's ablations", "arXiv 2507.09574",
                                           "GPT-4o by the official protocol", "", kAblations};

constexpr PublishedTable kTables[] = {
    {"DreamBench++ leaderboard", "dreambenchplus.github.io, mean of 3 judge runs", kOfficialJudge,
     "", kLeaderboard},
    {"MENTOR's table", "arXiv 2507.09574", "GPT-4o by the official protocol",
     "rounded to 2 digits; MENTOR's CP·PF is that of 0.555 and 0.839", kMentor},
    {"MENTOR's table, version 2", "arXiv 2507.09574v2", "GPT-4o by the official protocol",
     "rounded to 2 digits; what version 1 lacks or prints otherwise", kMentorAgain},
    kAblationTable,
    {"Rated by people", "DreamBench++, human ratings of the same pictures", "people",
     "CP·PF multiplied by us", kHumans},
    {"Diffusion Self-Distillation", "its authors", "GPT-4o by the official protocol",
     "CP and PF are means of categories without style, not of items", kDistillation},
};

}  // namespace

std::span<const PublishedTable> published_tables() { return kTables; }

const PublishedTable& published_ablations() { return kAblationTable; }

std::span<const PublishedReconstruction> published_reconstructions() { return kReconstructions; }

}  // namespace mentor
