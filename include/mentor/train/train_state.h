#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <string>

namespace mentor {

/// Where a run stands: all that resuming needs beside weights and moments. There are no states of
/// random generators in it: every random choice comes from a stream that is a function of the seed
/// and of step, epoch or record.
struct TrainState {
  int64_t format = 1;
  int64_t step = 0;    // optimizer steps done, skipped ones included
  int64_t epoch = 0;   // of the next sample
  int64_t sample = 0;  // its place in the epoch's order, of all ranks
  int64_t samples_seen = 0;
  int64_t tokens_seen = 0;
  int64_t updates = 0;
  int64_t skipped = 0;
  int64_t skipped_in_row = 0;
  int64_t bad_records = 0;
  double best_loss = -1;
  int64_t best_step = -1;
  double elapsed_s = 0;
  int64_t seed = 0;
  int64_t world_size = 1;
  int64_t global_batch = 0;
  int64_t epoch_samples = 0;
  std::string version;
  std::string revision;

  template <class Visitor>
  void fields(Visitor& v) {
    v("format", format, "version of this layout");
    v("step", step, "optimizer steps done");
    v("epoch", epoch, "epoch of the next sample");
    v("sample", sample, "place of the next sample in the epoch's order");
    v("samples_seen", samples_seen, "samples in the whole run");
    v("tokens_seen", tokens_seen, "prompt and image tokens in the whole run");
    v("updates", updates, "steps that changed the weights");
    v("skipped", skipped, "steps whose gradient was not finite");
    v("skipped_in_row", skipped_in_row, "of them, the last ones in a row");
    v("bad_records", bad_records, "records that were left out");
    v("best_loss", best_loss, "lowest validation loss; negative: none yet");
    v("best_step", best_step, "its step");
    v("elapsed_s", elapsed_s, "seconds of training");
    v("seed", seed, "of the run");
    v("world_size", world_size, "ranks that wrote this");
    v("global_batch", global_batch, "samples of a step");
    v("epoch_samples", epoch_samples, "samples of an epoch, of all ranks");
    v("version", version, "of the program");
    v("revision", revision, "git revision it was built from");
  }
};

}  // namespace mentor
