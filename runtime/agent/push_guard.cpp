// git's and gh's own grammar, as far as a push or a merge can hide in it.
#include "runtime/agent/push_guard.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include <sys/stat.h>

namespace troupe::agent {
namespace {

constexpr const char* own_branch = "\n  push this session's own branch and open a draft pull request";

struct arguments {
  std::vector<shell_word> words; ///< from the subcommand on
  bool odd = false;              ///< configuration was given that may change what a push does
};

bool is_main(std::string_view branch) {
  if (branch.starts_with("refs/heads/"))
    branch.remove_prefix(11);
  return branch == "main" || branch == "master";
}

/// Behind git's own options.
arguments git_arguments(const simple_command& c) {
  static constexpr std::array<std::string_view, 6> with_value{"-C",          "-c",          "--git-dir",
                                                              "--work-tree", "--namespace", "--config-env"};
  arguments out;
  std::size_t at = 1;
  for (; at < c.words.size() && c.words[at].text.starts_with("-"); ++at) {
    const auto& word = c.words[at].text;
    out.odd = out.odd || word == "-c" || word.starts_with("--config-env");
    if (std::find(with_value.begin(), with_value.end(), word) != with_value.end())
      ++at;
  }
  for (const auto& a : c.assignments)
    out.odd = out.odd || a.starts_with("GIT_CONFIG");
  if (at < c.words.size())
    out.words.assign(c.words.begin() + static_cast<std::ptrdiff_t>(at), c.words.end());
  return out;
}

bool forces(const std::string& option) {
  if (option.starts_with("--"))
    return option.starts_with("--force") || option == "--mirror" || option == "--prune" || option.starts_with("--fo");
  return option.find('f') != std::string::npos; // -f, -uf
}

std::string refused_refspec(const shell_word& word, const std::string& branch) {
  std::string_view ref = word.text;
  if (ref.starts_with("+"))
    return std::string("pushes by force, which a session in its own worktree may not") + own_branch;
  if (const auto colon = ref.rfind(':'); colon != std::string_view::npos)
    ref.remove_prefix(colon + 1);
  if (word.expands || ref.find_first_of("*$") != std::string_view::npos)
    return "pushes to a branch that is not told plainly\n  write the branch's name itself";
  if (ref == "HEAD" || ref == "@" || ref.empty())
    ref = branch;
  if (is_main(ref))
    return "pushes to " + std::string(ref) + ", which a session in its own worktree may not" + own_branch;
  return {};
}

std::string refused_git_push(const arguments& args, const std::string& branch) {
  static constexpr std::array<std::string_view, 5> with_value{"-o", "--push-option", "--receive-pack", "--exec",
                                                              "--repo"};
  if (args.odd)
    return "pushes with configuration of its own\n  push without git -c and GIT_CONFIG variables";
  std::size_t named = 0;
  for (std::size_t i = 1; i < args.words.size(); ++i) {
    const auto& word = args.words[i];
    if (std::find(with_value.begin(), with_value.end(), word.text) != with_value.end()) {
      ++i;
    } else if (word.text.starts_with("-") && word.text.size() > 1) {
      if (forces(word.text))
        return std::string("pushes by force, which a session in its own worktree may not") + own_branch;
      if (word.text == "--all" || word.text == "--branches")
        return std::string("pushes all branches, main among them, which a session in its own worktree may not") +
               own_branch;
      named += word.text.starts_with("--repo=") ? 1 : 0;
    } else if (++named > 1) { // the first is the remote
      if (auto why = refused_refspec(word, branch); !why.empty())
        return why;
    } else if (word.expands) {
      return "pushes to a remote that is not told plainly\n  write the remote's name itself";
    }
  }
  if (named <= 1 && is_main(branch))
    return "pushes " + branch + ", which a session in its own worktree may not" + own_branch;
  return {};
}

std::string refused_git(const simple_command& c, const std::string& branch) {
  const auto args = git_arguments(c);
  if (args.words.empty())
    return {};
  const auto& verb = args.words[0];
  if (verb.text == "push")
    return refused_git_push(args, branch);
  if (verb.text == "send-pack" || verb.text == "http-push")
    return "pushes by " + verb.text + "\n  use git push";
  if (verb.expands && args.words.size() > 1)
    return "has git do what is not told plainly\n  write the subcommand itself";
  return {};
}

std::string refused_gh(const simple_command& c) {
  std::vector<std::string> words; // without options
  bool draft = false, forced = false, expands = false;
  for (std::size_t i = 1; i < c.words.size(); ++i) {
    const auto& word = c.words[i].text;
    draft = draft || word == "--draft" || word == "-d" || word == "--draft=true";
    forced = forced || word == "--force";
    expands = expands || (c.words[i].expands && words.size() < 2);
    if (!word.starts_with("-"))
      words.push_back(word);
  }
  const auto has = [&](std::string_view text) { return c.text().find(text) != std::string::npos; };
  if (expands)
    return "has gh do what is not told plainly\n  write the subcommand itself";
  if (words.size() < 2)
    return {};
  if (words[0] == "pr" && words[1] == "merge")
    return "merges a pull request, which a session in its own worktree may not\n  leave that to the user";
  if (words[0] == "pr" && (words[1] == "create" || words[1] == "new") && !draft && !has("--help"))
    return "opens a pull request that is no draft\n  add --draft";
  if (words[0] == "api" && (has("/merge") || has("ergePullRequest") || has("PullRequestAutoMerge") || has("/git/refs")))
    return "merges or moves branches through the API, which a session in its own worktree may not\n  leave that to the "
           "user";
  if (words[0] == "repo" && words[1] == "sync" && forced)
    return std::string("moves a branch by force, which a session in its own worktree may not") + own_branch;
  return {};
}

/// A line that was not understood is refused when it holds the words at all.
std::string refused_text(const std::string& line) {
  const bool push = line.find("git") != std::string::npos && line.find("push") != std::string::npos;
  const bool merge = line.find("gh ") != std::string::npos && line.find("merge") != std::string::npos;
  if (push || merge)
    return "holds a push or a merge and is too intricate to be judged\n  give it as a plain command of its own";
  return {};
}

} // namespace

std::string refused_push(const std::string& line, const std::string& branch) {
  const auto commands = commands_in(line);
  const auto all = commands ? unwrapped(*commands) : std::nullopt;
  if (!all)
    return refused_text(line);
  for (const auto& c : *all) {
    if (c.words.empty())
      continue;
    const auto& first = c.words[0].text;
    const auto name = first.substr(first.rfind('/') + 1);
    auto why = name == "git" ? refused_git(c, branch) : name == "gh" ? refused_gh(c) : std::string();
    if (why.empty() && name == "glab" && c.text().find("mr merge") != std::string::npos)
      why = "merges a merge request, which a session in its own worktree may not\n  leave that to the user";
    if (why.empty() && c.words[0].expands && c.text().find("push") != std::string::npos)
      why = "runs a command that is not told plainly, with a push in it\n  write the command itself";
    if (!why.empty())
      return why;
  }
  return {};
}

bool in_own_worktree(const std::string& cwd) {
  auto at = cwd;
  while (at.size() > 1) {
    struct stat what {};
    if (lstat((at + "/.git").c_str(), &what) == 0)
      return S_ISREG(what.st_mode) && at.find("/.troupe/worktrees/") != std::string::npos;
    at.erase(std::max<std::size_t>(at.rfind('/'), 1));
  }
  return false;
}

std::string branch_of(const std::string& cwd) {
  auto at = cwd;
  std::string line;
  while (at.size() > 1) {
    struct stat what {};
    const auto git = at + "/.git";
    if (lstat(git.c_str(), &what) == 0) {
      auto folder = git;
      if (S_ISREG(what.st_mode) && std::getline(std::ifstream(git), line) && line.starts_with("gitdir: "))
        folder = line[8] == '/' ? line.substr(8) : at + "/" + line.substr(8);
      line.clear();
      std::ifstream head(folder + "/HEAD");
      std::getline(head, line);
      return line.starts_with("ref: refs/heads/") ? line.substr(16) : "";
    }
    at.erase(std::max<std::size_t>(at.rfind('/'), 1));
  }
  return {};
}

} // namespace troupe::agent
