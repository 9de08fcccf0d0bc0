#include "mentor/data/bad_records.h"

#include "mentor/core/format.h"

namespace mentor {

std::string too_many_bad_records(int64_t bad, int64_t samples, double limit) {
  if (static_cast<double>(bad) <= limit * static_cast<double>(samples)) return "";
  return format(
      "{} bad records among {} are more than data.bad_record_limit ({:.4g}) allows; 'mentor data "
      "check' lists them all",
      bad, samples, limit);
}

}  // namespace mentor
