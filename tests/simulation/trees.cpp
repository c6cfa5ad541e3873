// The simulated repository.
#include "tests/simulation/trees.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/world.hpp"

namespace troupe::simulation {

namespace {

/// What the ledger says of the removal that stands: none, without force, with force.
enum class wanted { nothing, removal, force };
wanted standing(const disk& files, const session_id& id) {
  auto out = wanted::nothing;
  for (const auto& e : files.ledger) {
    if (e.session != id)
      continue;
    if (e.what == "remove")
      out = e.facts.count("force") != 0 || out == wanted::force ? wanted::force : wanted::removal;
    else if (e.what == "kept" || e.what == "resumed")
      out = wanted::nothing;
  }
  return out;
}

} // namespace

std::string tree_path(const session_id& of) {
  return of.value.back() % 2 == 0 ? "/repository/.troupe/worktrees/" + of.value : std::string();
}

void tree_keeper::inspect(const inspect_worktree& x, answer<losses> done) {
  calls.push_back([this, x, done = std::move(done)] {
    losses out;
    if (around_.files.trees[x.tree.path].dirty)
      out.files.emplace_back(" M file");
    done(&out, {});
  });
}

void tree_keeper::remove(const remove_worktree& x, answer<worktree_removed> done) {
  calls.push_back([this, x, done = std::move(done)] {
    if (!dead_ && around_.take(around_.faults.removals)) {
      around_.told.say([&] { return "git does not end in time in " + x.tree.path; });
      return done(nullptr, {errc::disk, "git did not end in time"});
    }
    auto how = removed(x);
    if (!dead_)
      done(&how, {});
  });
}

void tree_keeper::ask(const ask_pull& x, answer<pull_request> done) {
  ++gh_runs;
  if (std::exchange(asks_, true))
    around_.told.broken("PR-1 one gh at a time", x.url);
  calls.push_back([this, x, done = std::move(done)] {
    asks_ = false;
    if (dead_)
      return;
    if (around_.busy_forge)
      review(x.url);
    auto at = around_.forge.find(x.url);
    if (around_.take(around_.faults.asks) || at == around_.forge.end()) {
      around_.told.say([&] { return "gh does not tell of " + x.url; });
      return done(nullptr, {errc::disk, "gh told nothing"});
    }
    around_.told.say([&] { return "gh tells that " + x.url + " is " + at->second.state; });
    around_.told_of[x.url] = at->second.state;
    done(&at->second, {});
  });
}

/// It goes on each time that somebody asks, until it is merged; some questions fail.
void tree_keeper::review(const std::string& url) {
  constexpr std::uint32_t failing = 4;
  if (gh_runs % failing == 0)
    ++around_.faults.asks;
  auto& now = around_.forge.emplace(url, pull_request{1, url, "open"}).first->second;
  now.state = now.state == "open" ? "pending" : now.state == "pending" ? "ready" : "merged";
}

worktree_removed tree_keeper::removed(const remove_worktree& x) {
  auto& tree = around_.files.trees[x.tree.path];
  auto asked = standing(around_.files, x.session);
  if (asked == wanted::nothing || (x.force && asked != wanted::force))
    around_.told.broken("ISO-2 nothing is removed that nobody asked for", x.session.value);
  for (const auto& w : around_.workers)
    if (w->job && w->job->session == x.session && ((w->alive && w->started && !w->over) || w->leftovers))
      around_.told.broken("SEC-4 the processes have ended first", name_of(w->id) + " of " + x.session.value);
  if (!tree.there)
    return {true, {}, {}, {}};
  if (tree.inode != x.tree.inode)
    return {false, "another folder", {}, {}};
  if (tree.dirty && !x.force)
    return {false, "uncommitted changes", {}, {}};
  tree.there = around_.planted == plant::leaves_trees;
  around_.told.say([&] { return x.tree.path + " is removed"; });
  return {true, {}, "deleted", tree.dirty ? "refs/troupe/kept/x" : ""};
}

void tree_keeper::drop() {
  dead_ = true;
  bool carried_out = true;
  for (const auto& call : std::exchange(calls, {}))
    if (std::exchange(carried_out, !carried_out))
      call();
}

} // namespace troupe::simulation
