// Worker processes, and sessions inside this one.
#include "runtime/host/host_bench.hpp"

#include <unistd.h>

#include <asio/post.hpp>

namespace troupe {

host_bench::host_bench(asio::io_context& loop, reaper& children, std::shared_ptr<worker_bench> processes,
                       hosted_agents agents, std::string worktree_program)
    : loop_(loop), children_(children), processes_(std::move(processes)), agents_(std::move(agents)),
      worktree_program_(std::move(worktree_program)) {}

void host_bench::listen(worker_news news, settling caught_up) {
  news_ = news;
  caught_up_ = std::move(caught_up);
  processes_->listen(std::move(news));
}

host_bench::guest host_bench::find(worker_id id) const {
  auto at = guests_.find(id);
  return at == guests_.end() ? nullptr : at->second;
}

void host_bench::launch(const launch_worker& x, const answer<worker_address>& done) {
  if (!std::string_view(x.wanted.harness).starts_with(hosted_profile)) {
    processes_->launch(x, done);
    return;
  }
  auto name = x.wanted.harness.substr(hosted_profile.size());
  auto maker = agents_.makers.find(name);
  if (maker == agents_.makers.end()) {
    done(nullptr, {errc::not_started, "its agent '" + name +
                                          "' is part of a program that is not this one\nstart that "
                                          "program, then: troupe respawn"});
    return;
  }
  guests_[x.worker] =
      std::make_shared<hosted_session>(loop_, *agents_.threads, maker->second, agents_.grace,
                                       isolation(loop_, children_, worktree_program_), agents_.worktrees);
  worker_address where{x.worker, identify(::getpid()).value_or(process_identity{}), {}};
  done(&where, {});
}

hosted_news host_bench::news_for(worker_id id, const session_id& session) {
  return {[this, id, session](const event& e) { news_.happened(id, session, e); },
          [this, id, session](std::string evidence) { // never from inside a word of the supervisor's
            asio::post(loop_, [this, id, session, evidence = std::move(evidence)] {
              if (guests_.erase(id) != 0)
                news_.exited(id, session, evidence);
            });
          },
          [this, session](std::function<void()> done) { caught_up_(session, std::move(done)); }};
}

void host_bench::assign(const assign_worker& x, const answer<receipt>& done) {
  auto g = find(x.worker);
  if (!g) {
    processes_->assign(x, done);
    return;
  }
  receipt got;
  failure error;
  if (g->assign(x.job, news_for(x.worker, x.job.session), got, error))
    done(&got, {});
  else
    done(nullptr, error);
}

void host_bench::start(const start_worker& x) {
  if (auto g = find(x.worker))
    g->start(x.run);
  else
    processes_->start(x);
}

void host_bench::deliver(const deliver_reply& x, const answer<reply_taken>& done) {
  auto g = find(x.worker);
  reply_taken taken;
  failure error;
  if (!g)
    processes_->deliver(x, done);
  else if (g->deliver(x, taken, error))
    done(&taken, {});
  else
    done(nullptr, error);
}

void host_bench::give(const give_answer& x, const answer<answer_taken>& done) {
  auto g = find(x.worker);
  answer_taken taken;
  failure error;
  if (!g)
    processes_->give(x, done);
  else if (g->give(x, taken, error))
    done(&taken, {});
  else
    done(nullptr, error);
}

void host_bench::freeze(const freeze_worker& x, const answer<worker_frozen>& done) {
  if (find(x.worker))
    done(nullptr, {errc::wrong_state, "it has no process of its own"});
  else
    processes_->freeze(x, done);
}

void host_bench::thaw(const thaw_worker& x) {
  if (!find(x.worker))
    processes_->thaw(x);
}

/// Agents of the host's own have credentials of its own.
void host_bench::renew(const renew_worker& x, const answer<worker_renewed>& done) {
  worker_renewed out{x.worker};
  if (find(x.worker))
    done(&out, {});
  else
    processes_->renew(x, done);
}

void host_bench::note(const note_work& x, const answer<work_declared>& done) {
  if (find(x.worker))
    done(nullptr,
         {errc::wrong_state, "the session has no process of its own, and declared work goes with that\nlet its "
                             "agent tell what it does"});
  else
    processes_->note(x, done);
}

void host_bench::steer(const steer_worker& x, const answer<steered>& done) {
  auto g = find(x.worker);
  steered taken;
  failure error;
  if (!g)
    processes_->steer(x, done);
  else if (g->steer(x, error))
    done(&taken, {});
  else
    done(nullptr, error);
}

void host_bench::end(const end_worker& x, const answer<ending_worker>& done) {
  auto g = find(x.worker);
  ending_worker ending{x.worker};
  failure error;
  if (!g)
    processes_->end(x, done);
  else if (g->end(x, error))
    done(&ending, {});
  else
    done(nullptr, error);
}

void host_bench::kill(const kill_worker& x) {
  auto g = find(x.worker);
  if (!g) {
    processes_->kill(x);
    return;
  }
  g->finish({}, x.why, false);
  guests_.erase(x.worker);
  news_.exited(x.worker, x.session, x.why);
}

void host_bench::clear(const clear_session& x, const answer<session_cleared>& done) {
  processes_->clear(x, done);
}

void host_bench::adopt(const adopt_worker& x, const answer<worker_adopted>& done) {
  processes_->adopt(x, done); // one that lived inside is told gone
}

void host_bench::goodbye(const std::function<void(std::uint32_t ended)>& done) {
  std::uint32_t ended = 0;
  for (auto& [id, g] : std::exchange(guests_, {})) {
    ended += g->over() ? 0 : 1;
    g->finish("host", {}, false);
  }
  processes_->goodbye([done, ended](std::uint32_t more) { done(ended + more); });
}

void host_bench::drop_all() {
  for (auto& [id, g] : std::exchange(guests_, {}))
    g->abandon();
  processes_->drop_all();
}

} // namespace troupe
