#pragma once

#include "support/golden.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace mentor {

/// key -> "[shape] kind", kind being param, buffer or alias.
using KeyContract = std::map<std::string, std::string>;

/// A file of tests/golden/keys: `key<TAB>shape<TAB>kind` a line. Keys that do not start with
/// `prefix` are left out, the others lose it.
inline KeyContract read_key_contract(const std::string& file, const std::string& prefix = "") {
  KeyContract contract;
  std::ifstream in(keys_path(file));
  EXPECT_TRUE(in.good()) << file;
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string key, shape, kind;
    std::getline(fields, key, '\t');
    std::getline(fields, shape, '\t');
    std::getline(fields, kind);
    if (!key.starts_with(prefix)) continue;
    contract[key.substr(prefix.size())] = shape + " " + kind.substr(0, kind.find_first_of("( "));
  }
  return contract;
}

/// The same of a module; a tensor seen before under another key is an alias.
inline KeyContract key_contract(const torch::nn::Module& module) {
  KeyContract contract;
  std::map<const void*, std::string> seen;
  const auto add = [&](const auto& items, const char* kind) {
    for (const auto& item : items) {
      const bool alias = !seen.emplace(item.value().unsafeGetTensorImpl(), item.key()).second;
      std::ostringstream text;
      text << item.value().sizes() << ' ' << (alias ? "alias" : kind);
      contract[item.key()] = text.str();
    }
  };
  add(module.named_parameters(), "param");
  add(module.named_buffers(), "buffer");
  return contract;
}

}  // namespace mentor
