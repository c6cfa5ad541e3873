// One after another.
#include "runtime/agent/wakes.hpp"

#include <utility>

namespace troupe::agent {

void wakes::add(std::string text) {
  if (waiting_.size() + text.size() > wake_bytes && !waiting_.empty())
    ++dropped_;
  else
    waiting_ += (waiting_.empty() ? "" : "\n") + std::move(text);
  go_on();
}

void wakes::go_on() {
  if (waiting_.empty() || under_way_ || closed_ || !resting_())
    return;
  under_way_ = true;
  auto text = std::exchange(waiting_, {});
  if (const auto dropped = std::exchange(dropped_, 0); dropped > 0)
    text += "\n[... and " + std::to_string(dropped) + " more such messages]";
  client_.request("_troupe/wake", {{"sessionId", session_}, {"text", text}},
                  [this, text, life = std::weak_ptr<bool>(life_)](const json* result) {
                    if (life.expired() || closed_ || result != nullptr)
                      return;
                    under_way_ = false;
                    if (resting_())
                      return begin_(text);
                    waiting_ = text + (waiting_.empty() ? "" : "\n") + waiting_;
                  });
}

} // namespace troupe::agent
