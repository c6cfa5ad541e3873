// What wakes a session: prompts of its own, from monitors and from subagents in the background. The client is asked to
// send each as a prompt, so that a host which keeps transcripts keeps it; one that does not know how is told by a turn
// of the session's own. One is under way at a time, and what comes meanwhile goes together.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/agent/json_rpc.hpp"

namespace troupe::agent {

constexpr std::size_t wake_bytes = 32 * 1024; ///< of text that waits; more is dropped and counted

class wakes {
public:
  /// `resting`: whether no turn runs. `begin`: starts a turn with this text, of the session's own accord.
  wakes(json_rpc& client, std::string session, std::function<bool()> resting,
        std::function<void(const std::string&)> begin)
      : client_(client), session_(std::move(session)), resting_(std::move(resting)), begin_(std::move(begin)) {}
  void add(std::string text);
  /// A prompt has come, or a turn has ended.
  void prompted() { under_way_ = false; }
  void go_on();
  /// Nothing is told any more.
  void close() { closed_ = true; }

private:
  json_rpc& client_;
  std::string session_;
  std::function<bool()> resting_;
  std::function<void(const std::string&)> begin_;
  std::string waiting_;
  std::size_t dropped_ = 0;
  bool under_way_ = false, closed_ = false;
  std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
};

} // namespace troupe::agent
