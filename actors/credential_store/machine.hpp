// The credential store's machine: absent, valid, looking, refreshing, expired, signed out (CRED). Pure. It hands a
// snapshot to whoever asks, keeps what is held from expiring, and announces each change to those who run with an older
// one.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "messages/session.hpp"

namespace troupe::credential_machine {

constexpr std::int64_t refresh_ahead_ms = 300'000; ///< CRED-2: what expires within five minutes is refreshed first
constexpr std::int64_t retry_least_ms = 5'000;     ///< between refreshes that fail while the old one is valid still
constexpr std::int64_t refused_least_ms = 60'000;  ///< between refreshes of what has not expired

struct absent {};
struct valid {
  snapshot held;
};
struct looking {
  snapshot held;
}; ///< the vault is read again before anybody is answered, so that a login of a moment ago counts (CRED-2, CRED-6)
struct refreshing {
  snapshot held;
}; ///< one refresh in flight; whoever asks waits for it
struct expired {
  std::string why;
};
struct signed_out {};
using phase = std::variant<absent, valid, looking, refreshing, expired, signed_out>;

struct state {
  phase at = absent{};
  std::uint64_t logouts = 0;              ///< what was read of the vault before the last one is not taken
  std::uint64_t flight = 0;               ///< of the refresh that counts; an older one's answer changes nothing
  std::uint64_t epoch = 0;                ///< BEYOND-6: grows with each change of what is held
  std::vector<std::uint64_t> waiting;     ///< tickets of those who wait for the vault or the refresh
  std::uint64_t generation = 0;           ///< of the timer that counts
  bool armed = false;                     ///< it is running
  bool doubted = false;                   ///< an endpoint has turned down what is held, ahead of its time
  wall_ms doubted_at = -refused_least_ms; ///< when it was refreshed for that last
  bool unread = false;                    ///< the last look into the vault failed: it is tried again soon
  std::vector<credential> announced{};    ///< what those who run were told last
};

struct load_asked {}; ///< at the start, and when somebody may have logged in
struct loaded {
  snapshot got;
  std::uint64_t logouts; ///< of the `load`
};                       ///< from the vault; without credentials: nothing is stored
struct not_loaded {
  std::uint64_t logouts; ///< of the `load`
}; ///< the vault could not be read: what it holds is not known, which is not that it holds nothing
struct asked {
  std::uint64_t ticket;
  std::uint64_t refused = 0; ///< the epoch of what an endpoint has turned down; 0: none
};                           ///< a snapshot: for an assignment, or instead of one that is no good any more
struct refreshed {
  snapshot got;
  std::uint64_t flight;
};
struct not_refreshed {
  std::string why;
  std::uint64_t flight;
};
struct logged_out {};
struct due_now {
  std::uint64_t generation;
}; ///< what is held expires within five minutes (CRED-5)
using event_ = std::variant<load_asked, loaded, not_loaded, asked, refreshed, not_refreshed, logged_out, due_now>;

struct give {
  std::uint64_t ticket;
  snapshot what;
}; ///< without credentials: the harness may need none
struct refuse {
  std::uint64_t ticket;
  std::string why;
};
struct load {
  std::uint64_t logouts;
}; ///< read the vault
struct refresh {
  std::uint64_t flight;
  bool refused = false; ///< though it has not expired
};
struct announce {
  snapshot what;
}; ///< to those who run with an older one; without credentials: they drop what they hold (CRED-5, CRED-6)
struct arm {
  std::int64_t ms;
  std::uint64_t generation;
};
using effect = std::variant<load, give, refuse, refresh, announce, arm>;

struct step {
  state to;
  std::vector<effect> effects;
};

step next(state from, const event_& e, wall_ms now);

} // namespace troupe::credential_machine
