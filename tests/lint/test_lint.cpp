#include "lint/rules.h"
#include "lint/source_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace mentor::lint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> signatures(const std::string& source) {
  std::vector<std::string> found;
  for (const Function& function : find_functions(source)) found.push_back(function.signature);
  return found;
}

TEST(SourceScan, BlanksWhatIsNotCodeAndKeepsLines) {
  EXPECT_EQ(blank_all_but_code("a // {\nb /* {\n{ */ c\n"), "a     \nb     \n     c\n");
  EXPECT_EQ(blank_all_but_code("f(\"{\\\"{\", '{', '\\'', 1'000);"),
            "f(      ,    ,     , 1'000);");
  EXPECT_EQ(blank_all_but_code("x = R\"re({\n\")re\" + y;"), "x =       \n      + y;");
  EXPECT_EQ(blank_all_but_code("#define A { \\\n  {\nint x;"), "             \n   \nint x;");
}

TEST(SourceScan, FindsFunctionsInNamespacesAndClasses) {
  EXPECT_THAT(signatures("namespace a::b {\nnamespace {\nint f(int x) { return x; }\n}\n"
                         "class C final : public D<int> {\n public:\n"
                         "  int g() const override { if (1) { return 2; } return 3; }\n"
                         "  int h{3};\n private:\n  std::vector<int> v_ = {1, 2};\n};\n}\n"),
              ElementsAre("int f(int x)", "int g() const override"));
  EXPECT_THAT(signatures("enum class E : int { kA, kB };\nstruct alignas(8) S { void m() {} };"),
              ElementsAre("void m()"));
  EXPECT_THAT(signatures("extern \"C\" { void f() {} }"), ElementsAre("void f()"));
}

TEST(SourceScan, ConstructorsWithInitialisersAreOneFunction) {
  const std::string source =
      "Foo::Foo(int a, std::vector<int> b = {1, 2}) noexcept\n"
      "    : Base<int>{a}, a_(a),\n      b_{std::move(b)} {\n  work();\n}\n";
  const std::vector<Function> found = find_functions(source);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].first_line, 1);
  EXPECT_EQ(found[0].num_lines, 5);
}

TEST(SourceScan, LambdasCountForTheFunctionAroundThem) {
  EXPECT_THAT(signatures("void f() {\n  auto g = [&](int x) { return x; };\n  g(1);\n}\n"
                         "const auto kAtNamespaceLevel = [](int x) { return x; };\n"),
              ElementsAre("void f()", "const auto kAtNamespaceLevel = [](int x)"));
}

TEST(SourceScan, TablesAndTemplatesAreNotTakenForFunctions) {
  EXPECT_THAT(signatures("const std::map<int, int> kTable = {\n  {1, 2},\n  {3, 4},\n};\n"
                         "int x{make(1)};\ntemplate <class T> struct S { T t; };\n"),
              IsEmpty());
  EXPECT_THAT(signatures("template <class T>\nauto f(T t) -> std::vector<T> { return {t}; }"),
              ElementsAre("template <class T> auto f(T t) -> std::vector<T>"));
  EXPECT_THAT(signatures("bool operator==(const A& a, const B& b) { return true; }"), SizeIs(1));
}

TEST(SourceScan, UnbalancedBracesAreAnError) {
  EXPECT_THROW(find_functions("void f() {"), std::runtime_error);
  EXPECT_THROW(find_functions("}"), std::runtime_error);
  EXPECT_THROW(find_functions("namespace a {"), std::runtime_error);
}

TEST(Lengths, LongFilesAndLongFunctionsAreFound) {
  const auto function_of = [](int lines) {
    std::string text = "void f() {\n";
    for (int i = 2; i < lines; ++i) text += "  g();\n";
    return text + "}\n";
  };
  EXPECT_THAT(check_lengths({{"src/a/b.cpp", function_of(60)}}), IsEmpty());
  const auto findings = check_lengths({{"src/a/b.cpp", "int x;\n" + function_of(61)}});
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].line, 2);
  EXPECT_THAT(findings[0].message, HasSubstr("61 lines, at most 60: void f()"));
  EXPECT_THAT(check_lengths({{"scripts/a.sh", std::string(500, '\n')}}), IsEmpty());
  EXPECT_THAT(check_lengths({{"scripts/a.sh", std::string(501, '\n')}}), SizeIs(1));
}

class LayerRules : public testing::Test {
 protected:
  /// The messages for one file that holds one include.
  std::vector<std::string> check(const std::string& path, const std::string& include) const {
    std::vector<std::string> messages;
    for (const Finding& finding : check_layers({{path, "#include " + include + "\n"}}, layers_)) {
      messages.push_back(finding.message);
    }
    return messages;
  }

  Layers layers_ = parse_layers(
      "# comment\nrank 0 core\nrank 1 tensor text\nrank 2 train\nrank 3 eval\nrank 4 main\n"
      "ban eval train\nonly yaml in src/text/*.cpp\nonly torch/ in */tensor/* src/main.cpp\n");
};

TEST_F(LayerRules, OwnAndLowerModulesMayBeIncluded) {
  EXPECT_THAT(check("src/tensor/a.cpp", "\"mentor/core/log.h\""), IsEmpty());
  EXPECT_THAT(check("include/mentor/tensor/a.h", "\"mentor/tensor/b.h\""), IsEmpty());
  EXPECT_THAT(check("src/main.cpp", "\"mentor/eval/b.h\""), IsEmpty());
  EXPECT_THAT(check("src/tensor/a.cpp", "\"private.h\""), IsEmpty());
  EXPECT_THAT(check("tests/core/a.cpp", "\"mentor/eval/b.h\""), IsEmpty());
}

TEST_F(LayerRules, HigherEqualAndBannedModulesMayNot) {
  EXPECT_THAT(check("src/core/a.cpp", "\"mentor/tensor/b.h\""),
              ElementsAre("core (rank 0) may not include tensor (rank 1)"));
  EXPECT_THAT(check("src/tensor/a.cpp", "\"mentor/text/b.h\""), SizeIs(1));
  EXPECT_THAT(check("src/eval/a.cpp", "\"mentor/train/b.h\""), SizeIs(1));
  EXPECT_THAT(check("src/text/a.cpp", "\"../core/private.h\""), SizeIs(1));
}

TEST_F(LayerRules, UnknownModulesAndLinesAreErrors) {
  EXPECT_THAT(check("src/new/a.cpp", "<vector>"), ElementsAre("module 'new' is not in layers.txt"));
  EXPECT_THAT(check("src/core/a.cpp", "\"mentor/new/a.h\""),
              ElementsAre("module 'new' is not in layers.txt"));
  EXPECT_THROW(parse_layers("rnk 0 core\n"), std::runtime_error);
}

TEST_F(LayerRules, LibrariesHaveTheirPlaces) {
  EXPECT_THAT(check("src/text/a.cpp", "<yaml-cpp/yaml.h>"), IsEmpty());
  EXPECT_THAT(check("include/mentor/text/a.h", "<yaml-cpp/yaml.h>"),
              ElementsAre("<yaml-cpp/yaml.h> does not belong here (layers.txt)"));
  EXPECT_THAT(check("include/mentor/tensor/a.h", "<torch/types.h>"), IsEmpty());
  EXPECT_THAT(check("src/core/a.cpp", "<torch/types.h>"), SizeIs(1));
}

TEST(Markers, NotesToSelfAreFoundAndWordsThatContainThemAreNot) {
  const std::string note = std::string("TO") + "DO";
  EXPECT_THAT(check_markers({{"src/a.cpp", "x;\n// " + note + ": later\n"}}), SizeIs(1));
  EXPECT_THAT(check_markers({{"src/a.cpp", note + "S_" + note + "\n"}}), IsEmpty());
}

TEST(TopLevel, OnlyKnownEntries) {
  EXPECT_THAT(check_top_level({"README.md", ".ci/run", "src/a/b.cpp"}), IsEmpty());
  EXPECT_THAT(check_top_level({"notes.md", "src/a.cpp"}), SizeIs(1));
}

}  // namespace
}  // namespace mentor::lint
