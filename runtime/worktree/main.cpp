// troupe-worktree: whatever git and the file system have to do for worktrees, in a process of its own. One request as
// JSON on standard input, one answer as JSON on standard output.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>
#include <string>

#include "messages/json.hpp"
#include "messages/requests.hpp"
#include "runtime/worktree/leftovers.hpp"
#include "runtime/worktree/losses.hpp"
#include "runtime/worktree/making.hpp"
#include "runtime/worktree/pulls.hpp"
#include "runtime/worktree/removal.hpp"

namespace {

using namespace troupe;

json make(const json& asked) {
  auto made = make_worktree(worktree_from_json(asked.at("worktree")), required_text(asked, "session"),
                            optional_text(asked, "folder"), optional_text(asked, "hook"));
  json out = json::object();
  if (!made.tree.path.empty())
    out["worktree"] = to_json(made.tree);
  for (auto [name, text] :
       {std::pair{"none", &made.none}, std::pair{"error", &made.error}, std::pair{"note", &made.note}})
    if (!text->empty())
      out[name] = bytes_to_json(*text);
  return out;
}

/// What is left out of a list is counted in its last line.
void shorten(std::vector<std::string>& list, std::size_t most, const std::string& indent) {
  if (const auto all = list.size(); all > most) {
    list.resize(most);
    list.push_back(indent + "… and " + std::to_string(all - most) + " more");
  }
}

json inspect(const json& asked) {
  auto lost = look_at(worktree_from_json(asked.at("worktree"))).lost;
  shorten(lost.files, 200, "   ");
  shorten(lost.ignored, 50, {});
  shorten(lost.products, 20, {});
  return to_json(lost);
}

json remove_it(const json& asked) {
  auto how = remove_tree(worktree_from_json(asked.at("worktree")), optional_flag(asked, "force", false),
                         optional_text(asked, "hook"));
  return {{"removed", how.removed},
          {"why", bytes_to_json(how.why)},
          {"branch", how.branch},
          {"snapshot", bytes_to_json(how.snapshot)},
          {"ignored", bytes_to_json(how.ignored)}};
}

json told_of(const pull_request& found) {
  return {{"number", found.number}, {"url", bytes_to_json(found.url)}, {"state", found.state}};
}

json to_json(const leftover_worktree& x) {
  return {{"worktree", to_json(x.tree)},
          {"session", bytes_to_json(x.session)},
          {"folder", bytes_to_json(x.folder)},
          {"keeps", bytes_to_json(x.keeps)}};
}

json leftovers(const json& asked) {
  json out = json::array();
  for (const auto& each : leftovers_in(optional_texts(asked, "directories"), required_text(asked, "sessions")))
    out.push_back(to_json(each));
  return {{"leftovers", std::move(out)}};
}

json clear(const json& asked) {
  auto why = remove_leftover(
      {worktree_from_json(asked.at("worktree")), required_text(asked, "session"), optional_text(asked, "folder"), {}},
      required_text(asked, "sessions"));
  return {{"removed", why.empty()}, {"why", bytes_to_json(why)}};
}

json pulls(const json& asked) {
  auto found = ask_gh(required_text(asked, "path"));
  return found.number == 0 ? json::object() : told_of(found);
}

json pull(const json& asked) {
  auto found = ask_gh_about(required_text(asked, "url"));
  return found.error.empty() ? told_of(found.now) : json{{"error", bytes_to_json(found.error)}};
}

} // namespace

int main(int argc, char** argv) {
  const std::string verb = argc == 2 ? argv[1] : "";
  if (verb == "--version") {
    std::puts("troupe-worktree " TROUPE_VERSION);
    return 0;
  }
  static const std::map<std::string, json (*)(const json&)> verbs{
      {"make", make},   {"inspect", inspect}, {"remove", remove_it}, {"leftovers", leftovers},
      {"clear", clear}, {"pulls", pulls},     {"pull", pull}};
  auto act = verbs.find(verb);
  if (act == verbs.end()) {
    std::fputs("troupe-worktree: started by troupe only\n  to remove a session with its worktree: troupe rm\n", stderr);
    return 2;
  }
  try {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    std::puts(to_line(act->second(json::parse(text))).c_str());
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "troupe-worktree: the request cannot be used: %s\n", e.what());
    return 1;
  }
}
