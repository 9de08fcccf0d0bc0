#include "slurm.h"

#include "mentor/core/error.h"
#include "mentor/core/format.h"

#include <charconv>

namespace mentor {
namespace {

constexpr int64_t kMostHosts = 1'000'000;  // a broken range is not worth the memory

[[noreturn]] void fail(std::string_view list, const char* variable, const char* expected) {
  throw ConfigError(format("{}: '{}' is not {}; set MASTER_ADDR to the host of rank 0", variable,
                           list, expected));
}

bool read_whole(std::string_view text, int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

/// Splits at commas outside of brackets.
std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= list.size(); ++i) {
    if (i == list.size() || (list[i] == ',' && depth == 0)) {
      parts.push_back(list.substr(begin, i - begin));
      begin = i + 1;
    } else if (list[i] == '[') {
      ++depth;
    } else if (list[i] == ']') {
      --depth;
    }
  }
  return parts;
}

/// "03-05": 03, 04, 05, with the width of the first.
bool expand_range(std::string_view range, std::vector<std::string>& numbers) {
  const size_t dash = range.find('-');
  const std::string_view first = range.substr(0, dash);
  const std::string_view last = dash == range.npos ? first : range.substr(dash + 1);
  int64_t from = 0;
  int64_t to = 0;
  if (!read_whole(first, from) || !read_whole(last, to) || to < from || to - from >= kMostHosts)
    return false;
  for (int64_t number = from; number <= to; ++number) {
    const std::string digits = format("{}", number);
    numbers.push_back(std::string(first.size() - std::min(first.size(), digits.size()), '0') +
                      digits);
  }
  return true;
}

/// Every combination of what stands before, in and after each pair of brackets.
bool expand_host(std::string_view pattern, std::vector<std::string>& hosts) {
  std::vector<std::string> made{""};
  while (!pattern.empty()) {
    const size_t open = pattern.find('[');
    for (std::string& name : made) name += pattern.substr(0, open);
    if (open == pattern.npos) break;
    const size_t close = pattern.find(']', open);
    if (close == pattern.npos) return false;
    std::vector<std::string> numbers;
    for (const std::string_view range : split(pattern.substr(open + 1, close - open - 1))) {
      if (!expand_range(range, numbers)) return false;
    }
    std::vector<std::string> longer;
    for (const std::string& name : made) {
      for (const std::string& number : numbers) longer.push_back(name + number);
    }
    made = std::move(longer);
    pattern.remove_prefix(close + 1);
  }
  for (std::string& name : made) {
    if (name.empty() || name.find(']') != name.npos) return false;
    hosts.push_back(std::move(name));
  }
  return true;
}

}  // namespace

std::vector<std::string> slurm_hosts(std::string_view list, const char* variable) {
  std::vector<std::string> hosts;
  for (const std::string_view pattern : split(list)) {
    if (pattern.empty() || !expand_host(pattern, hosts)) {
      fail(list, variable, "a list of hosts as in gpu[03-05,7]");
    }
  }
  return hosts;
}

std::vector<int64_t> slurm_tasks_per_node(std::string_view list, const char* variable) {
  std::vector<int64_t> tasks;
  for (const std::string_view part : split(list)) {
    const size_t open = part.find("(x");
    int64_t count = 0;
    int64_t times = 1;
    bool good = read_whole(part.substr(0, open), count);
    if (open != part.npos) {
      good = good && part.ends_with(')') &&
             read_whole(part.substr(open + 2, part.size() - open - 3), times) &&
             times <= kMostHosts;
    }
    if (!good) fail(list, variable, "a list of counts as in 2(x3),1");
    tasks.insert(tasks.end(), static_cast<size_t>(times), count);
  }
  return tasks;
}

}  // namespace mentor
