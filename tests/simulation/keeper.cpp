// The simulated journal keeper and vault. Mirrors runtime/services/journal_keeper.cpp and vault.cpp.
#include "tests/simulation/keeper.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "tests/simulation/world.hpp"

namespace troupe::simulation {

void keeper::append(ledger_entry e, const std::function<void(const appended*, const failure&)>& done) {
  auto& d = around_.files;
  if (dead_) {
    appended nothing{0};
    done(&nothing, {});
    return;
  }
  if (around_.take(around_.faults.writes)) {
    around_.told.say([&] { return "the disk refuses '" + brief(e) + "'"; });
    done(nullptr, {errc::disk, "the ledger cannot be written: No space left on device"});
    return;
  }
  e.n = ++d.last;
  appended out{e.n};
  around_.told.say([&] { return "ledger " + std::to_string(e.n) + ": " + brief(e); });
  if (around_.planted == plant::acknowledges_first) { // the line is written some time after it was promised
    done(&out, {});
    calls.push_back([this, e = std::move(e)] {
      if (dead_)
        return;
      around_.seen.recorded(e);
      around_.files.ledger.push_back(e);
    });
    return;
  }
  if (e.what == "dispatched")
    d.folders.insert(e.session);
  around_.seen.recorded(e);
  d.ledger.push_back(std::move(e));
  done(&out, {});
}

void keeper::drop() {
  dead_ = true;
  for (const auto& call : std::exchange(calls, {}))
    call();
}

namespace {

bool is_removed(const std::vector<ledger_entry>& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const auto& e) { return e.what == "removed"; });
}

/// One that has told its end may still be on its way out: nobody says `stopped` before it is gone.
bool last_claimed_lives(world& around, const std::vector<ledger_entry>& entries) {
  auto at = std::find_if(entries.rbegin(), entries.rend(), [](const auto& e) { return e.what == "claimed"; });
  if (at == entries.rend())
    return false;
  const auto* w = around.find({at->facts.at("boot"), std::atoi(at->facts.at("pid").c_str()),
                               std::strtoull(at->facts.at("start").c_str(), nullptr, 10)});
  return w && w->alive;
}

} // namespace

void keeper::load(const std::function<void(const journal*, const failure&)>& done) {
  if (dead_)
    return;
  journal out;
  auto& d = around_.files;
  if (std::exchange(d.torn, false))
    out.problems.emplace_back("a torn last line was cut off");
  std::map<session_id, std::vector<ledger_entry>> by_session;
  std::vector<session_id> order;
  for (const auto& e : d.ledger) {
    if (e.session.empty())
      continue;
    if (by_session.count(e.session) == 0)
      order.push_back(e.session);
    by_session[e.session].push_back(e);
  }
  for (const auto& id : order) {
    auto& entries = by_session[id];
    if (is_removed(entries)) {
      if (entries.front().what == "dispatched")
        out.keys.push_back(std::move(entries.front()));
    } else if (entries.front().what != "dispatched") {
      around_.told.broken("KEEP-8 a session without a beginning", id.value + " begins with " + brief(entries.front()));
    } else {
      bool alive = last_claimed_lives(around_, entries);
      out.sessions.push_back({id, std::move(entries), d.transcripts[id], {}, alive});
    }
  }
  out.last = d.last;
  around_.told.say([&] { return "the ledger is read: " + std::to_string(out.sessions.size()) + " sessions"; });
  done(&out, {});
}

void vault::load(answer done) {
  calls.push_back([this, done = std::move(done)] {
    around_.told.say([&] { return "vault gives login " + std::to_string(around_.files.logins); });
    done(&around_.files.credentials, {});
  });
}

void vault::refresh(answer done) {
  calls.push_back([this, done = std::move(done)] {
    if (around_.take(around_.faults.refreshes)) {
      around_.told.say([] { return "the refresh is refused"; });
      done(nullptr, {errc::no_credentials, "the provider refuses the refresh"});
      return;
    }
    auto& held = around_.files.credentials;
    if (!held.credentials.empty())
      held.expires = around_.wall() + 3'600'000;
    around_.told.say([] { return "the refresh succeeds"; });
    done(&held, {});
  });
}

} // namespace troupe::simulation
