// Where a worktree would be.
#include "runtime/worktree/plan.hpp"

#include <algorithm>
#include <fstream>

#include <sys/stat.h>

namespace troupe {

namespace {

constexpr std::size_t longest_slug = 40;

/// The folder at or above `cwd` that has a `.git`; empty: there is none. `text`: what it says, where it is a file.
std::string top_of(const std::string& cwd, std::string& text) {
  for (auto at = cwd;; at.erase(std::max<std::size_t>(at.rfind('/'), 1))) {
    struct stat what {};
    if (::lstat((at + "/.git").c_str(), &what) == 0) {
      if (S_ISREG(what.st_mode))
        std::getline(std::ifstream(at + "/.git"), text);
      return at;
    }
    if (at.size() <= 1)
      return {};
  }
}

} // namespace

std::string worktree_name(const std::string& session, const std::string& name) {
  std::string slug;
  for (char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (c >= 'A' && c <= 'Z')
      slug += static_cast<char>(c - 'A' + 'a');
    else if (letter)
      slug += c;
    else if (!slug.empty() && slug.back() != '-')
      slug += '-';
    if (slug.size() == longest_slug)
      break;
  }
  while (!slug.empty() && slug.back() == '-')
    slug.pop_back();
  return slug.empty() ? session : slug + "-" + session;
}

worktree_plan plan_worktree(const std::string& cwd, const std::string& name, bool hook) {
  std::string file;
  auto top = top_of(cwd, file);
  if (top.empty() && !hook)
    return {{}, "it is in no git repository"};
  if (file.find("/worktrees/") != std::string::npos)
    return {{}, "it is in a linked worktree already"};
  worktree out;
  out.repository = top.empty() ? cwd : top;
  out.path = (out.repository == "/" ? "" : out.repository) + "/.troupe/worktrees/" + name;
  out.branch = top.empty() ? "" : "troupe/" + name;
  out.cwd = out.path + cwd.substr(std::min(cwd.size(), out.repository.size()));
  return {std::move(out), {}};
}

} // namespace troupe
