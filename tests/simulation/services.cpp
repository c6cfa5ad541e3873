// The simulated services.
#include "tests/simulation/services.hpp"

namespace troupe::simulation {

namespace {

/// A promise that the world keeps, and how it is kept from outside of any actor's step.
template <class Actor, class T>
auto keep(Actor* self, caf::typed_response_promise<T> promise) {
  return [self, promise](const T* got, const failure& error) mutable {
    self->context(nullptr); // the step in which it was asked is over
    if (got)
      promise.deliver(T(*got));
    else
      promise.deliver(make_error(error.code, error.text));
  };
}

/// Hands `call(bench, answer)` to the host's thread.
template <class T, class Call>
caf::result<T> on_bench(worker_host_actor::pointer self, const stage_ptr& on, Call call) {
  auto promise = self->make_response_promise<T>();
  if (!on->around)
    return promise;
  auto& host = *on->around->host;
  host.post([&host, call, done = keep<std::remove_pointer_t<decltype(self)>, T>(self, promise)] { call(host, done); });
  return promise;
}

} // namespace

worker_host_actor::behavior_type make_host(worker_host_actor::pointer self, stage_ptr on) {
  return {
      [=](launch_worker& x) {
        return on_bench<worker_address>(self, on, [x](bench& b, auto done) { b.launch(x, done); });
      },
      [=](assign_worker& x) { return on_bench<receipt>(self, on, [x](bench& b, auto done) { b.assign(x, done); }); },
      [=](start_worker& x) {
        if (on->around)
          on->around->host->post([b = on->around->host.get(), x] { b->start(x); });
      },
      [=](deliver_reply& x) {
        return on_bench<reply_taken>(self, on, [x](bench& b, auto done) { b.ask<reply_taken>(x.worker, x, done); });
      },
      [=](give_answer& x) {
        return on_bench<answer_taken>(self, on, [x](bench& b, auto done) { b.ask<answer_taken>(x.worker, x, done); });
      },
      [=](end_worker& x) { return on_bench<ending_worker>(self, on, [x](bench& b, auto done) { b.end(x, done); }); },
      [=](freeze_worker& x) {
        return on_bench<worker_frozen>(self, on, [x](bench& b, auto done) { b.freeze(x, done); });
      },
      [=](thaw_worker& x) {
        if (on->around)
          on->around->host->post([b = on->around->host.get(), x] { b->thaw(x); });
      },
      [=](renew_worker& x) {
        return on_bench<worker_renewed>(self, on,
                                        [x](bench& b, auto done) { b.ask<worker_renewed>(x.worker, x, done); });
      },
      [=](note_work& x) {
        return on_bench<work_declared>(self, on, [x](bench& b, auto done) { b.ask<work_declared>(x.worker, x, done); });
      },
      [](steer_worker& x) { return steered{x.value}; }, // nobody steers here
      [=](clear_session& x) {
        return on_bench<session_cleared>(self, on, [x](bench&, auto done) {
          session_cleared out{x.session}; // background shells are not simulated
          done(&out, failure{});
        });
      },
      [=](kill_worker& x) {
        if (on->around)
          on->around->host->post([b = on->around->host.get(), x] { b->kill(x); });
      },
      [=](adopt_worker& x) {
        return on_bench<worker_adopted>(self, on, [x](bench& b, auto done) { b.adopt(x, done); });
      },
      [=](say_goodbye& x) {
        return on_bench<say_goodbye>(self, on, [x](bench& b, auto done) { b.goodbye([&] { done(&x, failure{}); }); });
      },
  };
}

journal_keeper_actor::behavior_type make_keeper(journal_keeper_actor::pointer self, stage_ptr on) {
  return {
      [=](append& a) -> caf::result<appended> {
        if (!on->around)
          return appended{0};
        auto promise = self->make_response_promise<appended>();
        auto& k = *on->around->ledger;
        k.post([&k, e = std::move(a.entry), done = keep(self, promise)]() mutable { k.append(std::move(e), done); });
        return promise;
      },
      [=](load_journal&) -> caf::result<journal> {
        auto promise = self->make_response_promise<journal>();
        if (on->around) {
          auto& k = *on->around->ledger;
          k.post([&k, done = keep(self, promise)] { k.load(done); });
        }
        return promise;
      },
      [](drop_session&) {},
      [](cache_row&) {},
      [](archive_asked&) { return archive{}; },
      [](revive_session& x) -> caf::result<session_history> {
        return make_error(errc::no_such_session, "nothing is kept of " + x.id.value); // nobody resumes here
      },
      [=](chain_asked& x) {
        return reasons{on->around ? lines_of(on->around->files, x.id) : std::vector<ledger_entry>()};
      },
      [](flush_journal& f) { return f; },
      [](timer_due&) {},
  };
}

machine_actor::behavior_type make_machine(machine_actor::pointer, stage_ptr on) {
  return {
      [](watch_machine&) {}, // the day tells when memory runs short and when the machine has slept
      [=](memory_asked&) {
        bool is_short = on->around && world::take(on->around->faults.shortage);
        return memory_state{is_short, is_short, {}};
      },
  };
}

vault_actor::behavior_type make_vault(vault_actor::pointer self, stage_ptr on) {
  return {
      [=](load_credentials&) -> caf::result<snapshot> {
        auto promise = self->make_response_promise<snapshot>();
        if (on->around)
          on->around->accounts->load(keep(self, promise));
        return promise;
      },
      [=](refresh_credentials&) -> caf::result<snapshot> {
        auto promise = self->make_response_promise<snapshot>();
        if (on->around)
          on->around->accounts->refresh(keep(self, promise));
        return promise;
      },
      [=](clear_credentials&) -> caf::result<signed_out> {
        if (on->around)
          on->around->files.credentials = {};
        return signed_out{1};
      },
      [](accounts_asked&) { return accounts{}; },
  };
}

repository_actor::behavior_type make_repository(repository_actor::pointer self, stage_ptr on) {
  return {
      [=](inspect_worktree& x) -> caf::result<losses> {
        auto promise = self->make_response_promise<losses>();
        if (on->around)
          on->around->trees->inspect(x, keep(self, promise));
        return promise;
      },
      [=](remove_worktree& x) -> caf::result<worktree_removed> {
        auto promise = self->make_response_promise<worktree_removed>();
        if (on->around)
          on->around->trees->remove(x, keep(self, promise));
        return promise;
      },
      [=](ask_pull& x) -> caf::result<pull_request> {
        auto promise = self->make_response_promise<pull_request>();
        if (on->around)
          on->around->trees->ask(x, keep(self, promise));
        return promise;
      },
  };
}

front_desk_actor::behavior_type make_desk(front_desk_actor::stateful_pointer<desk_state> self, stage_ptr on) {
  self->state.on = std::move(on);
  return {
      [self](row_changed& r) {
        auto& s = self->state;
        if (r.now.gone)
          s.rows.erase(r.now.id);
        else
          s.rows[r.now.id] = r.now;
      },
      [self](roster_loaded&) {
        auto& s = self->state;
        s.open = true;
        if (s.on->around && s.on->around->busy_forge)
          self->send(s.supervisor, roster_watched{1});
      },
      [self](leaving&) { self->state.left = true; },
      [self](hand_over& x) {
        self->state.estate = std::move(x);
        self->state.left = true;
      },
  };
}

} // namespace troupe::simulation
