// troupe doctor: worktrees that Troupe made and whose session does not exist any more (docs/worktrees.md).
#include <filesystem>
#include <fstream>
#include <set>

#include "cli/command.hpp"
#include "cli/doctor.hpp"
#include "runtime/io/process.hpp"
#include "runtime/io/run_program.hpp"

namespace troupe::doctor {

namespace {

namespace fs = std::filesystem;

/// The checkouts that worktrees were made in, as the ledger has them, and the directory that we are in. What is left of
/// removed sessions says so of theirs.
json directories(const paths& where) {
  std::set<std::string> all;
  std::error_code error;
  all.insert(fs::current_path(error).string());
  auto take = [&](const std::string& text) {
    if (text.find("\"repository\"") == std::string::npos) // most lines have nothing to say of it
      return;
    auto line = json::parse(text, nullptr, false);
    for (const char* at : {"/facts/repository", "/entry/facts/repository"})
      if (const json::json_pointer place(at); line.is_object() && line.contains(place) && line[place].is_string())
        all.insert(line[place].get<std::string>());
  };
  std::ifstream ledger(where.ledger());
  for (std::string line; std::getline(ledger, line);)
    take(line);
  failure ignored;
  for (const auto& each : fs::directory_iterator(where.state + "/sessions", error))
    take(read_file(each.path().string() + "/removed.json", ignored).value_or(""));
  json out = json::array();
  for (const auto& each : all)
    out.push_back(bytes_to_json(each));
  return out;
}

/// What troupe-worktree answers; no object: it has none.
json ask(const char* verb, const json& asked) {
  auto got = run_program({own_program("troupe-worktree"), verb}, "/", to_line(asked), own_environment());
  return json::parse(got.out, nullptr, false);
}

finding to_finding(const json& x, const std::string& sessions) {
  auto path = optional_text(x["worktree"], "path"), keeps = optional_text(x, "keeps");
  auto what = "the worktree " + path + " is of a session that is gone, " + optional_text(x, "session");
  if (!keeps.empty())
    return {"worktrees", grade::note, what + ", and is kept: " + keeps,
            "look at it, then: git worktree remove --force " + path};
  auto asked = x;
  asked["sessions"] = bytes_to_json(sessions);
  return {"worktrees", grade::fault, what, "troupe doctor --repair, or: git worktree remove " + path, [asked] {
            auto how = ask("clear", asked);
            return how.is_object() && optional_flag(how, "removed", false);
          }};
}

} // namespace

void check_worktrees(findings& out, const paths& where) {
  const auto sessions = where.state + "/sessions";
  auto got = ask("leftovers", {{"directories", directories(where)}, {"sessions", bytes_to_json(sessions)}});
  if (!got.is_object()) // what is wrong with the program is said already
    return out.push_back({"worktrees", grade::note,
                          "nobody knows whether one is left over: git or troupe-worktree "
                          "does not answer"});
  for (const auto& each : got["leftovers"])
    out.push_back(to_finding(each, sessions));
  if (got["leftovers"].empty())
    out.push_back({"worktrees", grade::fine, "none is left over"});
}

} // namespace troupe::doctor
