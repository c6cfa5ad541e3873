// Everybody who uses the supervisor: what they ask, what they were told, and what they repeat after a lost answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/incarnation.hpp"
#include "tests/simulation/tape.hpp"

namespace troupe::simulation {

/// One request of a front end.
struct asked {
  operation what = operation::last;
  session_id session;
  std::string key, text;
  std::int64_t at = 0;       ///< on the clock that does not jump
  std::int64_t patience = 0; ///< milliseconds until it must have been answered
  bool over = false;         ///< answered, refused or lost
  bool granted = false, lost = false;
  failure error;
};

class people {
public:
  explicit people(world& around) : around_(around) {}
  /// Does one thing. `how` chooses whom it is about and how. Nothing happens where nothing fits.
  void act(operation what, std::uint32_t how, incarnation& at);
  /// The supervisor is gone: whoever waited for an answer never gets it.
  void lose_all();
  /// Says which request has waited for too long; empty: none.
  void check_patience();
  [[nodiscard]] std::size_t waiting() const;

  // Each for scenarios that steer by hand; act() draws their arguments. They give the request's place in `requests`.
  std::size_t dispatch_new(incarnation& at, bool job);
  std::size_t dispatch_with(incarnation& at, const std::string& key, bool job);
  std::size_t reply(incarnation& at, const session_id& id, const std::string& key);
  std::size_t answer(incarnation& at, const session_id& id, const std::string& question);
  std::size_t stop(incarnation& at, const session_id& id);
  std::size_t remove(incarnation& at, const session_id& id, bool force = false);
  std::size_t respawn(incarnation& at, const session_id& id);
  std::size_t rename(incarnation& at, const session_id& id);
  std::size_t pin(incarnation& at, const session_id& id, bool pinned);
  std::size_t declare(incarnation& at, const session_id& id, bool begins);
  std::size_t place(incarnation& at, const session_id& id, bool wake);
  std::size_t stop_supervisor(incarnation& at, bool keep_workers);
  void attach(const session_id& id);

  std::vector<asked> requests;
  std::uint32_t connected = 1;

private:
  template <class Answer, class Message>
  std::size_t ask(incarnation& at, asked who, Message m, std::chrono::seconds patience,
                  std::function<void(asked&, const Answer&)> granted = {});
  void again(operation first, std::uint32_t how, incarnation& at);
  void about_session(operation what, std::uint32_t how, incarnation& at);
  void about_worker(operation what, std::uint32_t how);
  std::optional<session_id> some_session(std::uint32_t how, incarnation& at) const;
  world& around_;
  std::uint32_t keys_ = 0;
};

} // namespace troupe::simulation
