#include "mentor/core/format.h"

#include <fmt/args.h>
#include <fmt/format.h>

namespace mentor {

std::string format_list(std::string_view pattern, std::initializer_list<const FormatArg*> args) {
  fmt::dynamic_format_arg_store<fmt::format_context> store;
  for (const FormatArg* arg : args) {
    std::visit([&](const auto& value) { store.push_back(value); }, arg->value());
  }
  return fmt::vformat(pattern, store);
}

}  // namespace mentor
