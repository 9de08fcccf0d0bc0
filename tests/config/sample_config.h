#pragma once

#include "mentor/config/fields.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mentor {

/// One field of every type, a nested section, a preset and a group.
struct SampleConfig {
  struct Shape {
    std::string preset = "small";
    int64_t width = 8;
    double ratio = 0.5;
    std::vector<int64_t> levels = {1, 2};
    std::vector<double> rates = {};

    void apply_preset(const std::string& name) {
      *this = Shape();
      preset = name;
      if (name == "large") width = 1024;
    }
    template <class Visitor>
    void fields(Visitor& v) {
      v("preset", preset, "named sizes", bound::one_of({"small", "large"}),
        [this](const std::string& name) { apply_preset(name); });
      v("width", width, "width of the shape", bound::count());
      v("ratio", ratio, "a share", Bound{.min = 0, .max = 1, .min_excluded = true});
      v("levels", levels, "factor of each level", bound::positive());
      v("rates", rates, "some numbers");
    }
    bool operator==(const Shape&) const = default;
  };

  struct Source {
    std::filesystem::path file;
    double weight = 1;

    template <class Visitor>
    void fields(Visitor& v) {
      v("file", file, "a path");
      v("weight", weight, "how much of it", bound::non_negative());
    }
    bool operator==(const Source&) const = default;
  };

  Shape shape;
  bool verbose = false;
  std::string title = "none";
  std::string mode = "fast";
  std::filesystem::path file;
  std::vector<std::string> names = {};
  std::map<std::string, Source> sources;

  template <class Visitor>
  void fields(Visitor& v) {
    v("shape", shape, "a nested section");
    v("verbose", verbose, "say more");
    v("title", title, "any text");
    v("mode", mode, "how", bound::one_of({"fast", "exact"}));
    v("file", file, "a path");
    v("names", names, "some texts");
    v("sources", sources, "where things come from");
  }
  bool operator==(const SampleConfig&) const = default;
};

}  // namespace mentor
