// Pull requests in text.
#include "runtime/worktree/pull_links.hpp"

#include <algorithm>
#include <charconv>

#include "messages/json.hpp"

namespace troupe {

namespace {

constexpr std::size_t most = 20, longest = 512;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

std::string text_in(const json& x, const char* name) {
  auto at = x.find(name);
  return at != x.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// What the checks of a pull request come to: `failing`, `pending`, or empty where all are well.
std::string checks_of(const json& x) {
  std::string out;
  auto list = x.find("statusCheckRollup");
  if (list == x.end() || !list->is_array())
    return out;
  for (const auto& c : *list) {
    if (!c.is_object())
      continue;
    auto how = text_in(c, "conclusion"), status = text_in(c, "status"), state = text_in(c, "state");
    if (how == "FAILURE" || how == "TIMED_OUT" || how == "CANCELLED" || how == "ACTION_REQUIRED" ||
        how == "STARTUP_FAILURE" || state == "FAILURE" || state == "ERROR")
      return "failing";
    if ((!status.empty() && status != "COMPLETED") || state == "PENDING" || state == "EXPECTED")
      out = "pending";
  }
  return out;
}

} // namespace

std::vector<pull_request> pull_links(std::string_view text) {
  constexpr std::string_view scheme = "https://";
  std::vector<pull_request> out;
  for (auto at = text.find(scheme); at != std::string_view::npos && out.size() < most; at = text.find(scheme, at + 1)) {
    auto rest = text.substr(at + scheme.size(), longest);
    std::string url(scheme);
    // host, owner, repository, `pull`
    std::size_t parts = 0, length = 0;
    std::string_view part;
    for (; parts < 4; ++parts) {
      auto end = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_word) - rest.begin());
      part = rest.substr(0, end);
      if (end == 0 || end == rest.size() || rest[end] != '/')
        break;
      length += end + 1;
      rest.remove_prefix(end + 1);
    }
    std::uint32_t number = 0;
    auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (parts != 4 || part != "pull" || error != std::errc() || number == 0)
      continue;
    url += text.substr(at + scheme.size(), length + static_cast<std::size_t>(stop - rest.data()));
    if (std::none_of(out.begin(), out.end(), [&](const auto& p) { return p.url == url; }))
      out.push_back({number, std::move(url), "open"});
  }
  return out;
}

bool speaks_of_pulls(std::string_view command) {
  for (std::size_t from = 0; from < command.size();) {
    auto end = from;
    while (end < command.size() && is_word(command[end]))
      ++end;
    auto word = command.substr(from, end - from);
    if (word == "gh" || word == "git")
      return true;
    from = end + 1;
  }
  return false;
}

pull_request pull_from_gh(const std::string& text) {
  auto x = json::parse(text, nullptr, false);
  if (!x.is_object() || !x.contains("number") || !x["number"].is_number_unsigned())
    return {};
  pull_request out{x["number"].get<std::uint32_t>(), text_in(x, "url"), "ready"};
  auto state = text_in(x, "state"), review = text_in(x, "reviewDecision"), checks = checks_of(x);
  if (state == "MERGED")
    out.state = "merged";
  else if (state == "CLOSED")
    out.state = "closed";
  else if (x.value("isDraft", false))
    out.state = "draft";
  else if (checks == "failing" || review == "CHANGES_REQUESTED")
    out.state = "failing";
  else if (checks == "pending" || review == "REVIEW_REQUIRED")
    out.state = "pending";
  return out.url.starts_with("https://") || out.url.starts_with("http://") ? out : pull_request{};
}

} // namespace troupe
