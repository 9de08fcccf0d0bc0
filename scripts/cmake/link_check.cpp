// Linked, never run, by the configure step: calls that pass std::string into each library.
#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>
#include <opencv2/core.hpp>
#include <sentencepiece_processor.h>
#include <yaml-cpp/yaml.h>

#include <string>

int main(int argc, char** argv) {
  const std::string text = YAML::Dump(YAML::Load(argv[argc - 1]));
  sentencepiece::SentencePieceProcessor processor;
  const cv::FileStorage storage(text, cv::FileStorage::READ);
  return processor.Load(text).ok() + storage.isOpened() + at::ones({2}).toString().empty();
}
