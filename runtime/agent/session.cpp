// A session between its turns.
#include "runtime/agent/session.hpp"

#include <cerrno>
#include <cstring>

#include "runtime/agent/session_updates.hpp"

namespace troupe::agent {

session::session(event_loop& events, json_rpc& client, session_setup setup, std::unique_ptr<conversation> talk,
                 std::function<void(int)> exit)
    : events_(events), client_(client), setup_(std::move(setup)), talk_(std::move(talk)),
      model_(make_provider(events, setup_)), exit_(std::move(exit)),
      shells_(events, setup_.folder + "/shells", setup_.id, [this] { announce_background(); }) {}

void session::announce_background() {
  client_.notify("_troupe/background", {{"sessionId", setup_.id}, {"running", shells_.running()}});
}

bool session::prompt(const std::string& text, std::function<void(const turn_end&)> ended, std::string& error) {
  if (turn_) {
    error = "a turn is running in this session: wait for its end or cancel it";
    return false;
  }
  message said{message::role::user, {{piece::kind::text, text, {}, {}, {}}}, {}, {}, {}, {}, false};
  if (!talk_->append(std::move(said))) {
    error = std::string("cannot save the conversation: ") + std::strerror(errno);
    return false;
  }
  turn_parts parts{events_, client_, *talk_, *model_, shells_, setup_.env, setup_.cwd, exit_};
  turn_ = std::make_unique<turn>(parts, [this, ended = std::move(ended)](const turn_end& how) {
    turn_.reset();
    ended(how);
    if (const auto next = std::exchange(at_rest_, nullptr))
      next();
  });
  turn_->start();
  return true;
}

void session::cancel() {
  if (turn_)
    turn_->cancel();
}

void session::replay() {
  agent::replay(client_, *talk_, setup_.cwd, setup_.env);
}

std::vector<process_row> session::kept() const {
  return setup_.keeps_shells && !closed_ ? shells_.trees() : std::vector<process_row>();
}

void session::end(event_loop::task done, bool abandoned) {
  closed_ = closed_ || !abandoned;
  auto shells = [this, done = std::move(done)] {
    if (!closed_ && setup_.keeps_shells)
      events_.defer(done);
    else
      shells_.end_all(done);
  };
  if (!turn_)
    return shells();
  at_rest_ = std::move(shells);
  turn_->cancel();
}

} // namespace troupe::agent
