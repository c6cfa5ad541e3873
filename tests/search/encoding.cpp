// A world as bytes. Numbers that only grow are written by their distance to where they are compared, so that the space
// is finite; times stand still here and are left out.
#include "tests/search/shells.hpp"

namespace troupe::search {

namespace {

void put(writer& out, const std::string& s) {
  out.text(s);
}
template <class T>
requires std::integral<T> || std::is_enum_v<T>
void put(writer& out, T n) {
  out.number(static_cast<std::uint64_t>(n));
}
template <class T>
void put_all(writer& out, const T& xs) {
  out.number(xs.size());
  for (const auto& x : xs)
    put(out, x);
}
template <class T>
void put_type(writer& out, const T& v) {
  out.number(v.index());
}

void put(writer& out, const event& e, std::uint64_t last) {
  put(out, last - e.n);
  put(out, e.run);
  put(out, e.what);
  put(out, e.id);
  put(out, e.detail);
  put(out, e.value);
  put(out, e.work.size());
}

void put(writer& out, const facts& f, std::uint64_t last) {
  put(out, f.pinned);
  put(out, f.wanted);
  put(out, f.now);
  put(out, f.run);
  put(out, std::uint64_t{f.held} | std::uint64_t{f.removed} << 1 | std::uint64_t{f.begun} << 2 |
               std::uint64_t{f.ready} << 3 | std::uint64_t{f.again} << 6 | std::uint64_t{f.woken} << 7 |
               std::uint64_t{f.interrupted_at != 0} << 8 | std::uint64_t{f.replied} << 9 | std::uint64_t{f.turn} << 4 |
               std::uint64_t{f.ended} << 5 | std::uint64_t{f.frozen} << 10 | std::uint64_t{f.cleared} << 11 |
               std::uint64_t{f.signed_out} << 12);
  put(out, f.worker.worker.value);
  put(out, last - f.last_event);
  put(out, f.end_reason);
  put(out, f.last_words);
  put(out, f.note);
  put(out, static_cast<std::uint64_t>(f.exit_status + 1));
  put(out, f.questions.size());
  for (const auto& q : f.questions)
    put(out, q.id);
  put(out, f.work.size());
  put(out, f.attached);
  put(out, f.replies.size());
  for (const auto& r : f.replies)
    put(out, r.key);
  put(out, f.taken.size());
  for (const auto& [key, said] : f.taken)
    put(out, key);
  put(out, f.heard);
  put(out, f.told_by);
  put_all(out, f.unsent);
  put(out, f.answers.size());
  for (const auto& a : f.answers) {
    put(out, a.key);
    put(out, a.taken);
  }
  put(out, f.restarts.size());
}

struct effect_writer {
  writer& out;
  std::uint64_t last;
  void operator()(const sm::record& e) const {
    put(out, e.entry.what);
    put(out, e.entry.run);
    put(out, last - e.entry.seen);
    for (const auto& [name, value] : e.entry.facts)
      if (name == "key" || name == "state" || name == "worker" || name == "by")
        put(out, value);
  }
  void operator()(const sm::assign& e) const {
    put(out, e.worker.worker.value);
    put(out, e.interrupted);
  }
  void operator()(const sm::deliver& e) const { put(out, e.key); }
  void operator()(const sm::end& e) const {
    put(out, e.reason);
    put(out, last - e.seen);
  }
  void operator()(const sm::freeze& e) const { put(out, last - e.seen); }
  void operator()(const sm::kill& e) const { put(out, e.worker.worker.value); }
  void operator()(const sm::arm& e) const {
    put(out, e.which);
    put(out, e.generation);
  }
  void operator()(const sm::answer_dispatch& e) const { put(out, e.code); }
  template <class E>
  void operator()(const E&) const {}
};

struct place_writer {
  writer& out;
  template <class S>
  void operator()(const S& s) const {
    if constexpr (requires { s.worker; })
      put(out, s.worker.worker.value);
    if constexpr (requires { s.reason; })
      put(out, s.reason);
    if constexpr (requires { s.again; })
      put(out, s.again);
  }
};

void put_machine(writer& out, const session_actor_side& a, std::uint64_t last) {
  put_type(out, a.m.at);
  std::visit(place_writer{out}, a.m.at);
  put(out, a.m.known, last);
  put(out, a.m.attempts);
  put(out, a.m.wanted_anew);
  put(out, a.m.freeze_asked);
  put(out, a.m.cleared == a.m.known.run);
  put(out, a.m.early.size());
  put(out, a.m.looking);
  put(out, a.armed && a.armed->second == a.m.generation ? 1 + static_cast<int>(a.armed->first) : 0);
  put(out, a.rest && a.rest->second == a.m.rest_generation);
}

void put(writer& out, const session_actor_side& a, std::uint64_t last) {
  put(out, a.running);
  put(out, a.to_pool.size());
  for (const auto& e : a.to_pool)
    put_type(out, e);
  if (!a.running)
    return;
  put_machine(out, a, last);
  put(out, a.queue.size());
  for (const auto& t : a.queue) {
    put_type(out, t);
    if (const auto* e = std::get_if<sm::effect>(&t)) {
      put_type(out, *e);
      std::visit(effect_writer{out, last}, *e);
    } else if (const auto* r = std::get_if<promised_reply>(&t)) {
      put(out, r->key);
    }
  }
  put(out, a.asked.size());
  for (const auto& r : a.asked) {
    put(out, r.kind);
    put(out, r.worker);
    put(out, r.run);
  }
  put(out, a.grants.size());
  for (const auto& g : a.grants) {
    put(out, g.worker);
    put(out, g.warm);
    put(out, g.refused);
  }
  put(out, a.permits);
  put(out, a.claim_open);
  put(out, a.quits);
  put(out, a.boss_waits);
  put(out, a.memory_asked);
  put(out, a.wants_snapshot ? 1 + a.wants_for : 0);
  put(out, a.exits.size());
  for (auto who : a.exits)
    put(out, who.value);
  put(out, a.dispatchers);
  put(out, a.quiet_waiters);
  put(out, a.replies_open);
  put(out, a.others_open);
  put(out, a.answers_open);
  put(out, a.shown + 1);
}

void put(writer& out, const column& c) {
  const auto& d = *c.disk;
  put(out, d.exists);
  if (d.exists) {
    put(out, d.known, d.last);
    put(out, d.tail.size());
    for (const auto& e : d.tail)
      put(out, e, d.last);
    put_all(out, d.taken);
    put_all(out, d.unsent);
  }
  put(out, *c.actor, d.last);
  const auto& p = *c.past;
  put(out, p.stop_stands);
  put(out, p.respawn_due);
  put(out, p.removal_due);
  put(out, p.replies);
  put(out, p.answers);
  put_all(out, p.promised);
  put(out, p.sent.size());
  for (const auto& [key, n] : p.sent) {
    put(out, key);
    put(out, n);
  }
  put(out, p.told_held);
  put(out, p.started);
}

void put(writer& out, const to_worker& t, std::uint64_t last) {
  put(out, t.what);
  put(out, t.run);
  put(out, t.what == to_worker::kind::end || t.what == to_worker::kind::hello || t.what == to_worker::kind::freeze
               ? last - t.since
               : 0);
  put(out, t.key);
  put(out, t.interrupted);
}

void put_channels(writer& out, const process& p, std::uint64_t last) {
  put(out, p.answers.size());
  for (const auto& a : p.answers) {
    put(out, a.kind);
    put(out, a.ok);
    put(out, a.code);
    put(out, a.job);
    put(out, a.run);
  }
  put(out, p.told.size());
  for (const auto& t : p.told) {
    put_type(out, t);
    if (const auto* e = std::get_if<event>(&t))
      put(out, *e, last);
  }
}

void put(writer& out, const world& w, const process& p) {
  put(out, p.id.value);
  put(out, p.alive);
  put(out, p.known);
  put(out, p.label + 1);
  auto owner = p.session >= 0 ? p.session : p.label;
  auto last = owner >= 0 ? w.sessions[static_cast<std::size_t>(owner)].disk->last : 0;
  put_channels(out, p, last);
  put(out, p.session >= 0 && p.alive ? last - p.relayed : 0);
  if (!p.alive)
    return;
  put(out, std::uint64_t{p.warm} | std::uint64_t{p.ready} << 1 | std::uint64_t{p.orphan} << 2 |
               std::uint64_t{p.interrupted} << 3 | std::uint64_t{p.started} << 4 | std::uint64_t{p.open} << 5 |
               std::uint64_t{p.work} << 6 | std::uint64_t{p.granted} << 7 | std::uint64_t{p.frozen} << 8);
  put(out, p.session + 1);
  put(out, p.run);
  put(out, p.turn);
  put_all(out, p.prompts);
  put_all(out, p.questions);
  put(out, p.asked);
  put(out, p.terminals);
  put(out, p.end_reason.value_or("-"));
  put(out, p.inbox.size());
  for (const auto& t : p.inbox)
    put(out, t, last);
  put(out, p.hello.size());
  for (const auto& t : p.hello)
    put(out, t, last);
}

void put(writer& out, const pool_side& p) {
  put_type(out, p.m.is);
  if (const auto* b = std::get_if<pm::backing_off>(&p.m.is))
    put(out, b->failures);
  put(out, p.m.spares.size());
  for (const auto& [id, x] : p.m.spares) {
    put(out, id.value);
    put_type(out, x.at);
  }
  put(out, p.m.next_worker);
  put(out, p.m.last.size());
  put(out, p.tick && *p.tick == p.m.generation);
  put(out, p.m.running.size());
  for (const auto& s : p.m.running)
    put(out, s.value);
  put(out, p.m.waiting.size());
  for (const auto& s : p.m.waiting)
    put(out, s.value);
}

void put(writer& out, const snapshot& s) {
  put(out, s.expires);
  put(out, s.credentials.empty() ? std::string() : s.credentials.front().secret);
}

void put(writer& out, const store_side& s) {
  put_type(out, s.m.at);
  if (const auto* v = std::get_if<cm::valid>(&s.m.at))
    put(out, v->held);
  if (const auto* r = std::get_if<cm::refreshing>(&s.m.at))
    put(out, r->held);
  if (const auto* l = std::get_if<cm::looking>(&s.m.at))
    put(out, l->held);
  put(out, s.m.waiting.size());
  for (auto ticket : s.m.waiting)
    put(out, s.next_ticket - ticket);
  put(out, s.timer && *s.timer == s.m.generation);
  put(out, s.m.armed);
  put(out, s.m.announced.empty() ? std::string() : s.m.announced.front().secret);
  put(out, s.refreshes.size());
  for (const auto& [old, flight] : s.refreshes) {
    put(out, old);
    put(out, flight == s.m.flight);
  }
  put(out, s.from_vault.size());
  for (const auto& e : s.from_vault) {
    put(out, std::get<cm::loaded>(e).got);
    put(out, std::get<cm::loaded>(e).logouts == s.m.logouts);
  }
}

} // namespace

void encode(const world& w, writer& out) {
  for (auto n : w.left)
    put(out, n);
  put(out, w.up);
  put(out, w.epoch);
  for (const auto& c : w.sessions)
    put(out, c);
  put(out, w.workers.size());
  for (const auto& p : w.workers)
    put(out, w, *p);
  put(out, *w.pool);
  put_type(out, w.boss->m.at);
  put(out, w.boss->leaving);
  put(out, w.boss->kept);
  put_all(out, w.boss->busy);
  put(out, w.boss->rows.size());
  for (const auto& [who, busy] : w.boss->rows)
    put(out, who * 3 + static_cast<int>(busy));
  if (!w.about->credentials)
    return;
  put(out, w.clock);
  put(out, w.account);
  put(out, w.signed_out);
  put(out, *w.store);
  for (const auto& c : w.sessions)
    put(out, c.actor->wants_snapshot ? w.store->next_ticket - c.actor->ticket : 0);
}

} // namespace troupe::search
