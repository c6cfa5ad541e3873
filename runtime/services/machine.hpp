// The machine on the real system: an actor in front of what the kernel says.
#pragma once

#include <memory>

#include <asio/io_context.hpp>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "runtime/services/machine_watch.hpp"
#include "runtime/services/thunk.hpp"

namespace troupe {

/// `thunk` brings the watch's answers back into the actor. `tell` is called on the loop's thread.
using real_machine = machine_actor::extend<caf::reacts_to<thunk>>;
real_machine::behavior_type make_machine(real_machine::pointer self, asio::io_context* loop,
                                         std::shared_ptr<machine_watch> watch, machine_watch::news tell);

} // namespace troupe
