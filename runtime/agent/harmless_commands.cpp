// The list.
#include "runtime/agent/harmless_commands.hpp"

#include <algorithm>
#include <array>

#include "runtime/agent/shell_command.hpp"

namespace troupe::agent {
namespace {

template <std::size_t N>
bool among(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr std::array<std::string_view, 35> plain{
    "ls",       "cat",      "head",      "tail",   "wc",    "pwd",      "echo",  "printf",   "grep",
    "egrep",    "fgrep",    "stat",      "du",     "df",    "which",    "type",  "basename", "dirname",
    "realpath", "readlink", "id",        "whoami", "uname", "printenv", "cut",   "tr",       "nl",
    "cmp",      "md5sum",   "sha256sum", "od",     "jq",    "true",     "false", "test"};
constexpr std::array<std::string_view, 11> git_verbs{
    "status", "diff", "log", "show", "blame", "rev-parse", "ls-files", "describe", "shortlog", "rev-list", "cat-file"};
constexpr std::array<std::string_view, 9> find_acts{"-exec",   "-execdir", "-ok",      "-okdir", "-delete",
                                                    "-fprint", "-fprint0", "-fprintf", "-fls"};

bool any_word(const simple_command& c, bool (*bad)(std::string_view)) {
  return std::any_of(c.words.begin() + 1, c.words.end(), [bad](const shell_word& w) { return bad(w.text); });
}

bool git_looks(const simple_command& c) {
  std::size_t at = 1;
  while (at < c.words.size() && (c.words[at].text == "--no-pager" || c.words[at].text == "-C"))
    at += c.words[at].text == "-C" ? 2 : 1;
  return at < c.words.size() && among(c.words[at].text, git_verbs) && !any_word(c, [](std::string_view w) {
           return w.starts_with("--output") || w.starts_with("--ext") || w == "--textconv";
         });
}

bool looks(const simple_command& c) {
  if (c.writes || c.words.empty() || !c.assignments.empty() || c.words[0].expands)
    return false;
  const auto& name = c.words[0].text;
  if (name == "git")
    return git_looks(c);
  if (name == "find")
    return !any_word(c, [](std::string_view w) { return among(w, find_acts); });
  if (name == "rg")
    return !any_word(c, [](std::string_view w) { return w.starts_with("--pre") || w.starts_with("--hostname-bin"); });
  return among(name, plain);
}

} // namespace

bool only_looks(const std::string& line) {
  const auto all = commands_in(line);
  return all && !all->empty() && std::all_of(all->begin(), all->end(), looks);
}

} // namespace troupe::agent
