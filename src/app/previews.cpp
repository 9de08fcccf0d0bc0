#include "previews.h"

#include "evaluation_mode.h"
#include "mentor/core/error.h"
#include "mentor/core/format.h"
#include "mentor/core/interrupt.h"
#include "mentor/core/log.h"
#include "mentor/data/batch.h"
#include "mentor/generate/generator.h"
#include "mentor/image/image_io.h"
#include "mentor/train/sample_grid.h"
#include "train_models.h"

#include <numeric>
#include <utility>

namespace mentor {

Previews::Previews(const RunConfig& config, Mixture mixture, ModelSet& models,
                   Communicator& communicator)
    : config_(config),
      models_(models),
      communicator_(communicator),
      shares_(mixture.shares),
      make_(make_examples(config, std::move(mixture.sources),
                          {.seed = static_cast<uint64_t>(config.train.seed)})),
      backgrounds_(open_backgrounds(config)) {}

SampleIndex Previews::row(int64_t number) const {
  int64_t total = 0;
  for (const MixtureShare& share : shares_) total += share.records;
  int64_t place = number * total / config_.train.sample_count;
  int64_t file = 0;
  while (place >= shares_[file].records) place -= shares_[file++].records;
  return {file, place};
}

fs::path Previews::piece(int64_t step, int64_t number) const {
  return config_.train.out / "samples" / format(".step_{:08d}_{}.png", step, number);
}

void Previews::draw_row(int64_t step, int64_t number) {
  const Example example = make_(/*epoch=*/0, row(number));
  const Batch batch = collate({&example}, batch_shape(config_.model));
  PreparedRequest prepared{.request = {},
                           .input = {.ids_BS = batch.ids_KS,
                                     .lengths = batch.lengths,
                                     .pixels_NCHW = batch.pixels_NCHW,
                                     .image_owner = batch.image_owner}};
  prepared.request.seed = static_cast<uint64_t>(config_.generate.seed + number);
  Generator generator(models_, config_.generate);
  generator.run(
      std::span(&prepared, 1), [](int64_t) {},
      [&](const GeneratedPicture& picture) { write_image(piece(step, number), picture.image); });
}

std::optional<SampleSheet> Previews::draw(int64_t step) {
  const EvaluationMode evaluation(models_);
  std::vector<int64_t> rows(config_.train.sample_count);
  std::iota(rows.begin(), rows.end(), int64_t{0});
  for (const int64_t number : rows) {
    if (number % communicator_.world_size() != communicator_.rank()) continue;
    try {
      draw_row(step, number);
    } catch (const Interrupted&) {  // no time for pictures: the trainer has a checkpoint to save
      break;
    } catch (const UserError& error) {  // a bad record or a full disk does not end the training
      log::warn("sample {} of step {}: {}", number, step, error.what());
    } catch (const c10::Error& error) {  // such as a GPU without room for one more picture
      log::warn("sample {} of step {}: {}", number, step, error.what_without_backtrace());
    }
  }
  communicator_.barrier();
  if (communicator_.rank() != 0) return std::nullopt;
  std::vector<SampleRow> sheet;
  SampleSheet result;
  for (const int64_t number : rows) {
    const fs::path file = piece(step, number);
    if (!fs::exists(file)) continue;
    const SampleIndex index = row(number);
    const ExampleSource& source = make_.sources()[index.file];
    const int64_t record = source.record(index.record);
    const uint64_t seed =
        sample_seed(static_cast<uint64_t>(config_.train.seed), 0, source.key, record);
    Sample sample =
        make_sample(source.records->record(record), source.sample,
                    draw_choices(source.sample, seed), backgrounds_ ? &*backgrounds_ : nullptr);
    result.captions.push_back(sample.prompt);
    sheet.push_back({.task = std::string(task_name(sample.task)),
                     .prompt = std::move(sample.prompt),
                     .references = std::move(sample.pictures),
                     .target = std::move(sample.target),
                     .samples = {read_image(file)}});
    fs::remove(file);
  }
  if (sheet.empty()) return std::nullopt;
  result.image = sample_grid(sheet);
  return result;
}

}  // namespace mentor
