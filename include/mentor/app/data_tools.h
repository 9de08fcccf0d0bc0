#pragma once

#include "mentor/app/run_config.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace mentor {

// What `mentor data check`, `mentor data inspect` and `mentor data encode` do.

struct DataCheckOptions {
  LoadedRunConfig run;
  std::vector<std::filesystem::path> files;  // none: those of data.mixture and data.validation
};

/// Makes every sample as training would, on all configured threads, and prints each bad record
/// ("file:line: what") and a summary by task and by kind of defect. Throws DataError for files with
/// a larger share of bad records than data.bad_record_limit.
void check_data(const DataCheckOptions& options, std::ostream& out);

struct DataInspectOptions {
  RunConfig config;
  std::filesystem::path file;  // or the file of an entry of data.mixture
  std::string entry;
  int64_t index = 0;  // of the record, from 0
  int64_t seed = 0, epoch = 0;
  std::filesystem::path out;  // folder
};

/// Writes what the model sees of one record, as training makes its sample (see open_source()):
/// target.png, clip_0.png (and the others) after CLIP's crop, sheet.png with all of them, and
/// sample.json with prompt, ids, pieces and lengths. Prints the files.
void inspect_data(const DataInspectOptions& options, std::ostream& out);

struct DataEncodeOptions {
  LoadedRunConfig run;
  int64_t shard = 0, num_shards = 1;  // which part of the pictures this process takes
  int64_t batch = 8;                  // pictures that the codec takes at once
};

/// Adds to data.code_cache the codes of every target of data.mixture and data.validation that it
/// lacks, and prints what was done. Stopped at any moment, it goes on from there. Bad records are
/// left out and counted.
void encode_data(const DataEncodeOptions& options, std::ostream& out);

}  // namespace mentor
