// Which pull request is asked about next, and when (PR-1): one at a time, for people who look, each once however many
// sessions work on it, seldom where it is settled, and ever less often where `gh` cannot tell. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "messages/session.hpp"

namespace troupe::pull_watch {

struct policy {
  std::int64_t every_ms = 0;            ///< pullRequests.refreshSeconds; 0: nothing is ever asked
  std::int64_t settled_ms = 86'400'000; ///< the same for one that is merged or closed
  std::int64_t gap_ms = 2'000;          ///< between an answer and the next question
  std::int64_t pause_ms = 30'000;       ///< behind a first failure; doubled with each in a row
  std::int64_t longest_pause_ms = 900'000;
  std::int64_t longest_ms = 3'600'000; ///< what a pull request's own distance grows to, where it fails each time
};

struct unwatched {}; ///< nobody looks
struct watching {};  ///< the next one's time is awaited, if there is any
struct asking {
  std::string url;
  session_id who;
}; ///< one answer is awaited, whether or not somebody still looks
using phase = std::variant<unwatched, watching, asking>;

/// One pull request, whoever works on it.
struct known {
  std::vector<session_id> by; ///< the first is asked next
  std::string state;
  wall_ms asked_at = 0; ///< or told by a worker; 0: never
  std::uint32_t failures = 0;
};

struct state {
  phase at = unwatched{};
  bool watched = false;
  std::map<std::string, known> all; ///< by address
  std::map<session_id, std::vector<pull_request>> rows;
  wall_ms answered_at = 0;
  std::uint32_t failures = 0; ///< in a row
  std::uint64_t generation = 0;
};

struct watched_by {
  std::uint32_t count;
};
struct row_now {
  session_id id;
  std::vector<pull_request> pulls; ///< none: of a session that is gone, too
};
struct told {
  std::string url, state;
};
struct failed {
  std::string url;
  bool ran; ///< else nobody was asked: the session wants none of it, or is gone
};
struct due {
  std::uint64_t generation;
};
using event_ = std::variant<watched_by, row_now, told, failed, due>;

struct ask {
  session_id who;
  std::string url;
}; ///< `told` or `failed` follows
struct tell {
  session_id who;
  pull_request now;
};
struct arm {
  std::int64_t ms;
  std::uint64_t generation;
};
using effect = std::variant<ask, tell, arm>;

struct step {
  state to;
  std::vector<effect> effects;
};

step next(state from, const event_& e, wall_ms now, const policy& p);

/// Whether `now` tells of a session's pull requests what is not known yet.
bool is_news(const state& s, const row& now);

} // namespace troupe::pull_watch
