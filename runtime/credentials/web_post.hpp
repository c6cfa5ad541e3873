// One form, posted; the answer. HTTPS except on loopback, and no redirect is followed: what is sent holds secrets
// (CRED-8).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "messages/errors.hpp"

namespace troupe {

using form = std::vector<std::pair<std::string, std::string>>;

struct web_answer {
  long status = 0;
  std::string body; ///< at most 1 MiB
};

/// Blocks for at most `seconds`. False: `error` says why; no part of the form is in it.
bool post_form(const std::string& url, const form& fields, long seconds, web_answer& out, failure& error);
/// A form as it stands in a URL.
std::string encoded(const form& fields);

} // namespace troupe
