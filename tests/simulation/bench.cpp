// The simulated worker host. Mirrors runtime/services/worker_bench.cpp; what differs there must differ here.
#include "tests/simulation/bench.hpp"

#include <algorithm>

#include "tests/simulation/world.hpp"

namespace troupe::simulation {

namespace {

failure gone_failure(const char* text) {
  return {errc::worker_gone, text};
}

} // namespace

void bench::connect(slot& s) {
  s.channel = std::make_shared<link>();
  s.channel->epoch = epoch_;
  s.process->links.push_back(s.channel);
}

void bench::launch(const launch_worker& x, const answer<worker_address>& done) {
  if (around_.take(around_.faults.launches)) {
    around_.told.say([&] { return "host cannot start " + name_of(x.worker); });
    done(nullptr, {errc::not_started, "a worker could not be started: Resource temporarily unavailable"});
    return;
  }
  auto& s = slots[x.worker];
  s.process = &around_.spawn(x.worker, x.spare);
  s.where = {x.worker, s.process->process, s.process->socket};
  connect(s);
  s.channel->down.push_back({++tickets_, say_hello{epoch_, 0}});
  done(&s.where, {});
}

void bench::request(worker_id who, decltype(to_worker::what) what, std::function<void(const worker_answer&)> done) {
  auto at = slots.find(who);
  if (at == slots.end() || !at->second.channel || at->second.channel_closed) {
    done(gone_failure("the worker has ended"));
    return;
  }
  at->second.waiting[++tickets_] = std::move(done);
  at->second.channel->down.push_back({tickets_, std::move(what)});
}

void bench::assign(const assign_worker& x, const answer<receipt>& done) {
  around_.seen.told_to_assign(x);
  if (auto at = slots.find(x.worker); at != slots.end())
    at->second.session = x.job.session;
  ask<receipt>(x.worker, x, done);
}

void bench::notify(worker_id who, decltype(to_worker::what) what) {
  if (auto at = slots.find(who); at != slots.end() && at->second.channel && !at->second.channel_closed)
    at->second.channel->down.push_back({0, std::move(what)});
}

void bench::start(const start_worker& x) {
  notify(x.worker, x);
}

void bench::thaw(const thaw_worker& x) {
  notify(x.worker, x);
}

void bench::freeze(const freeze_worker& x, const answer<worker_frozen>& done) {
  around_.told.say([&] { return "host asks " + name_of(x.worker) + " to freeze"; });
  ask<worker_frozen>(x.worker, x, done);
}

void bench::end(const end_worker& x, const answer<ending_worker>& done) {
  around_.seen.told_to_end(x);
  if (auto at = slots.find(x.worker); at != slots.end() && around_.planted == plant::tells_ends_early)
    news_.exited(x.worker, at->second.session, "exited with status 0");
  ask<ending_worker>(x.worker, x, done);
}

void bench::kill(const kill_worker& x) {
  auto at = slots.find(x.worker);
  if (at == slots.end()) { // its end was told before anybody asked for it
    news_.exited(x.worker, x.session, "ended before it was asked");
    return;
  }
  if (at->second.session.empty())
    at->second.session = x.session;
  around_.told.say([&] { return "host kills " + name_of(x.worker) + ": " + x.why; });
  around_.seen.kills(*at->second.process, x);
  at->second.process->die("killed by signal 9");
}

void bench::adopt(const adopt_worker& x, const answer<worker_adopted>& done) {
  slot s;
  s.where = x.worker;
  s.session = x.session;
  s.last = x.since;
  s.process = around_.find(x.worker.process);
  if (!s.process || !s.process->alive) { // truly gone; what it left is ended before anybody is told (KEEP-8)
    if (s.process)
      clear_leftovers(s);
    auto out = gone(s, "its process has ended while no supervisor ran");
    done(&out, {});
    return;
  }
  auto& kept = slots[x.worker.worker] = s;
  connect(kept);
  request(x.worker.worker, say_hello{epoch_, x.since}, [this, who = x.worker.worker, done](const worker_answer& a) {
    const auto* got = std::get_if<worker_adopted>(&a);
    auto why = got ? failure{} : std::get<failure>(a);
    bool spare = got && got->state == "spare";
    auto at = slots.find(who);
    if (at == slots.end() || (!spare && (got || why.code != errc::worker_gone))) {
      done(got, why);
      return;
    }
    if (spare) // claimed and never assigned: nobody's (POOL-7)
      at->second.process->die("killed by signal 9");
    at->second.adopting = done; // told when it is truly gone
  });
}

void bench::goodbye(const std::function<void()>& done) {
  for (auto& [id, s] : slots)
    if (s.channel && !s.channel_closed) {
      s.channel->down.push_back({0, say_goodbye{}});
      s.channel->host_closed = true;
    }
  done();
}

void bench::read(slot& from) {
  auto line = std::move(from.channel->up.front());
  from.channel->up.pop_front();
  auto who = from.where.worker;
  if (auto* a = std::get_if<answered>(&line)) {
    auto waiting = from.waiting.extract(a->ticket);
    if (!waiting.empty())
      waiting.mapped()(a->what);
  } else if (auto* e = std::get_if<event>(&line)) {
    from.told_end = from.told_end || e->what == "ended";
    from.last = std::max(from.last, e->n);
    news_.happened(who, from.session, std::move(*e));
  } else if (auto* said = std::get_if<worker_output>(&line)) {
    news_.put_out(who, from.session, std::move(said->line));
  } else {
    news_.ready(who, std::get<worker_ready>(line).version);
  }
}

void bench::see_close(slot& of) {
  of.channel_closed = true;
  for (auto& [ticket, done] : std::exchange(of.waiting, {}))
    done(gone_failure("the connection was closed"));
  consider_gone(of.where.worker);
}

void bench::see_exit(slot& of) {
  of.process_gone = true;
  consider_gone(of.where.worker);
}

/// Told only when both the process is gone and the last line was read, so that no event comes after the end.
void bench::consider_gone(worker_id who) {
  auto at = slots.find(who);
  if (at == slots.end() || !at->second.process_gone || !at->second.channel_closed)
    return;
  auto s = std::move(at->second);
  slots.erase(at);
  auto out = gone(s, s.process->evidence);
  bool knew_end =
      s.told_end || std::any_of(out.untold.begin(), out.untold.end(), [](const event& e) { return e.what == "ended"; });
  if (s.adopting)
    s.adopting(&out, {});
  else
    for (auto& e : out.untold)
      news_.happened(who, s.session, std::move(e));
  if (!knew_end)
    clear_leftovers(s);
  around_.told.say([&] { return "host tells the end of " + name_of(who) + ": " + s.process->evidence; });
  news_.exited(who, s.session, s.process->evidence);
}

/// What a worker wrote and was killed ahead of telling goes with the news of its end (STATE-2).
worker_adopted bench::gone(const slot& s, const std::string& why) const {
  worker_adopted out{s.where.worker, "gone", {}, s.last, why, {}};
  if (!s.session.empty() && !s.told_end)
    for (const auto& e : around_.files.transcripts[s.session])
      if (e.n > s.last)
        out.untold.push_back(e);
  return out;
}

void bench::clear_leftovers(const slot& s) {
  if (!s.session.empty())
    s.process->leftovers = false;
}

void bench::drop() {
  for (auto& [id, s] : slots)
    if (s.channel)
      s.channel->host_closed = true;
  calls.clear();
  slots.clear();
}

} // namespace troupe::simulation
