// The worlds: several of different focus, each small enough to be exhausted.
#include "tests/search/worlds.hpp"

#include "tests/search/shells.hpp"

namespace troupe::search {

namespace {

using c = chance;

setting make(const char* name, const char* about, std::vector<std::string> kinds, std::size_t spares,
             std::map<chance, std::uint8_t> allowed) {
  setting s;
  s.name = name;
  s.about = about;
  s.kinds = std::move(kinds);
  s.spares = spares;
  s.allowed = std::move(allowed);
  return s;
}

setting with_credentials(setting s) {
  s.credentials = true;
  return s;
}
setting to_assignment(setting s) {
  s.to_assignment = true;
  return s;
}
setting with_slow_rows(setting s) {
  s.slow_rows = true;
  return s;
}
setting freezing(setting s) {
  s.freezes = true;
  return s;
}
setting with_bug(planted bug, setting s) {
  s.bug = bug;
  return s;
}

std::vector<setting> deep_worlds() {
  return {
      freezing(make("freeze-crash", "a reply, a death and a crash against freezing", {"agent"}, 0,
                    {{c::reply, 1}, {c::death, 1}, {c::crash, 1}})),
      freezing(make("freeze-work", "background work and a question against freezing", {"agent"}, 0,
                    {{c::work, 1}, {c::ask, 1}, {c::reply, 1}})),
      make("two-deaths", "two deaths and a reply", {"agent"}, 0, {{c::death, 2}, {c::reply, 1}}),
      make("reply-crash", "a reply, a death and a crash", {"agent"}, 0, {{c::reply, 1}, {c::death, 1}, {c::crash, 1}}),
      make("question-crash", "a question, an answer, a death and a crash", {"agent"}, 0,
           {{c::ask, 1}, {c::answer, 1}, {c::death, 1}, {c::crash, 1}}),
      with_credentials(
          make("expiry-run", "one credential expires and two sessions run", {"agent", "agent"}, 0, {{c::expiry, 2}})),
      make("three", "three sessions and two spares", {"agent", "agent", "exec"}, 2, {}),
      make("claim-death", "two dispatches, one spare, and a death at any point", {"agent", "exec"}, 1, {{c::death, 1}}),
      with_slow_rows(
          make("shutdown-two", "daemon stop against two sessions", {"agent", "exec"}, 0, {{c::stop_all, 1}})),
      with_slow_rows(make("keep-death", "daemon stop --keep-workers against a death", {"agent"}, 1,
                          {{c::stop_keep, 1}, {c::death, 1}})),
  };
}

} // namespace

std::vector<setting> worlds(bool deep) {
  std::vector<setting> out{
      to_assignment(with_credentials(make("expiry", "one credential expires and three sessions ask",
                                          {"agent", "agent", "agent"}, 0, {{c::expiry, 1}}))),
      make("stop-crash", "a stop, a reply and a crash", {"agent"}, 0, {{c::stop, 1}, {c::crash, 1}, {c::reply, 1}}),
      make("exec-crash", "a shell job, its respawn, a death and a crash", {"exec"}, 0,
           {{c::respawn, 1}, {c::crash, 1}, {c::death, 1}}),
      make("claim-race", "two dispatches and one spare that may die", {"exec", "exec"}, 1, {{c::unlinked, 1}}),
      make("stop-race", "stop against claim, assign, start and turn, and a death", {"agent"}, 0,
           {{c::stop, 1}, {c::death, 1}}),
      make("remove-race", "remove against stop", {"agent"}, 0, {{c::stop, 1}, {c::remove, 1}}),
      make("respawn", "a respawn against a stop", {"exec"}, 0, {{c::respawn, 1}, {c::stop, 1}}),
      make("reaper", "a reply and a terminal against the reaper", {"agent"}, 0, {{c::reply, 1}, {c::attach, 1}}),
      make("reaper-work", "background work and a pin against the reaper", {"agent"}, 0, {{c::work, 1}, {c::pin, 1}}),
      freezing(
          make("freeze", "a reply and a terminal against freezing", {"agent"}, 0, {{c::reply, 1}, {c::attach, 1}})),
      freezing(
          make("freeze-stop", "a stop and a late answer against freezing", {"agent"}, 0, {{c::stop, 1}, {c::late, 1}})),
      freezing(make("freeze-wake", "an attach, a pin and a crash against freezing", {"agent"}, 0,
                    {{c::wake, 1}, {c::pin, 1}, {c::crash, 1}})),
      make("shortage", "memory pressure against a reply and a terminal", {"agent"}, 0,
           {{c::shortage, 2}, {c::reply, 1}, {c::attach, 1}}),
      make("shortage-pin", "memory pressure against a pin, work and a death", {"agent"}, 0,
           {{c::shortage, 1}, {c::pin, 1}, {c::work, 1}, {c::death, 1}}),
      freezing(make("shortage-freeze", "memory pressure against freezing, a terminal and a crash", {"agent"}, 0,
                    {{c::shortage, 1}, {c::attach, 1}, {c::crash, 1}})),
      make("crash", "one dispatch, repeated by key, and two crashes", {"agent"}, 0, {{c::crash, 2}, {c::repeat, 1}}),
      make("wake", "a stopped session is woken, and a crash", {"agent"}, 0,
           {{c::stop, 1}, {c::wake, 1}, {c::crash, 1}}),
      make("question", "a question, two answers and a death", {"agent"}, 0,
           {{c::ask, 1}, {c::answer, 2}, {c::death, 1}}),
      make("late", "an answer that comes too late, and a stop", {"agent"}, 0, {{c::late, 1}, {c::stop, 1}}),
      with_slow_rows(make("shutdown", "daemon stop against a dispatch", {"exec"}, 1, {{c::stop_all, 1}})),
      with_slow_rows(make("keep", "daemon stop --keep-workers against a dispatch", {"agent"}, 1, {{c::stop_keep, 1}})),
      with_credentials(make("sign-out", "a refresh that is refused, a logout and a login", {"agent"}, 0,
                            {{c::expiry, 2}, {c::no_refresh, 1}, {c::logout, 1}, {c::login, 1}})),
  };
  if (deep) {
    for (auto& s : deep_worlds())
      out.push_back(std::move(s));
  }
  return out;
}

std::vector<setting> planted_worlds() {
  return {
      with_bug(planted::stale_timers, make("stale timers", "", {"exec"}, 0, {{c::respawn, 1}})),
      with_bug(planted::spare_twice, make("a spare granted twice", "", {"agent", "agent"}, 1, {})),
      with_bug(planted::undone_stop, make("a stop undone", "", {"agent"}, 0, {{c::stop, 1}})),
      with_bug(planted::early_reap, make("a reap too early", "", {"agent"}, 0, {{c::pin, 1}})),
      with_bug(planted::unwritten_claim, make("an unwritten claim", "", {"agent"}, 0, {})),
      with_bug(planted::forgotten_worker, make("a worker forgotten", "", {"agent"}, 0, {{c::stop, 1}})),
      with_bug(planted::lost_reply, make("a reply lost", "", {"agent"}, 0, {{c::reply, 1}})),
      with_bug(planted::retired_busy, make("a working session retired", "", {"agent"}, 0, {{c::shortage, 1}})),
      with_credentials(
          with_bug(planted::second_refresh, make("a second refresh", "", {"agent", "agent"}, 0, {{c::expiry, 1}}))),
  };
}

world first_world(const setting& about) {
  world w;
  w.about = &about;
  for (const auto& [what, times] : about.allowed)
    w.left[static_cast<std::size_t>(what)] = times;
  w.sessions.resize(about.kinds.size());
  start_supervisor(w);
  return w;
}

} // namespace troupe::search
