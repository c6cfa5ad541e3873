// What is peculiar to CAF 0.17, in one place: errors, the configuration, and requests with a deadline.
#pragma once

#include <chrono>
#include <string>

#include "caf/actor_system_config.hpp"
#include "caf/atom.hpp"
#include "caf/error.hpp"
#include "caf/make_message.hpp"

#include "actors/type_ids.hpp"
#include "messages/errors.hpp"

namespace troupe {

/// An error with its text: what failed, and behind a newline what to do next.
inline caf::error make_error(errc code, const std::string& text) {
  return caf::error{static_cast<std::uint8_t>(code), caf::atom("troupe"), caf::make_message(text)};
}

/// The same back. CAF's own errors (a timeout, a dead receiver) get a code and a text of ours.
failure failure_of(const caf::error& e);

/// Every request has one of these deadlines; nothing waits for ever.
namespace deadline {
constexpr std::chrono::seconds local{10};    ///< between actors of one process
constexpr std::chrono::seconds claim{20};    ///< longer than a launch, so that no worker is given to nobody
constexpr std::chrono::seconds worker{10};   ///< a worker's answer
constexpr std::chrono::seconds steering{20}; ///< longer than a worker waits for what its agent says to a change
constexpr std::chrono::seconds warm{2};      ///< a spare's answer to an assignment (POOL-6)
constexpr std::chrono::seconds dispatch{70};
constexpr std::chrono::seconds ending{40};
constexpr std::chrono::seconds repository{60}; ///< git in a large worktree, and the removal of one
constexpr std::chrono::seconds removing{100};  ///< an end, and that
} // namespace deadline

/// The configuration that every actor system of ours has: message types, few threads, no busy waiting.
struct actor_config : caf::actor_system_config {
  actor_config();
};

} // namespace troupe
