// The shells' part, in small: what the machines want done becomes messages, and messages become events. Nothing is
// decided here.
#pragma once

#include "tests/search/world.hpp"

namespace troupe::search {

session_id id_of(std::size_t session);
std::size_t session_of(const session_id& id);
wall_ms wall_of(const world& w);
std::optional<std::uint8_t> find_worker(const world& w, worker_id id);
void blame(world& w, const std::string& what); ///< the first fault counts

// Into the machines.
void to_session(world& w, std::size_t session, const sm::event_& e);
void to_pool(world& w, const pm::event_& e);
void to_boss(world& w, const vm::event_& e);
void to_store(world& w, const cm::event_& e);
bool ledger_is_slow(const world& w);
void run_queue(world& w, std::size_t session);
void hear_grant(world& w, std::size_t session);
void hear_answer(world& w, std::uint8_t worker);
void hear_news(world& w, std::uint8_t worker);
void show_row(world& w, std::size_t session);
void hear_row(world& w); ///< the first of those on their way
void ask_store(world& w, std::size_t session, const sm::assign& e);
void assign_now(world& w, std::size_t session, const sm::assign& e);
void tell_exits(world& w, std::size_t session);
void go_on_with(world& w, std::size_t session, const snapshot& got);
void go_on_without(world& w, std::size_t session, const std::string& why);

// Beginnings and ends.
void start_supervisor(world& w);
void lose_supervisor(world& w);
void dispatch_again(world& w, std::size_t session);
snapshot vault_holds(const world& w);

// The disk.
void write_line(world& w, std::size_t session); ///< the record at the front of its queue

// Workers.
std::uint8_t launch_worker(world& w, worker_id id, bool warm);
void send(world& w, std::uint8_t worker, to_worker words, request_kind kind);
void ask(world& w, std::size_t session, std::uint8_t worker, request_kind kind, to_worker words);
void relay_rest(world& w, std::uint8_t worker, std::size_t session);
void end_process(world& w, std::uint8_t worker);
void kill_process(world& w, std::size_t session, std::uint8_t worker);
void worker_hears(world& w, std::uint8_t worker);
void worker_hears_hello(world& w, std::uint8_t worker);
void agent_ready(world& w, std::uint8_t worker);
void turn_ends(world& w, std::uint8_t worker, bool badly);
void job_ends(world& w, std::uint8_t worker);
void tree_ends(world& w, std::uint8_t worker);
void emit(world& w, std::uint8_t worker, event e);
void thaw(world& w, std::uint8_t worker);

/// A machine's step, perhaps broken on purpose.
sm::step stepped(const world& w, const sm::state& from, const sm::event_& e);
pm::step stepped(const world& w, const pm::state& from, const pm::event_& e);
cm::step stepped(const world& w, const cm::state& from, const cm::event_& e);
const sm::policy& session_policy(const world& w);

} // namespace troupe::search
