// Actors on Asio's thread.
#include "runtime/host/loop_scheduler.hpp"

#include <algorithm>

#include <asio/post.hpp>

#include "caf/resumable.hpp"

namespace troupe {

namespace {

constexpr std::size_t most_in_a_turn = 50; ///< actors; then sockets have their turn

} // namespace

void loop_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) {
  sets([&] { super::set_ordinary_timeout(t, self, type, id); });
}

void loop_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) {
  sets([&] { super::set_multi_timeout(t, self, type, id); });
}

void loop_clock::set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) {
  sets([&] {
    requests_.push_back({t, caf::strong_actor_ptr{self->ctrl()}, id});
    std::push_heap(requests_.begin(), requests_.end());
  });
}

void loop_clock::schedule_message(time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) {
  sets([&] { super::schedule_message(t, std::move(receiver), std::move(content)); });
}

void loop_clock::schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender, caf::message content) {
  sets([&] { super::schedule_message(t, std::move(target), std::move(sender), std::move(content)); });
}

void loop_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  locked([&] { super::cancel_ordinary_timeout(self, type); });
}

void loop_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  request dropped; // see `cancel_all`
  locked([&] {
    auto at = std::find_if(requests_.begin(), requests_.end(),
                           [&](const request& r) { return r.id == id && r.by.get() == self->ctrl(); });
    if (at == requests_.end())
      return;
    dropped = std::move(*at);
    requests_.erase(at);
    std::make_heap(requests_.begin(), requests_.end());
  });
}

void loop_clock::cancel_timeouts(caf::abstract_actor* self) {
  locked([&] { super::cancel_timeouts(self); });
}

void loop_clock::cancel_all() {
  std::vector<request> dropped; // actors may end with them, which set and cancel timers in turn
  locked([&] {
    super::cancel_all();
    dropped.swap(requests_);
  });
}

void loop_clock::fire() {
  locked([this] {
    trigger_expired_timeouts();
    for (auto now = this->now(); !requests_.empty() && requests_.front().due <= now;) {
      std::pop_heap(requests_.begin(), requests_.end());
      auto late = std::move(requests_.back());
      requests_.pop_back();
      late.by->get()->eq_impl(late.id, late.by, nullptr, caf::make_error(caf::sec::request_timeout));
    }
  });
}

std::optional<loop_clock::time_point> loop_clock::next() {
  std::lock_guard guard(mutex_);
  auto first = schedule().empty() ? time_point::max() : schedule().begin()->first;
  if (!requests_.empty())
    first = std::min(first, requests_.front().due);
  return first == time_point::max() ? std::nullopt : std::optional(first);
}

loop_scheduler::loop_scheduler(caf::actor_system& system) : abstract_coordinator(system), unit_(*this, system) {}

loop_scheduler::~loop_scheduler() = default;

void loop_scheduler::start() {} // CAF would start its printer here, which has a thread of its own

void loop_scheduler::enter(asio::io_context& loop) {
  loop_ = &loop;
  timer_.emplace(loop);
  asio::post(loop, [this] { turn(); });
}

void loop_scheduler::leave() {
  while (run(most_in_a_turn) > 0) {
  }
  timer_.reset();
  std::lock_guard guard(mutex_);
  wanted_ = true;
}

/// What CAF's own actors still have to do when the system ends.
void loop_scheduler::stop() {
  do
    clock_.cancel_all();
  while (run(most_in_a_turn) > 0);
}

void loop_scheduler::enqueue(caf::resumable* what) {
  {
    std::lock_guard guard(mutex_);
    arrived_.push_back(what);
  }
  want_turn();
}

void loop_scheduler::want_turn() {
  std::lock_guard guard(mutex_);
  if (!std::exchange(wanted_, true))
    asio::post(*loop_, [this] { turn(); });
}

/// What another thread brings between the last look of `run` and here has asked for no turn, since one was on its way;
/// so it gets one. Timers are looked at after `wanted_` is cleared: one that another thread sets meanwhile is seen here
/// or asks for a turn of its own.
void loop_scheduler::turn() {
  auto n = run(most_in_a_turn);
  {
    std::lock_guard guard(mutex_);
    wanted_ = n == most_in_a_turn || !arrived_.empty();
    if (wanted_)
      asio::post(*loop_, [this] { turn(); });
  }
  arm();
}

/// Runs actors until `most` had their turn or none wants one; gives how many had.
std::size_t loop_scheduler::run(std::size_t most) {
  for (std::size_t n = 0;; ++n) {
    if (next_ == ready_.size()) {
      ready_.clear();
      next_ = 0;
      std::lock_guard guard(mutex_);
      std::swap(ready_, arrived_);
    }
    if (n == most || ready_.empty())
      return n;
    auto* job = ready_[next_++];
    auto result = job->resume(&unit_, max_throughput());
    if (result == caf::resumable::resume_later)
      ready_.push_back(job);
    else
      job->intrusive_ptr_release_impl();
  }
}

/// A timer that was cancelled is left to ring for nothing: most requests are answered, and few timers are set anew.
void loop_scheduler::arm() {
  auto due = clock_.next();
  if (!due || (armed_ && *armed_ <= *due))
    return;
  armed_ = due;
  timer_->expires_at(*due);
  timer_->async_wait([this](const std::error_code& stopped) {
    if (stopped)
      return;
    armed_.reset();
    clock_.fire();
    want_turn();
  });
}

} // namespace troupe
