// One connection between a supervisor and a worker: two queues, each in order, and two ends that close.
#pragma once

#include <deque>
#include <memory>
#include <variant>

#include "messages/errors.hpp"
#include "messages/requests.hpp"

namespace troupe::simulation {

struct say_hello {
  std::uint64_t epoch = 0, since = 0;
};

/// A request (ticket not 0) or a notification to the worker.
struct to_worker {
  std::uint64_t ticket = 0;
  std::variant<say_hello, assign_worker, start_worker, deliver_reply, give_answer, freeze_worker, thaw_worker,
               renew_worker, note_work, end_worker, say_goodbye>
      what;
};

using worker_answer = std::variant<failure, receipt, reply_taken, answer_taken, worker_frozen, worker_renewed,
                                   work_declared, ending_worker, worker_adopted>;

/// An answer, or a notification, to the supervisor.
struct answered {
  std::uint64_t ticket = 0;
  worker_answer what;
};
using to_host = std::variant<answered, worker_ready, event, worker_output>;

struct link {
  std::uint64_t epoch = 0; ///< whose it is
  std::deque<to_worker> down;
  std::deque<to_host> up;
  bool host_closed = false, worker_closed = false;
};

using link_ptr = std::shared_ptr<link>;

} // namespace troupe::simulation
