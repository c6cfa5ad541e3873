// The effects of session_machine, one a function: each is a message to whoever carries it out.
#include "actors/session/session.hpp"

#include <algorithm>

#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

namespace sm = session_machine;

bool session_state::act(const sm::ask_permit&) {
  self->send(around->pool, permit_wanted{m.known.id});
  return false;
}

bool session_state::act(const sm::return_permit&) {
  self->send(around->pool, permit_back{m.known.id});
  return false;
}

bool session_state::act(const sm::start& e) {
  self->send(around->host, start_worker{e.worker.worker, m.known.run});
  return false;
}

bool session_state::act(const sm::deliver& e) {
  auto pass_on = [this, e] {
    self->request(around->host, deadline::worker, deliver_reply{e.worker.worker, e.key, e.text, cause})
        .then([](reply_taken&) { /* its `taken` event tells the machine */ },
              [](caf::error&) { /* kept: the next worker gets it (REST-5) */ });
  };
  if (m.known.is_exec()) {
    pass_on();
    return false;
  }
  // BEYOND-6: no turn begins with older credentials; where there are none any more, the agent says so
  self->request(around->credentials, deadline::local, snapshot_wanted{m.known.id})
      .then(
          [this, pass_on](snapshot& s) {
            renew(std::move(s));
            pass_on();
          },
          [pass_on](caf::error&) { pass_on(); });
  return false;
}

bool session_state::act(const sm::give& e) {
  auto promise = std::move(answers.front());
  answers.pop_front();
  self->request(around->host, deadline::worker, give_answer{e.worker.worker, e.key, e.question, e.choice, e.by, cause})
      .then([promise](answer_taken& a) mutable { promise.deliver(std::move(a)); },
            [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return false;
}

bool session_state::act(const sm::turn_away& e) {
  answers.front().deliver(make_error(e.code, e.text));
  answers.pop_front();
  return false;
}

bool session_state::act(const sm::declare& e) {
  auto promise = std::move(works.front());
  works.pop_front();
  self->request(around->host, deadline::worker, note_work{e.worker.worker, e.begins, e.work, e.title})
      .then([promise](work_declared& w) mutable { promise.deliver(std::move(w)); },
            [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return false;
}

bool session_state::act(const sm::steer& e) {
  auto promise = std::move(steers.front());
  steers.pop_front();
  self->request(around->host, deadline::steering, steer_worker{e.worker.worker, e.action, e.name, e.value, e.by})
      .then([promise](steered& s) mutable { promise.deliver(std::move(s)); },
            [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return false;
}

bool session_state::act(const sm::freeze& e) {
  self->request(around->host, deadline::worker, freeze_worker{e.worker.worker, e.seen})
      .then([](worker_frozen&) { /* its `frozen` event tells the machine */ },
            [this, w = e.worker.worker](caf::error& err) {
              advance(sm::not_frozen{failure_of(err).text, w});
            });
  return false;
}

bool session_state::act(const sm::thaw& e) {
  self->send(around->host, thaw_worker{e.worker.worker, e.why});
  return false;
}

bool session_state::act(const sm::end& e) {
  self->request(around->host, deadline::worker, end_worker{e.worker.worker, e.reason, e.seen})
      .then([](ending_worker&) { /* worker_exited follows */ },
            [this, w = e.worker.worker](caf::error& err) {
              advance(sm::end_refused{failure_of(err).text, w});
            });
  return false;
}

bool session_state::act(const sm::kill& e) {
  self->send(around->host, kill_worker{e.worker.worker, m.known.id, around->sessions + "/" + m.known.id.value, e.why});
  return false;
}

bool session_state::act(const sm::adopt& e) {
  adopt_worker ask{e.worker, m.known.id, around->sessions + "/" + m.known.id.value, m.known.last_event};
  self->request(around->host, deadline::worker, std::move(ask))
      .then(
          [this](worker_adopted& a) {
            adoption_open = false;
            for (auto& untold : a.untold)
              advance(sm::happened{std::move(untold)});
            if (a.state == "gone") {
              advance(sm::not_adopted{true, a.why});
            } else {
              env = std::move(a.job.env);
              settled = settled_now(); // which credentials are its own
              advance(sm::adopted{a.last});
              if (!m.known.is_exec()) { // what it holds may be from before a login or a logout that nobody has told
                obey(credentials.assigned(a.job.credentials.epoch));
                obey(credentials.woke(standing()));
              }
            }
            tell_exits();
          },
          [this](caf::error& err) {
            adoption_open = false;
            auto why = failure_of(err);
            advance(sm::not_adopted{why.code == errc::worker_gone, why.text});
            tell_exits();
          });
  adoption_open = true;
  return false;
}

/// The end of a worker comes behind the answer to its adoption, which brings what it wrote last.
void session_state::tell_exits() {
  if (adoption_open)
    return;
  for (auto& e : std::exchange(exits, {}))
    advance(sm::gone{e.worker, e.evidence});
}

bool session_state::act(const sm::arm& e) {
  self->delayed_send(self, std::chrono::milliseconds(e.ms),
                     timer_due{static_cast<std::uint32_t>(e.which), e.generation});
  return false;
}

bool session_state::act(const sm::answer_dispatch& e) {
  for (auto& p : dispatchers) {
    if (e.code == errc::ok)
      p.deliver(dispatched{m.known.id, m.known.name, m.known.spec.harness, warm, false});
    else
      p.deliver(make_error(e.code, e.text));
  }
  dispatchers.clear();
  return false;
}

bool session_state::act(const sm::refuse&) {
  return false;
} // `serve` has answered it

bool session_state::act(const sm::clear&) {
  auto go_on = [this] {
    waiting = false;
    run();
  };
  self->request(around->host, deadline::worker, clear_session{m.known.id, around->sessions + "/" + m.known.id.value})
      .then([go_on](session_cleared&) { go_on(); }, [go_on](caf::error&) { go_on(); });
  return true;
}

bool session_state::act(const sm::look_at_memory&) {
  self->request(around->machine, deadline::local, memory_asked{})
      .then([this](memory_state& now) { advance(sm::memory_seen{now.low}); },
            [this](caf::error&) { advance(sm::memory_seen{false}); });
  return false;
}

bool session_state::act(const sm::remove_tree& e) {
  self->request(around->repository, deadline::repository, remove_worktree{m.known.id, e.tree, e.force})
      .then([this](worktree_removed& how) { advance(sm::tree_removed{std::move(how)}); },
            [this, path = e.tree.path](caf::error& err) {
              advance(sm::tree_removed{
                  {false, "its worktree " + path + " could not be looked at: " + failure_of(err).text, {}, {}}});
            });
  return false;
}

/// BEYOND-9: what its machine knows, and what the repository says.
caf::result<losses> session_state::tell_losses() {
  auto promise = self->make_response_promise<losses>();
  losses own;
  const auto& f = m.known;
  if (f.turn && !f.is_exec())
    own.running.emplace_back("the turn that runs");
  for (const auto& w : f.work)
    own.running.push_back(w.kind + " " + w.title);
  for (const auto& r : f.replies)
    own.replies.push_back(r.text);
  if (f.tree.path.empty() || f.tree.inode == 0) {
    promise.deliver(std::move(own));
    return promise;
  }
  self->request(around->repository, deadline::repository, inspect_worktree{f.id, f.tree})
      .then(
          [promise, own](losses& there) mutable {
            there.running = std::move(own.running);
            there.replies = std::move(own.replies);
            promise.deliver(std::move(there));
          },
          [promise, own](caf::error& err) mutable {
            own.keeps = failure_of(err).text;
            promise.deliver(std::move(own));
          });
  return promise;
}

/// PR-1: with the environment that it would be launched with now, and nothing of its directory (services/repository).
caf::result<pull_request> session_state::ask_about(const std::string& url) {
  auto promise = self->make_response_promise<pull_request>();
  const auto& f = m.known;
  bool linked = std::any_of(f.pulls.begin(), f.pulls.end(), [&](const auto& p) { return p.url == url; });
  auto now = settled_now();
  if (!linked || f.removed || !now.asks_pulls) {
    promise.deliver(make_error(errc::wrong_state, "this session does not ask about " + url));
    return promise;
  }
  if (now.env.empty() || now.refused.code != errc::ok)
    now.env = around->fallback; // what it has kept may hold variables of a project that is not trusted any more
  std::vector<std::string> folders{f.spec.cwd, f.tree.path, f.tree.repository, around->sessions + "/" + f.id.value};
  self->request(around->repository, deadline::repository, ask_pull{f.id, url, std::move(now.env), std::move(folders)})
      .then(
          [this, promise](pull_request& p) mutable {
            advance(sm::pull_told{p});
            promise.deliver(std::move(p));
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

bool session_state::act(const sm::quiet& e) {
  for (; quiet_told < quiet_due; ++quiet_told) {
    auto& first = quiet_waiters.front();
    if (first.removal && !e.kept.empty())
      first.promise.deliver(make_error(errc::kept, e.kept));
    else
      first.promise.deliver(done{m.known.id, first.removal ? e.note : std::string()});
    quiet_waiters.pop_front();
  }
  return false;
}

bool session_state::act(const sm::vanish&) {
  auto now = sm::look(m);
  now.gone = true;
  self->send(around->desk, row_changed{now});
  self->send(around->supervisor_handle, row_changed{std::move(now)});
  self->quit();
  return false;
}

bool session_state::act(const sm::forget&) {
  drop_session last{m.known.id, {}};
  if (!m.known.is_exec())
    last.epitaph.push_back(epitaph_of(m.known));
  self->send(around->keeper, std::move(last));
  return act(sm::vanish{});
}

} // namespace troupe
