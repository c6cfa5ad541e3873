// The machine actor: each message becomes a call on the Asio thread, each answer a thunk back.
#include "runtime/services/machine.hpp"

#include <asio/post.hpp>

#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

real_machine::behavior_type make_machine(real_machine::pointer self, asio::io_context* loop,
                                         std::shared_ptr<machine_watch> watch, machine_watch::news tell) {
  return {
      [=](watch_machine&) { asio::post(*loop, [watch, tell] { watch->listen(tell); }); },
      [=](memory_asked&) -> caf::result<memory_state> {
        auto promise = self->make_response_promise<memory_state>();
        auto handle = caf::actor_cast<real_machine>(self->ctrl());
        asio::post(*loop, [watch, promise, handle] {
          watch->look([promise, handle](const memory_state& now) {
            caf::anon_send(handle, thunk{[promise, now]() mutable { promise.deliver(now); }});
          });
        });
        return promise;
      },
      [](thunk& t) { t.run(); },
  };
}

} // namespace troupe
