#include "support/rank_variables.h"
#include "support/train_program.h"

#include <memory>

// What a user can do wrong with mentor train: each ends in one message that says where, what and
// how to put it right.

namespace mentor {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class TrainInput : public TrainProgram {
 protected:
  /// The one message in which a run of two steps must end.
  [[nodiscard]] std::string message_of(TrainCall call) const {
    call.set.insert(call.set.begin(), "train.steps=2");
    call.more.insert(call.more.end(), {"--log-level", "error"});
    const ProgramResult result = run(call);
    expect_one_message(result, "");
    return result.err;
  }
  [[nodiscard]] std::string message_of(const std::string& set) const {
    return message_of(TrainCall{.set = {set}});
  }

  /// A file in place of the records, and the words that name it.
  [[nodiscard]] std::string spoiled(const std::string& entry, const std::string& lines) const {
    write_text(path("spoiled.jsonl"), lines);
    return "data.mixture." + entry + ".file=" + path("spoiled.jsonl");
  }
};

TEST_F(TrainInput, FilesThatAreNotThere) {
  EXPECT_THAT(message_of("data.mixture.segmentation.file=" + path("none.jsonl")),
              HasSubstr("data.mixture.segmentation.file: there is no file " + path("none.jsonl")));
  EXPECT_THAT(message_of("data.validation=" + path("none.jsonl")),
              HasSubstr("data.validation: there is no file"));
  EXPECT_THAT(message_of("train.init_from=" + path("none")),
              HasSubstr("train.init_from: " + path("none") + " does not exist"));
  EXPECT_THAT(message_of("weights.codec=" + path("none")), HasSubstr("weights.codec: "));
  EXPECT_THAT(message_of(TrainCall{.config = "none.yaml"}), HasSubstr("none.yaml"));
  EXPECT_FALSE(fs::exists(path("run/checkpoints")));
}

TEST_F(TrainInput, RecordsThatCannotBeUsed) {
  std::string records = photos_.records();
  const std::string place = path("spoiled.jsonl") + ":7: image_path: is missing";
  size_t begin = 0;
  for (int line = 1; line < 7; ++line) begin = records.find('\n', begin) + 1;
  records.erase(records.find("\"image_path\"", begin), std::string("\"image_path\":").size());
  records.insert(records.find("\"photo", begin), "\"unknown\":");
  EXPECT_THAT(message_of(spoiled("reconstruction", records)),
              AllOf(HasSubstr("data.mixture.reconstruction.file: 1 bad records among 120"),
                    HasSubstr("data.bad_record_limit (0.001)"), HasSubstr(place)));
  TrainCall all{
      .set = {spoiled("reconstruction", records), "data.mixture.reconstruction.tasks=[]"}};
  EXPECT_THAT(message_of(all), HasSubstr(place));
  all.out = "tolerant";
  train(with(all, {"train.steps=1", "data.bad_record_limit=0.01"}));

  // Only the loader sees pictures.
  records = photos_.records();
  for (size_t at = 0; (at = records.find("photo", at)) != records.npos;) {
    records.replace(at, 5, "absent");
  }
  const TrainCall half{.set = {spoiled("text_to_image", records), "train.global_batch=36"}};
  EXPECT_THAT(message_of(half),
              AllOf(HasSubstr("bad records among"), HasSubstr("'mentor data check' lists them"),
                    ContainsRegex("spoiled.jsonl:[0-9]+: .*absent_.*png does not exist")));
}

TEST_F(TrainInput, HeldOutRecordsThatCannotBeReadAreLeftOut) {
  std::string records = read_text(path("validation.jsonl"));
  const size_t lines = static_cast<size_t>(std::ranges::count(records, '\n'));
  records.replace(records.find("photo"), 5, "absent");
  write_text(path("held_out.jsonl"), records);
  const TrainCall call{.ranks = 2,
                       .set = {"data.validation=" + path("held_out.jsonl"), "train.steps=1",
                               "train.validate_every=1"}};
  const ProgramResult result = run(call);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, ContainsRegex("1 of [0-9]+ held-out records are left out; the first: "
                                        ".*held_out.jsonl:1: .*absent"));
  ASSERT_EQ(metrics("run", "validation").size(), 1U) << result.err;
  EXPECT_EQ(metrics("run", "validation").back().at("samples"), lines - 1);
  // More ranks than records.
  train({.out = "few",
         .ranks = 2,
         .set = {"data.validation=" + path("validation.jsonl"), "data.validation_samples=1",
                 "train.steps=1", "train.validate_every=1"}});
  ASSERT_EQ(metrics("few", "validation").size(), 1U);
  EXPECT_EQ(metrics("few", "validation").back().at("samples"), 1);
  for (size_t at = 0; (at = records.find("photo", at)) != records.npos;) {
    records.replace(at, 5, "absent");
  }
  write_text(path("held_out.jsonl"), records);
  TrainCall unreadable = call;
  unreadable.out = "none";
  const ProgramResult none = run(unreadable);
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("no held-out record can be used"));
}

TEST_F(TrainInput, DataThatDoNotMakeARun) {
  EXPECT_THAT(message_of(TrainCall{.config = "weights/config.yaml"}),
              HasSubstr("data.mixture: names no file: add an entry"));
  EXPECT_THAT(message_of(TrainCall{.set = {"data.mixture.text_to_image.samples=0",
                                           "data.mixture.reconstruction.weight=0",
                                           "data.mixture.segmentation.weight=0"}}),
              HasSubstr("data.mixture: every entry is switched off"));
  EXPECT_THAT(message_of(spoiled("segmentation", "")), HasSubstr("holds no record"));
  EXPECT_THAT(message_of(TrainCall{.config = "stage2.yaml", .set = {"data.backgrounds="}}),
              HasSubstr("recovery records need data.backgrounds"));
  EXPECT_THAT(message_of("train.global_batch=73"),
              HasSubstr("a step takes 73 samples, an epoch of data.mixture has 72: lower it"));
}

TEST_F(TrainInput, OptionsThatDoNotFitTogether) {
  EXPECT_THAT(message_of("train.globl_batch=4"), HasSubstr("did you mean 'train.global_batch'?"));
  EXPECT_THAT(message_of(R"(train.trainable=["layer.*"])"),
              HasSubstr("no parameter is called 'layer.*' (did you mean 'layers.*'?)"));
  EXPECT_THAT(message_of(R"(train.trainable=["multimodal_encoder.vision_model.*"])"),
              HasSubstr("the vision tower is always frozen"));
  EXPECT_THAT(
      message_of(TrainCall{.set = {"schedule.horizon=micro_steps", "train.token_budget=4096"}}),
      HasSubstr("train.token_budget: must be 0 with schedule.horizon micro_steps"));
  EXPECT_THAT(message_of(TrainCall{.more = {"--resume", path("weights")}}),
              HasSubstr("--resume: " + path("weights") + " is no checkpoint and holds none"));
  write_text(path("file"), "");
  EXPECT_THAT(message_of(TrainCall{.out = "file"}), HasSubstr("file: is a file, where a folder"));
  EXPECT_THAT(message_of(TrainCall{.out = "file/run"}), HasSubstr("cannot write"));
  EXPECT_THAT(message_of("train.init_from=" + path("weights/codec.safetensors")),
              HasSubstr("codec.safetensors holds no decoder"));
}

TEST_F(TrainInput, AModelThatCannotFitIsRefusedWithTheArithmetic) {
  // Before any weights are read: these files are those of a very small model.
  EXPECT_THAT(message_of(TrainCall{.set = {"model.preset=mentor-xl", "train.micro_batch=4096",
                                           "train.global_batch=4096",
                                           "data.mixture.text_to_image.samples=4096"}}),
              AllOf(HasSubstr("weights 9."), HasSubstr(" + gradients "), HasSubstr(" + optimizer "),
                    HasSubstr(" + activations "), HasSubstr("(4096 samples) = "),
                    HasSubstr("this cannot fit. Lower train.micro_batch")));
}

TEST_F(TrainInput, CheckpointsThatCannotBeContinued) {
  train({.set = {"train.steps=1"}});
  const fs::path whole = checkpoint("run", 1);
  EXPECT_THAT(message_of(TrainCall{.set = {"model.decoder.num_layers=3", "model.decoder.dim=64"}}),
              AllOf(HasSubstr("step_00000001: is a checkpoint of another model"),
                    HasSubstr("model.decoder.dim: 128 in the checkpoint, 64 now; "
                              "model.decoder.num_layers: 4 in the checkpoint, 3 now")));
  EXPECT_THAT(message_of("train.freeze=all"),
              HasSubstr("is not complete: another set of parameters was trained"));
  const auto damaged = [&](const std::string& file, uintmax_t size) {
    fs::remove_all(path("damaged"));
    fs::copy(whole, path("damaged"));
    size > 0 ? fs::resize_file(path("damaged/" + file), size)
             : static_cast<void>(fs::remove(path("damaged/" + file)));
    return message_of(TrainCall{.out = "other", .more = {"--resume", path("damaged")}});
  };
  const auto size = [&](const char* file) { return fs::file_size(whole / file); };
  EXPECT_THAT(damaged("model.safetensors", 1000), HasSubstr("model.safetensors: header length"));
  EXPECT_THAT(damaged("model.safetensors", size("model.safetensors") - 1),
              HasSubstr("model.safetensors: tensor "));
  EXPECT_THAT(damaged("model.safetensors", 0), HasSubstr("model.safetensors does not exist"));
  const std::string shard = "optimizer.rank00000.safetensors";
  EXPECT_THAT(damaged(shard, 1000), HasSubstr(shard + ": header length"));
  EXPECT_THAT(damaged(shard, 0), HasSubstr("a rank's file is missing"));
  EXPECT_THAT(damaged("state.yaml", size("state.yaml") / 2),
              ContainsRegex("state.yaml: .* is missing: the file is damaged"));
  EXPECT_THAT(damaged("config.yaml", 0), HasSubstr("config.yaml: cannot open"));
  train({.set = {"train.steps=2"}});
  // The cure that a damaged checkpoint's message names.
  const fs::path state = checkpoint("run", 2) / "state.yaml";
  fs::resize_file(state, fs::file_size(state) / 2);
  EXPECT_THAT(message_of(TrainCall{}), HasSubstr("take an earlier checkpoint with --resume DIR"));
  train({.set = {"train.steps=2"}, .more = {"--resume", checkpoint("run", 1).string()}});
  EXPECT_TRUE(fs::exists(path("run/checkpoints/superseded_step_00000002")));
}

TEST_F(TrainInput, RanksThatCannotWorkTogether) {
  const TrainCall odd{.ranks = 2, .set = {"train.global_batch=3", "train.steps=1"}};
  const ProgramResult indivisible = run(odd);
  const std::string message =
      "train.global_batch: 3 samples do not divide among 2 ranks: take 2 or 4, or another number "
      "of ranks\n";
  EXPECT_EQ(indivisible.exit_code, 2);
  EXPECT_THAT(indivisible.err, ContainsRegex("error: rank [01] of 2 failed first"));
  EXPECT_THAT(indivisible.err, EndsWith(message));

  const FreePort taken;
  taken.listen();
  std::vector<std::string> command = words({.ranks = 2, .set = {"train.steps=1"}});
  command.insert(command.begin() + 2, {"--master", "127.0.0.1:" + std::to_string(taken.number())});
  expect_one_message(run_program(command), "port in use: another program or run has ");
}

TEST_F(TrainInput, RanksThatFindOtherCheckpoints) {
  train({.out = "one", .set = {"train.steps=1"}});
  const FreePort port;
  // As where a network file system shows the checkpoint to the first node only.
  const auto start = [&](int rank, const std::string& out) {
    return std::make_unique<StartedProgram>(
        words({.out = out, .set = {"train.steps=2"}}),
        ProgramStart{.environment = rank_variables(rank, 2, port.number())});
  };
  const auto first = start(0, "one"), second = start(1, "two");
  const std::string message = "this rank finds no checkpoint to go on from, rank 0 finds step 1";
  const ProgramResult late = second->wait();
  EXPECT_EQ(late.exit_code, 2);
  EXPECT_THAT(late.err, HasSubstr(message));
  const ProgramResult told = first->wait();
  EXPECT_EQ(told.exit_code, 2);
  EXPECT_THAT(told.err, HasSubstr(message));
  EXPECT_TRUE(fs::exists(checkpoint("one", 1)));
}

}  // namespace
}  // namespace mentor
