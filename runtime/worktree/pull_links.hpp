// Pull requests in text, and what `gh` says of one (PR-1). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "messages/session.hpp"

namespace troupe {

/// The addresses of pull requests in what `gh` or `git` has printed, each once, in their order: HOST/OWNER/REPO/pull/N
/// over https, and what a forge prints after a push for one that is yet to be made is none. State `open`.
std::vector<pull_request> pull_links(std::string_view text);
/// Whether a command line runs `gh` or `git`, so that its output tells of the session's own pull requests.
bool speaks_of_pulls(std::string_view command);
/// The answer of `gh pr view --json number,url,state,isDraft,reviewDecision,statusCheckRollup`; number 0: it is none.
pull_request pull_from_gh(const std::string& text);

} // namespace troupe
