#include "mentor/toy/case.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace mentor {
namespace {

using enum ToyAttribute;

TEST(ToyCase, RecordsAskForThePictureTheyTeach) {
  const ToyConfig config{.nouns = "object"};
  const ToyPair pair = draw_pair(config, Split::kHeldOut, 17);
  using Set = std::set<ToyAttribute>;
  const std::map<Task, Set> named = {{Task::kTextToImage, {kShape, kFirst, kSecond, kPattern}},
                                     {Task::kRecovery, {}},
                                     {Task::kSubject, {}}};
  for (const auto& [task, attributes] : named) {
    const ToyCase of_line = parse_toy_case(toy_record_line(config, pair, task), "f:1");
    EXPECT_EQ(of_line.number, 17);
    EXPECT_EQ(of_line.asked, pair.target);
    EXPECT_EQ(of_line.named, attributes);
    EXPECT_EQ(of_line.picture, "000017_target");
    EXPECT_EQ(of_line.split, Split::kHeldOut);
    EXPECT_EQ(of_line.reference.has_value(), task == Task::kSubject) << task_name(task);
  }
  const ToyCase again = toy_case(pair, toy_record(config, pair, Task::kReconstruction));
  EXPECT_EQ(again.asked, pair.reference);
  EXPECT_EQ(again.reference, pair.reference);
  EXPECT_EQ(again.picture, "000017_reference");
  try {
    (void)parse_toy_case(toy_record_line(config, pair, Task::kSegmentation), "f:1");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("f:1: a segmentation record"));
  }
}

TEST(ToyCase, ShapesAreToldByTheirNoun) {
  const ToyPair pair = draw_pair({}, Split::kHeldOut, 3);
  EXPECT_EQ(toy_case(pair, toy_record({}, pair, Task::kSubject)).named,
            std::set<ToyAttribute>{kShape});
}

}  // namespace
}  // namespace mentor
