#include "mentor/train/checkpoint.h"

#include "mentor/config/yaml.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/log.h"
#include "mentor/tensor/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

namespace mentor {
namespace {

using Clock = std::chrono::steady_clock;

std::string step_name(int64_t step) { return format("step_{:08d}", step); }

fs::path marker(const fs::path& temporary, int64_t rank, const char* what) {
  return temporary / format("rank{:05d}.{}", rank, what);
}

/// Waits until every other rank has written its part into the same folder or has given up. Returns
/// what went wrong, nothing if all is there.
std::string wait_for_ranks(const fs::path& temporary, int64_t world_size, double timeout_s) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(timeout_s);
  std::string problem;
  for (int64_t rank = 1; rank < world_size; ++rank) {
    while (!fs::exists(marker(temporary, rank, "done"))) {
      if (fs::exists(marker(temporary, rank, "failed"))) {
        problem = format("rank {} could not write its part", rank);
        break;
      }
      if (Clock::now() > deadline) {
        return format(
            "rank {} did not finish its part within {:.0f} s (is {} the same folder on "
            "every node?)",
            rank, timeout_s, temporary);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  return problem;
}

/// "key: value  # meaning" lines.
std::string state_text(TrainState state) {
  std::string text;
  const FieldTable table = fields_of(state);
  for (const Field& field : table.fields()) {
    text += format("{:<34} # {}\n", field.path + ": " + yaml_text(field.value()), field.help);
  }
  return text;
}

}  // namespace

void collect_shard(const std::vector<StateSlice>& slices, bool with_master,
                   const at::Tensor& interval, CheckpointContents& contents) {
  const auto keep = [&](const std::string& key, const at::Tensor& view) {
    contents.shard.set(key, view.to(at::kCPU, view.scalar_type(), false, /*copy=*/true));
  };
  for (const StateSlice& slice : slices) {
    keep("exp_avg." + slice.name, slice.exp_avg);
    keep("exp_avg_sq." + slice.name, slice.exp_avg_sq);
    if (with_master) keep("master." + slice.name, slice.master);
    if (slice.average.defined()) keep("average." + slice.name, slice.average);
    contents.shard_metadata["slice." + slice.name] = format("{}/{}", slice.offset, slice.numel);
  }
  keep("interval", interval);
}

CheckpointWriter::CheckpointWriter(fs::path folder, const CheckpointConfig& config,
                                   double timeout_s, Communicator& control)
    : folder_(std::move(folder)), config_(config), timeout_s_(timeout_s), control_(control) {}

CheckpointWriter::~CheckpointWriter() { wait(); }

bool CheckpointWriter::wait() { return !writing_.valid() || writing_.get(); }

void CheckpointWriter::save(int64_t step, const std::function<CheckpointContents()>& collect) {
  wait();
  const fs::path temporary = folder_ / (step_name(step) + ".tmp");
  if (control_.rank() == 0) {
    std::error_code ignored;  // what cannot be made now fails when it is written to
    fs::remove_all(temporary, ignored);
    fs::create_directories(temporary, ignored);
  }
  control_.barrier();
  auto task = [this, temporary, step, contents = collect()] {
    try {
      write(temporary, step, contents);
      return true;
    } catch (const std::exception& error) {
      log::error(
          "CHECKPOINT NOT SAVED at step {}: {}. Training goes on; the checkpoints before it "
          "are untouched",
          step, error.what());
      std::error_code ignored;
      if (control_.rank() == 0) fs::remove_all(temporary, ignored);
      return false;
    }
  };
  writing_ =
      std::async(config_.background ? std::launch::async : std::launch::deferred, std::move(task));
  if (!config_.background) writing_.wait();
}

void CheckpointWriter::write(const fs::path& temporary, int64_t step,
                             const CheckpointContents& contents) const {
  if (!fs::is_directory(temporary)) {
    throw UserError(
        format("{}: cannot be created (check the free space and the permissions)", temporary));
  }
  const int64_t rank = control_.rank();
  std::exception_ptr failure;
  try {
    write_part(temporary, step, contents);
  } catch (...) {
    failure = std::current_exception();
  }
  if (rank != 0) {
    write_text(marker(temporary, rank, failure ? "failed" : "done"), "");
  } else {
    // After a failure too: a folder that is removed under the others they would make again.
    const std::string problem = wait_for_ranks(temporary, control_.world_size(), timeout_s_);
    if (!failure && !problem.empty()) throw UserError(problem);
  }
  if (failure) std::rethrow_exception(failure);
  if (rank == 0) publish(temporary, step, contents);
}

void CheckpointWriter::write_part(const fs::path& temporary, int64_t step,
                                  const CheckpointContents& contents) const {
  const int64_t rank = control_.rank();
  save_safetensors(temporary / format("optimizer.rank{:05d}.safetensors", rank), contents.shard,
                   contents.shard_metadata);
  if (rank != 0) return;
  SafetensorsMetadata metadata = contents.model_metadata;
  metadata.insert({{"format", "pt"}, {"step", format("{}", step)}});
  save_safetensors(temporary / "model.safetensors", contents.model, metadata);
  write_text(temporary / "config.yaml", contents.config);
}

void CheckpointWriter::publish(const fs::path& temporary, int64_t step,
                               const CheckpointContents& contents) const {
  for (int64_t rank = 1; rank < control_.world_size(); ++rank) {
    fs::remove(marker(temporary, rank, "done"));
  }
  write_text(temporary / "state.yaml", state_text(contents.state));
  publish_directory(temporary, folder_ / step_name(step));
  retain(contents.state.best_step);
}

void CheckpointWriter::retain(int64_t best_step) const {
  std::vector<fs::path> all = list_checkpoints(folder_);
  const auto newest = static_cast<std::ptrdiff_t>(
      std::min<size_t>(all.size(), static_cast<size_t>(config_.keep_last)));
  for (auto it = all.begin(); it != all.end() - newest; ++it) {
    const int64_t step = checkpoint_step(*it);
    const bool kept = (config_.keep_every > 0 && step % config_.keep_every == 0) ||
                      (config_.keep_best && step == best_step);
    // Renamed first: a folder half deleted must not look like a checkpoint.
    if (kept) continue;
    try {
      remove_directory(*it);
    } catch (const std::exception& error) {
      log::warn("an old checkpoint stays: {}", error.what());
    }
  }
}

}  // namespace mentor
