// A request to an actor whose work is done on the Asio thread.
#pragma once

#include <functional>
#include <utility>

#include <asio/dispatch.hpp>
#include <asio/io_context.hpp>

#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

#include "runtime/services/thunk.hpp"

namespace troupe {

/// Runs `call(done)` on the thread of `loop`. `done(got, error)`, called once and there, answers the request that
/// `self` is handling, in `self`'s own context; `got` is null where there is only the error. `Actor`: the type of
/// `self`, which runs thunks.
template <class Answer, class Actor, class Call>
caf::result<Answer> ask_on_loop(typename Actor::pointer self, asio::io_context& loop, Call call) {
  auto promise = self->template make_response_promise<Answer>();
  auto handle = caf::actor_cast<Actor>(self->ctrl());
  asio::dispatch(loop, [promise, handle, call = std::move(call)] {
    call([promise, handle](const Answer* got, const failure& error) {
      auto reply = got ? std::function<void()>([promise, value = *got]() mutable { promise.deliver(std::move(value)); })
                       : std::function<void()>(
                             [promise, error]() mutable { promise.deliver(make_error(error.code, error.text)); });
      caf::anon_send(handle, thunk{std::move(reply)});
    });
  });
  return promise;
}

} // namespace troupe
