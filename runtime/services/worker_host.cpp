// The worker host actor: each message becomes a call on the Asio thread, each answer a thunk back.
#include "runtime/services/worker_host.hpp"

#include <asio/dispatch.hpp>

#include "runtime/services/ask_on_loop.hpp"

namespace troupe {

namespace {

/// Asks the bench; the message goes along uncopied.
template <class Answer, class Message>
caf::result<Answer> ask(real_worker_host::pointer self, asio::io_context& loop, const std::shared_ptr<bench>& workers,
                        Message& x, void (bench::*what)(const Message&, const bench::answer<Answer>&)) {
  return ask_on_loop<Answer, real_worker_host>(
      self, loop, [workers, what, x = std::move(x)](const bench::answer<Answer>& done) { (*workers.*what)(x, done); });
}

} // namespace

real_worker_host::behavior_type make_worker_host(real_worker_host::pointer self, asio::io_context* loop,
                                                 std::shared_ptr<bench> workers) {
  return {
      [=](launch_worker& x) { return ask(self, *loop, workers, x, &bench::launch); },
      [=](assign_worker& x) { return ask(self, *loop, workers, x, &bench::assign); },
      [=](start_worker& x) { asio::dispatch(*loop, [workers, x] { workers->start(x); }); },
      [=](deliver_reply& x) { return ask(self, *loop, workers, x, &bench::deliver); },
      [=](give_answer& x) { return ask(self, *loop, workers, x, &bench::give); },
      [=](end_worker& x) { return ask(self, *loop, workers, x, &bench::end); },
      [=](freeze_worker& x) { return ask(self, *loop, workers, x, &bench::freeze); },
      [=](thaw_worker& x) { asio::dispatch(*loop, [workers, x] { workers->thaw(x); }); },
      [=](renew_worker& x) { return ask(self, *loop, workers, x, &bench::renew); },
      [=](note_work& x) { return ask(self, *loop, workers, x, &bench::note); },
      [=](steer_worker& x) { return ask(self, *loop, workers, x, &bench::steer); },
      [=](kill_worker& x) { asio::dispatch(*loop, [workers, x] { workers->kill(x); }); },
      [=](clear_session& x) { return ask(self, *loop, workers, x, &bench::clear); },
      [=](adopt_worker& x) { return ask(self, *loop, workers, x, &bench::adopt); },
      [=](say_goodbye&) {
        return ask_on_loop<say_goodbye, real_worker_host>(self, *loop, [workers](auto done) {
          workers->goodbye([done](std::uint32_t ended) {
            say_goodbye told{ended};
            done(&told, failure{});
          });
        });
      },
      [](thunk& t) { t.run(); },
  };
}

} // namespace troupe
