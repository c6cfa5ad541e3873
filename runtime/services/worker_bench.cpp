// Worker processes on the Asio thread.
#include <algorithm>
#include <cstring>
#include <tuple>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/files/line_file.hpp"
#include "runtime/io/process_table.hpp"
#include "runtime/io/sockets.hpp"
#include "runtime/services/worker_host.hpp"
#include "runtime/services/worker_program.hpp"

namespace troupe {

namespace {

constexpr std::size_t event_backlog = std::size_t{64} << 20; ///< what a worker may leave unread of us; it reads at once

failure gone_failure(const std::string& text) {
  return {errc::worker_gone, text};
}

template <class T, class F>
rpc_peer::answer translate(const bench::answer<T>& done, F read) {
  return [done, read](const json* result, const failure& error) {
    if (!result) {
      done(nullptr, error);
      return;
    }
    try {
      T out = read(*result);
      done(&out, {});
    } catch (const std::exception& e) {
      done(nullptr, {errc::refused, std::string("the worker's answer is not understood: ") + e.what()});
    }
  };
}

std::int32_t parent_of(std::int32_t pid) {
  auto line = process_table::read(pid);
  return line ? line->parent : 0;
}

/// Waits until a process that was sent SIGKILL is gone or a zombie; at most a second.
void await_end(const process_identity& p) {
  auto fd = open_process(p);
  pollfd ready{fd.get(), POLLIN, 0};
  if (fd)
    ::poll(&ready, 1, 1000);
}

/// SIGKILL is enough to be sure of the end; who was forking meanwhile is found in the next round.
template <class F>
void kill_all(F who) {
  for (int round = 0; round < 20; ++round) {
    auto left = who();
    if (left.empty())
      return;
    for (const auto& p : left)
      signal_process(p, SIGKILL);
    for (const auto& p : left)
      await_end(p);
  }
}

} // namespace

worker_bench::worker_bench(asio::io_context& loop, reaper& children, bench_setup setup)
    : loop_(loop), children_(children), setup_(std::move(setup)) {
  for (const auto& p : descendants(::getpid()))
    if (parent_of(p.pid) == ::getpid() && runs_worker(p.pid))
      inherited_.push_back(p);
}

worker_bench::slot worker_bench::find(worker_id id) const {
  auto at = workers_.find(id);
  return at == workers_.end() ? nullptr : at->second;
}

bool worker_bench::connect(const slot& w, failure& error) {
  int fd = connect_to(w->where.socket);
  if (fd < 0) {
    error = errno == ECONNREFUSED || errno == ENOENT
                ? gone_failure("its socket is not there any more")
                : failure{errc::timed_out, "its socket cannot be reached: " + w->where.socket};
    return false;
  }
  line_channel::socket s(loop_, asio::local::stream_protocol(), fd);
  w->peer = rpc_peer::create(line_channel::create(std::move(s), event_backlog));
  std::weak_ptr<worker> weak = w;
  w->peer->start({[this, weak](const std::string& method, const json& params, const json&) {
                    if (auto at = weak.lock())
                      told(at, method, params);
                  },
                  [this, weak](const std::string&) {
                    if (auto at = weak.lock()) {
                      at->channel_closed = true;
                      consider_gone(at);
                    }
                  }});
  return true;
}

void worker_bench::launch(const launch_worker& x, const answer<worker_address>& done) {
  auto w = std::make_shared<worker>();
  w->where.worker = x.worker;
  w->where.socket = setup_.where.worker_socket(x.worker.value);
  failure error;
  unique_fd listening(listen_on(w->where.socket, error));
  if (!listening) {
    done(nullptr, error);
    return;
  }
  auto r = worker_command(x, setup_);
  unique_fd null(::open("/dev/null", O_RDWR | O_CLOEXEC)),
      log(::open(setup_.where.log().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  r.fds = {{null.get(), 0}, {null.get(), 1}, {log ? log.get() : null.get(), 2}, {listening.get(), 3}};
  auto pid = spawn(r);
  if (pid < 0) {
    ::unlink(w->where.socket.c_str());
    done(nullptr,
         {errc::not_started, "a worker could not be started: " + std::string(::strerror(-pid)) + ": " + r.program});
    return;
  }
  w->where.process = identify(pid).value_or(process_identity{boot_id(), pid, 0});
  workers_[x.worker] = w;
  children_.watch(pid, [this, w](exit_status s) {
    w->process_gone = true;
    w->evidence = to_text(s);
    consider_gone(w);
  });
  if (!connect(w, error)) {
    signal_process(w->where.process, SIGKILL);
    w->channel_closed = true;
    done(nullptr, error);
    return;
  }
  w->peer->request("worker/hello", {{"epoch", setup_.epoch}, {"version", setup_.version}, {"since", 0}},
                   [w](const json* said, const failure&) {
                     if (said)
                       w->version = optional_text(*said, "version");
                   });
  done(&w->where, {});
}

void worker_bench::request(worker_id id, std::string_view method, const json& params, rpc_peer::answer done) {
  request_text(id, method, to_line(params), std::move(done));
}

void worker_bench::request_text(worker_id id, std::string_view method, std::string_view params, rpc_peer::answer done) {
  auto w = find(id);
  if (!w || !w->peer || w->channel_closed)
    done(nullptr, gone_failure("the worker has ended"));
  else
    w->peer->request_text(method, params, std::move(done));
}

void worker_bench::assign(const assign_worker& x, const answer<receipt>& done) {
  if (auto w = find(x.worker)) {
    w->session = x.job.session;
    w->directory = x.job.directory;
  }
  request_text(x.worker, "worker/assign", R"({"assignment":)" + to_text(x.job) + "}",
               translate<receipt>(done, [](const json& r) { return receipt_from_json(r.at("receipt")); }));
}

void worker_bench::start(const start_worker& x) {
  if (auto w = find(x.worker); w && w->peer)
    w->peer->notify("worker/start", {{"run", x.run}});
}

void worker_bench::deliver(const deliver_reply& x, const answer<reply_taken>& done) {
  request(x.worker, "worker/deliver", {{"key", x.key}, {"text", bytes_to_json(x.text)}, {"seen", x.seen}},
          translate<reply_taken>(done, [](const json& r) { return reply_taken{required_unsigned(r, "taken")}; }));
}

void worker_bench::give(const give_answer& x, const answer<answer_taken>& done) {
  json params{{"key", x.key}, {"choice", bytes_to_json(x.choice)}, {"by", x.by}, {"seen", x.seen}};
  if (!x.question.empty())
    params["question"] = x.question;
  request(x.worker, "worker/answer", std::move(params), translate<answer_taken>(done, [](const json& r) {
            return answer_taken{required_text(r, "question"), required_text(r, "choice")};
          }));
}

void worker_bench::freeze(const freeze_worker& x, const answer<worker_frozen>& done) {
  request(x.worker, "worker/freeze", {{"seen", x.seen}},
          translate<worker_frozen>(done, [id = x.worker](const json&) { return worker_frozen{id}; }));
}

void worker_bench::thaw(const thaw_worker& x) {
  if (auto w = find(x.worker); w && w->peer)
    w->peer->notify("worker/thaw", {{"why", x.why}});
}

void worker_bench::renew(const renew_worker& x, const answer<worker_renewed>& done) {
  request(x.worker, "worker/credentials", {{"snapshot", to_json(x.credentials)}},
          translate<worker_renewed>(done, [id = x.worker](const json&) { return worker_renewed{id}; }));
}

void worker_bench::note(const note_work& x, const answer<work_declared>& done) {
  request(x.worker, "worker/work",
          {{"begins", x.begins}, {"work", bytes_to_json(x.work)}, {"title", bytes_to_json(x.title)}},
          translate<work_declared>(done, [](const json& r) { return work_declared{required_text(r, "work")}; }));
}

void worker_bench::steer(const steer_worker& x, const answer<steered>& done) {
  request(x.worker, "worker/steer", {{"action", x.action}, {"name", x.name}, {"value", x.value}, {"by", x.by}},
          translate<steered>(done, [](const json& r) { return steered{required_text(r, "value")}; }));
}

void worker_bench::end(const end_worker& x, const answer<ending_worker>& done) {
  request(x.worker, "worker/end", {{"reason", x.reason}, {"seen", x.seen}},
          translate<ending_worker>(done, [id = x.worker](const json&) { return ending_worker{id}; }));
}

void worker_bench::kill(const kill_worker& x) {
  auto w = find(x.worker);
  if (!w) { // its end was told before anybody asked for it
    news_.exited(x.worker, x.session, "ended before it was asked");
    return;
  }
  if (w->session.empty()) {
    w->session = x.session;
    w->directory = x.directory;
  }
  if (setup_.guest) // orphans do not come to us: who they are is asked before they are
    w->tree = descendants(w->where.process.pid);
  signal_process(w->where.process, SIGKILL);
}

void worker_bench::adopt(const adopt_worker& x, const answer<worker_adopted>& done) {
  auto w = std::make_shared<worker>();
  w->where = x.worker;
  w->session = x.session;
  w->directory = x.directory;
  w->last = x.since;
  failure error;
  auto pidfd = open_process(w->where.process);
  bool inside = w->where.socket.empty(); // it lived inside a supervisor's process, no longer than that supervisor
  if (!pidfd || inside) {                // truly gone; what it left is ended before anybody is told (KEEP-8)
    clear_leftovers(w);
    auto out = gone(w, inside ? "the program that it lived in has ended its supervisor"
                              : "its process has ended while no supervisor ran");
    done(&out, {});
    return;
  }
  auto ended = [this, w](exit_status s) {
    w->process_gone = true;
    w->evidence = to_text(s);
    consider_gone(w);
  };
  if (parent_of(w->where.process.pid) == ::getpid()) // an earlier runtime or version in this process left it (SUP-6)
    children_.watch(w->where.process.pid, ended);
  else
    w->watch = std::make_unique<exit_watch>(loop_, std::move(pidfd), [ended] { ended({}); });
  if (!connect(w, error)) {
    w->channel_closed = true;
    workers_[x.worker.worker] = w;
    done(nullptr, {errc::timed_out, error.text}); // alive: never taken for dead (F-23)
    return;
  }
  workers_[x.worker.worker] = w;
  auto greeted = translate<worker_adopted>(done, [id = x.worker.worker](const json& r) {
    worker_adopted out{id, required_text(r, "state"), {}, required_unsigned(r, "last"), {}, {}};
    if (r.contains("assignment"))
      out.job = assignment_from_json(r.at("assignment"));
    return out;
  });
  w->peer->request("worker/hello", {{"epoch", setup_.epoch}, {"version", setup_.version}, {"since", x.since}},
                   [this, w, done, greeted](const json* result, const failure& why) {
                     bool spare = result && optional_text(*result, "state") == "spare";
                     if (spare) // claimed and never assigned: nobody's (POOL-7)
                       signal_process(w->where.process, SIGKILL);
                     if (!spare && (result || why.code != errc::worker_gone)) {
                       greeted(result, why);
                       return;
                     }
                     w->adopting = done; // told when it is truly gone
                     consider_gone(w);
                   });
}

void worker_bench::goodbye(const std::function<void(std::uint32_t ended)>& done) {
  for (auto& [id, w] : workers_)
    if (w->peer && !w->channel_closed) {
      w->peer->notify("worker/goodbye", json::object());
      w->peer->channel().close(true);
    }
  done(0);
}

void worker_bench::drop_all() {
  for (auto& [id, w] : std::exchange(workers_, {}))
    if (w->peer)
      w->peer->channel().close();
}

void worker_bench::told(const slot& w, const std::string& method, const json& params) {
  try {
    if (method == "worker/ready") {
      news_.ready(w->where.worker, w->version);
    } else if (method == "worker/event") {
      auto e = event_from_json(params.at("event"));
      w->told_end = w->told_end || e.what == "ended";
      w->last = std::max(w->last, e.n);
      news_.happened(w->where.worker, w->session, std::move(e));
    } else if (method == "worker/output") {
      news_.put_out(w->where.worker, w->session, required_text(params, "line"));
    }
  } catch (const std::exception&) { // a worker of another version: what is not understood is left out
  }
}

/// Told only when both the process is gone and the last line was read, so that no event comes after the end.
void worker_bench::consider_gone(const slot& w) {
  if (!w->process_gone || !w->channel_closed)
    return;
  workers_.erase(w->where.worker);
  ::unlink(w->where.socket.c_str());
  auto out = gone(w, w->evidence);
  w->told_end = w->told_end ||
                std::any_of(out.untold.begin(), out.untold.end(), [](const event& e) { return e.what == "ended"; });
  if (!w->told_end)
    clear_leftovers(w);
  if (auto done = std::exchange(w->adopting, nullptr)) {
    done(&out, {});
  } else {
    for (auto& e : out.untold)
      news_.happened(w->where.worker, w->session, std::move(e));
  }
  report(w);
}

worker_adopted worker_bench::gone(const slot& w, const std::string& why) {
  return {w->where.worker, "gone", {}, w->last, why, untold(w)};
}

/// Lines of the transcript that a worker wrote and was killed ahead of telling them (STATE-2).
std::vector<event> worker_bench::untold(const slot& w) {
  std::vector<event> out;
  if (!w->directory.empty() && !w->told_end)
    read_lines(
        w->directory + "/transcript.jsonl", 0,
        [&](const json& line) {
          if (auto e = event_from_json(line); e.n > w->last)
            out.push_back(std::move(e));
        },
        false);
  return out;
}

/// REST-7: background shells on record wait for their session's next worker, whoever's child they are by now.
bool worker_bench::is_kept_shell(const process_identity& p) const {
  auto [id, directory] = owner_of(p.pid);
  // A process in the middle of an exec has no variables for a moment: its parents have.
  for (auto at = process_table::read(p.pid); id.empty() && at && at->parent > 1 && at->parent != ::getpid();
       at = process_table::read(at->parent))
    std::tie(id, directory) = owner_of(at->parent);
  if (id.empty() || directory != setup_.where.session(id))
    return false;
  auto kept = kept_shells(id, directory);
  return std::find(kept.begin(), kept.end(), p) != kept.end();
}

void worker_bench::clear(const clear_session& x, const answer<session_cleared>& done) {
  kill_all([&] { return kept_shells(x.session.value, x.directory); });
  session_cleared out{x.session};
  done(&out, {});
}

/// What a worker that did not end its tree itself has left: by the session's mark in the environment, and children that
/// came to us as subreaper, unless we are a guest (KEEP-8); but for background shells that the session's next worker
/// picks up.
void worker_bench::clear_leftovers(const slot& w) {
  kill_all([&] {
    auto left =
        w->session.empty() ? std::vector<process_identity>() : processes_of_session(w->session.value, w->directory);
    for (const auto& p : setup_.guest ? std::vector<process_identity>() : descendants(::getpid()))
      if (parent_of(p.pid) == ::getpid() && !is_worker(p.pid)) {
        left.push_back(p);
        for (const auto& child : descendants(p.pid))
          left.push_back(child);
      }
    for (const auto& p : w->tree)
      if (alive(p))
        left.push_back(p);
    std::erase_if(left, [&](const process_identity& p) { return is_kept_shell(p); });
    return left;
  });
}

bool worker_bench::is_worker(std::int32_t pid) const {
  if (std::any_of(inherited_.begin(), inherited_.end(), [&](const auto& p) { return p.pid == pid && alive(p); }))
    return true;
  return std::any_of(workers_.begin(), workers_.end(),
                     [&](const auto& w) { return w.second->where.process.pid == pid; });
}

void worker_bench::report(const slot& w) {
  news_.exited(w->where.worker, w->session, w->evidence);
}

} // namespace troupe
