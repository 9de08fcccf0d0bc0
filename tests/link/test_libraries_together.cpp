// LibTorch brings its own fmt and a protobuf inside; Debian's spdlog, fmt and SentencePiece bring
// others. This program uses all of them at once, in the order that has gone wrong elsewhere.
#include "mentor/core/format.h"
#include "mentor/core/log.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#include <torch/version.h>
#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace mentor {
namespace {

class Sentences : public sentencepiece::SentenceIterator {
 public:
  bool done() const override { return number_ == 40; }
  void Next() override { text_ = format("picture {} shows a cat and a dog", ++number_); }
  const std::string& value() const override { return text_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  int number_ = 0;
  std::string text_ = "a cat and a picture";
};

/// A tokenizer model made on the spot, serialised by SentencePiece's protobuf.
std::string small_tokenizer_model() {
  Sentences sentences;
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      "--vocab_size=48 --model_type=bpe --character_coverage=1.0 --minloglevel=2", &sentences,
      &model);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return model;
}

TEST(LibrariesTogether, SentencePieceLoadsAfterTorchIsInitialised) {
  const at::Tensor product = at::ones({2, 3}).mm(at::ones({3, 2}));
  ASSERT_EQ(product.sum().item<double>(), 12.0);

  sentencepiece::SentencePieceProcessor processor;
  ASSERT_TRUE(processor.LoadFromSerializedProto(small_tokenizer_model()).ok());
  const std::string text = "a cat and a picture";
  EXPECT_EQ(processor.DecodeIds(processor.EncodeAsIds(text)), text);
}

TEST(LibrariesTogether, DebiansFmtAndSpdlogWorkBesideTorchsFmt) {
  // This file sees torch's headers, so fmt here would be torch's; format() is Debian's.
  const at::Tensor x = at::full({1}, 0.25);
  EXPECT_EQ(format("{:.3f} {:>4}", x.item<double>(), "ab"), "0.250   ab");
  testing::internal::CaptureStderr();
  log::warn("torch {} and spdlog", TORCH_VERSION);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("torch 2.11.0 and spdlog"),
            std::string::npos);
  EXPECT_THROW(static_cast<void>(at::ones({2}).view({3})), c10::Error);
}

TEST(LibrariesTogether, OurLoopsRunOnLibTorchsThreads) {
  // Without OpenMP at compile time at::parallel_for() is a plain loop, and everything still works.
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  at::parallel_for(0, 2, 1, [&](int64_t begin, int64_t end) {
    EXPECT_EQ(end - begin, 1);
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 2U);
}

TEST(LibrariesTogether, OpenCvAndYamlShareTheAbi) {
  cv::Mat half;
  cv::resize(cv::Mat(4, 6, CV_8UC3, cv::Scalar(9, 9, 9)), half, cv::Size(), 0.5, 0.5);
  EXPECT_EQ(half.size(), cv::Size(3, 2));
  try {
    cv::resize(cv::Mat(), half, cv::Size(3, 2));
    FAIL() << "an empty picture was resized";
  } catch (const cv::Exception& error) {  // its text crosses the library boundary as std::string
    EXPECT_NE(std::string(error.what()).find("empty"), std::string::npos);
  }
  EXPECT_EQ(YAML::Load("{key: a string longer than a small buffer}")["key"].as<std::string>(),
            "a string longer than a small buffer");
}

}  // namespace
}  // namespace mentor
