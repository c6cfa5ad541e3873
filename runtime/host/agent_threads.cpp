// Threads for agents' calls.
#include "runtime/host/agent_threads.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace troupe {

namespace {
constexpr auto linger = std::chrono::seconds(1); ///< how long an idle thread waits for the next call
} // namespace

class agent_threads::strand {
public:
  explicit strand(std::string session) : of(std::move(session)) {}
  const std::string of;
  std::deque<std::function<void()>> calls; ///< under the state's mutex, as all below
  bool runs = false;                       ///< queued, or a call of it is under way
};

struct agent_threads::state {
  std::mutex mutex;
  std::condition_variable work, gone;
  std::deque<std::shared_ptr<strand>> ready;
  std::size_t threads = 0, idle = 0, begun = 0; ///< `begun`: calls posted and not returned
  bool closed = false;
};

namespace {
/// Whose call this thread is in.
thread_local std::pair<const void*, const std::string*> now_in{nullptr, nullptr};
} // namespace

agent_threads::agent_threads() : state_(std::make_shared<state>()) {}

agent_threads::~agent_threads() {
  close(std::chrono::milliseconds(0));
}

std::shared_ptr<agent_threads::strand> agent_threads::make_strand(std::string session) {
  return std::make_shared<strand>(std::move(session));
}

void agent_threads::post(const std::shared_ptr<strand>& where, std::function<void()> call) {
  std::lock_guard guard(state_->mutex);
  if (state_->closed)
    return;
  where->calls.push_back(std::move(call));
  ++state_->begun;
  if (!std::exchange(where->runs, true))
    enqueue(where);
}

void agent_threads::post_beside(const std::shared_ptr<strand>& where, std::function<void()> call) {
  post(std::make_shared<strand>(where->of), std::move(call));
}

void agent_threads::enqueue(std::shared_ptr<strand> where) {
  auto& s = *state_;
  s.ready.push_back(std::move(where));
  if (s.idle >= s.ready.size()) {
    s.work.notify_one();
    return;
  }
  ++s.threads;
  std::thread([keep = state_] { run(keep); }).detach();
}

void agent_threads::run(const std::shared_ptr<state>& s) {
  std::unique_lock guard(s->mutex);
  for (;;) {
    ++s->idle;
    bool some = s->work.wait_for(guard, linger, [&] { return !s->ready.empty() || (s->closed && s->begun == 0); });
    --s->idle;
    if (!some || s->ready.empty())
      break;
    auto at = std::move(s->ready.front());
    s->ready.pop_front();
    auto call = std::move(at->calls.front());
    at->calls.pop_front();
    guard.unlock();
    now_in = {s.get(), &at->of};
    call();
    call = nullptr; // what it held is let go before it counts as returned
    now_in = {nullptr, nullptr};
    guard.lock();
    at->runs = !at->calls.empty();
    if (at->runs)
      s->ready.push_back(std::move(at));
    if (--s->begun == 0 && s->closed)
      s->work.notify_all();
  }
  --s->threads;
  s->gone.notify_all();
}

bool agent_threads::close(std::chrono::milliseconds deadline) {
  std::unique_lock guard(state_->mutex);
  state_->closed = true;
  state_->work.notify_all();
  return state_->gone.wait_for(guard, deadline, [&] { return state_->threads == 0; });
}

bool agent_threads::inside(std::string& session) const {
  if (now_in.first != state_.get())
    return false;
  session = *now_in.second;
  return true;
}

} // namespace troupe
