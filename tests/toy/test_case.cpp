#include "mentor/toy/captions.h"
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

TEST(ToyCase, NothingIsAskedAboutWhatStandsBesideTheSubject) {
  ToyCase one;
  one.asked = parse_caption("a small red and white striped star in a meadow at the top left");
  one.asked.distractor =
      parse_caption("a small blue and orange dotted fish on the right").objects.front();
  const ToyReading ideal = ideal_reading(one.asked);
  ASSERT_EQ(ideal.objects.size(), 2u);
  const auto expect = [&](const char* what, const ToyReading& picture, const ToyReading& truth,
                          double cp, double pf) {
    const ToyScore scored = score(picture, one, truth);
    EXPECT_DOUBLE_EQ(scored.cp, cp) << what;
    EXPECT_DOUBLE_EQ(scored.pf, pf) << what;
  };
  expect("perfect", ideal, ideal, 1, 1);
  ToyReading alone = ideal, other = ideal, bystander = ideal;
  alone.objects.pop_back();
  expect("left out", alone, ideal, 1, 1);
  other.objects[1].object.identity.shape = 0;
  expect("another one beside it", other, ideal, 0.5, 2.0 / 3);
  bystander.objects.erase(bystander.objects.begin());
  expect("the bystander alone", bystander, ideal, 0, 1.0 / 3);

  ToyReading merged = alone;  // what the oracle may take both for where they are near
  merged.objects[0].object.identity.shape = 0;
  expect("read as a perfect picture is", merged, merged, 1, 1);
  expect("both are told apart after all", ideal, merged, 1, 1);
  expect("another shape", merged, ideal, 0, 1);
  ToyReading elsewhere = merged;
  elsewhere.objects[0].object.x += 16;
  expect("elsewhere", elsewhere, merged, 0, 1.0 / 3);
}

TEST(ToyCase, ShapesAreToldByTheirNoun) {
  const ToyPair pair = draw_pair({}, Split::kHeldOut, 3);
  EXPECT_EQ(toy_case(pair, toy_record({}, pair, Task::kSubject)).named,
            std::set<ToyAttribute>{kShape});
}

}  // namespace
}  // namespace mentor
