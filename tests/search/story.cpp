// A move in words.
#include "tests/search/moves.hpp"
#include "tests/search/shells.hpp"

namespace troupe::search {

namespace {

std::string of_worker(std::uint8_t at) {
  return "worker " + std::to_string(at + 1);
}

std::string cut(const move& m) {
  return m.how == 1   ? ", and is killed behind its first line"
         : m.how == 2 ? ", and is killed behind its second line"
                      : "";
}

std::string people(const world& w, const move& m) {
  auto who = "session " + id_of(m.who).value;
  switch (static_cast<step_kind>(m.what)) {
  case step_kind::dispatch:
    return "a front end dispatches " + who + " (" + w.about->kinds[m.who] + ")";
  case step_kind::stop:
    return "a front end stops " + who;
  case step_kind::remove:
    return "a front end removes " + who;
  case step_kind::respawn:
    return "a front end respawns " + who;
  case step_kind::wake:
    return "a front end attaches to " + who + " and wakes it";
  case step_kind::reply:
    return "a front end replies to " + who;
  case step_kind::answer:
    return "a front end answers " + who;
  case step_kind::pin:
    return "a front end pins " + who;
  case step_kind::retire:
    return "memory is short, and " + who + " is asked for its process";
  case step_kind::repeat:
    return "a front end repeats the dispatch of " + who + " with its key";
  default:
    return {};
  }
}

std::string between_actors(const world& w, const move& m) {
  auto who = "session " + id_of(m.who).value;
  const auto& side = *w.sessions[m.who % w.sessions.size()].actor;
  switch (static_cast<step_kind>(m.what)) {
  case step_kind::write:
    return "the ledger gets '" + std::get<sm::record>(std::get<sm::effect>(side.queue.front())).entry.what + "' of " +
           who + (m.how == 1 ? ", and the supervisor is killed right behind it" : "");
  case step_kind::pool_hears:
    return std::string("the pool hears ") +
           (std::holds_alternative<pm::claimed>(side.to_pool.front())        ? "the claim"
            : std::holds_alternative<pm::permit_asked>(side.to_pool.front()) ? "that a permit is asked for"
                                                                             : "that a permit comes back") +
           " of " + who + (m.how == 1 ? ", and no process can be started" : "");
  case step_kind::grant_heard:
    return who + (side.grants.front().refused.empty() ? " is granted " + of_worker(side.grants.front().worker)
                                                      : " is granted no worker");
  case step_kind::permit_heard:
    return who + " may start its harness";
  case step_kind::memory_told:
    return who + " hears how much memory is left";
  case step_kind::rest_over:
    return who + " has rested long enough";
  case step_kind::timer:
    return "the timer of " + who + " is due";
  case step_kind::too_late:
    return who + " gives up waiting for an answer of " + of_worker(side.asked[m.how].worker);
  default:
    return {};
  }
}

std::string hears(const to_worker& t) {
  static const char* const words[] = {
      "the assignment",    "start", "a reply", "an answer", "that it is to end", "hello", "that it is to freeze",
      "that it is to thaw"};
  return words[static_cast<std::size_t>(t.what)] + (t.key.empty() ? "" : " (" + t.key + ")");
}

std::string says(const process& p, bool answer) {
  static const char* const kinds[] = {"assignment", "end", "adoption", "answer", "freeze"};
  if (answer)
    return "that the " + std::string(kinds[static_cast<std::size_t>(p.answers.front().kind)]) +
           (p.answers.front().ok ? " is taken" : " fails: " + p.answers.front().why);
  if (const auto* e = std::get_if<event>(&p.told.front()))
    return "'" + e->what + (e->id.empty() ? "" : " " + e->id) + "'";
  return std::holds_alternative<ready_news>(p.told.front()) ? "that it is ready" : "that it has ended";
}

std::string at_worker(const world& w, const move& m) {
  auto who = of_worker(m.who);
  const auto& p = *w.workers[m.who % w.workers.size()];
  switch (static_cast<step_kind>(m.what)) {
  case step_kind::dies:
    return who + (m.how == 1 ? " ends by itself" : " is killed");
  case step_kind::worker_hears:
    return who + " hears " + hears(p.inbox.front()) + cut(m);
  case step_kind::hello_heard:
    return who + " hears the new supervisor's hello";
  case step_kind::spare_leaves:
    return who + " sees that its supervisor is gone and exits";
  case step_kind::spare_ready:
    return who + "'s agent is ready to be claimed";
  case step_kind::tree_ends:
    return who + " ends its tree (" + p.end_reason.value_or("") + ")" + cut(m);
  case step_kind::job_ends:
    return "the command of " + who + " ends" + cut(m);
  case step_kind::agent_ready:
    return "the agent of " + who + " has opened its conversation" + cut(m);
  case step_kind::turn_ends:
    return "the turn of " + who + " ends" + (m.how == 9 ? " with an error" : cut(m));
  case step_kind::asks:
    return "the agent of " + who + " asks a question";
  case step_kind::works:
    return "the agent of " + who + (m.how == 0 ? " begins background work" : " ends its background work");
  case step_kind::attaches:
    return "a terminal attaches to " + who;
  case step_kind::detaches:
    return "a terminal detaches from " + who;
  case step_kind::answer_heard:
    return "the session of " + who + " hears " + says(p, true);
  case step_kind::news_heard:
    return "the supervisor hears of " + who + " " + says(p, false);
  default:
    return {};
  }
}

std::string at_supervisor(const move& m) {
  switch (static_cast<step_kind>(m.what)) {
  case step_kind::supervisor_starts:
    return "a supervisor starts on what the disk has";
  case step_kind::crash:
    return "the supervisor is killed";
  case step_kind::row_heard:
    return "the supervisor hears of a session's new row";
  case step_kind::supervisor_leaves:
    return "the supervisor exits";
  case step_kind::stop_all:
    return "daemon stop";
  case step_kind::stop_keep:
    return "daemon stop --keep-workers";
  case step_kind::tick:
    return "the pool's timer is due";
  case step_kind::vault_heard:
    return "the store hears what the vault holds";
  case step_kind::refreshed:
    return m.how == 1 ? "the provider refuses the refresh" : "the provider answers the refresh";
  case step_kind::time_passes:
    return "time passes towards the credential's end";
  case step_kind::expiry_due:
    return "the store sees that the credential ends soon";
  case step_kind::login:
    return "somebody logs in";
  case step_kind::logout:
    return "somebody logs out";
  default:
    return {};
  }
}

} // namespace

std::string told(const world& w, const move& m) {
  auto what = static_cast<step_kind>(m.what);
  if (what <= step_kind::repeat)
    return people(w, m);
  if (what <= step_kind::too_late)
    return between_actors(w, m);
  return what <= step_kind::news_heard ? at_worker(w, m) : at_supervisor(m);
}

} // namespace troupe::search
