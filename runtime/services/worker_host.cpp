// The worker host actor: each message becomes a call on the Asio thread, each answer a thunk back.
#include "runtime/services/worker_host.hpp"

#include <asio/dispatch.hpp>

#include "caf/send.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

namespace {

/// Runs `call(bench, answer)` on the loop; the answer is delivered from the actor's own context.
template <class Answer, class Message, class Call>
caf::result<Answer> ask(real_worker_host::pointer self, asio::io_context& loop, const std::shared_ptr<bench>& workers,
                        Message& x, Call call) {
  auto promise = self->template make_response_promise<Answer>();
  auto handle = caf::actor_cast<real_worker_host>(self->ctrl());
  asio::dispatch(loop, [promise, handle, workers, x = std::move(x), call] {
    call(*workers, x, [promise, handle](const Answer* got, const failure& error) {
      auto reply = got ? std::function<void()>([promise, value = *got]() mutable { promise.deliver(std::move(value)); })
                       : std::function<void()>(
                             [promise, error]() mutable { promise.deliver(make_error(error.code, error.text)); });
      caf::anon_send(handle, thunk{std::move(reply)});
    });
  });
  return promise;
}

} // namespace

real_worker_host::behavior_type make_worker_host(real_worker_host::pointer self, asio::io_context* loop,
                                                 std::shared_ptr<bench> workers) {
  return {
      [=](launch_worker& x) {
        return ask<worker_address>(self, *loop, workers, x,
                                   [](bench& b, const launch_worker& m, auto done) { b.launch(m, done); });
      },
      [=](assign_worker& x) {
        return ask<receipt>(self, *loop, workers, x,
                            [](bench& b, const assign_worker& m, auto done) { b.assign(m, done); });
      },
      [=](start_worker& x) { asio::dispatch(*loop, [workers, x] { workers->start(x); }); },
      [=](deliver_reply& x) {
        return ask<reply_taken>(self, *loop, workers, x,
                                [](bench& b, const deliver_reply& m, auto done) { b.deliver(m, done); });
      },
      [=](give_answer& x) {
        return ask<answer_taken>(self, *loop, workers, x,
                                 [](bench& b, const give_answer& m, auto done) { b.give(m, done); });
      },
      [=](end_worker& x) {
        return ask<ending_worker>(self, *loop, workers, x,
                                  [](bench& b, const end_worker& m, auto done) { b.end(m, done); });
      },
      [=](freeze_worker& x) {
        return ask<worker_frozen>(self, *loop, workers, x,
                                  [](bench& b, const freeze_worker& m, auto done) { b.freeze(m, done); });
      },
      [=](thaw_worker& x) { asio::dispatch(*loop, [workers, x] { workers->thaw(x); }); },
      [=](renew_worker& x) {
        return ask<worker_renewed>(self, *loop, workers, x,
                                   [](bench& b, const renew_worker& m, auto done) { b.renew(m, done); });
      },
      [=](note_work& x) {
        return ask<work_declared>(self, *loop, workers, x,
                                  [](bench& b, const note_work& m, auto done) { b.note(m, done); });
      },
      [=](steer_worker& x) {
        return ask<steered>(self, *loop, workers, x,
                            [](bench& b, const steer_worker& m, auto done) { b.steer(m, done); });
      },
      [=](kill_worker& x) { asio::dispatch(*loop, [workers, x] { workers->kill(x); }); },
      [=](clear_session& x) {
        return ask<session_cleared>(self, *loop, workers, x,
                                    [](bench& b, const clear_session& m, auto done) { b.clear(m, done); });
      },
      [=](adopt_worker& x) {
        return ask<worker_adopted>(self, *loop, workers, x,
                                   [](bench& b, const adopt_worker& m, auto done) { b.adopt(m, done); });
      },
      [=](say_goodbye& x) {
        return ask<say_goodbye>(self, *loop, workers, x, [](bench& b, const say_goodbye&, auto done) {
          b.goodbye([done](std::uint32_t ended) {
            say_goodbye told{ended};
            done(&told, failure{});
          });
        });
      },
      [](thunk& t) { t.run(); },
  };
}

} // namespace troupe
