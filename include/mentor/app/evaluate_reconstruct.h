#pragma once

#include "mentor/app/run_config.h"

#include <filesystem>
#include <iosfwd>

namespace mentor {

struct ReconstructOptions {
  LoadedRunConfig run;
  std::filesystem::path pictures;  // a folder of pictures or of such folders; NAME.txt beside
                                   // NAME.jpg says what it shows
  std::filesystem::path out;
};

/// Shows every picture to the model, which draws it again by the prompt of the training task
/// "reconstruction", and measures how far the result is from the picture: RMSE and MSE of RGB in
/// [0, 1] at the model's size, with those of encoding and decoding alone, which are the codec's.
/// `out` gets the pictures in the layout of samples (subjects "model" and "codec") and
/// reconstruction.json. Resumable, on any number of ranks. The paper's l2 distance says nothing
/// about its normalisation, so these are no figures to compare with it.
void reconstruct_pictures(const ReconstructOptions& options, std::ostream& out);

}  // namespace mentor
