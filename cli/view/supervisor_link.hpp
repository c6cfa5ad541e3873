// The view's connection to the supervisor: subscribed, and made again by itself when it is lost. All on the loop's
// thread; starting a supervisor, which may take a while, has a thread of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "actors/agent_view/machine.hpp"
#include "messages/json.hpp"
#include "runtime/files/paths.hpp"
#include "runtime/io/line_channel.hpp"

namespace troupe {

class supervisor_link {
public:
  using answer = rpc_peer::answer;
  struct callbacks {
    std::function<void(view::event)> event; ///< connected, disconnected, changed, removed
    std::function<void()> live;             ///< subscribed: other things may be asked for
  };
  supervisor_link(asio::io_context& loop, paths where, std::string command, callbacks cb);
  ~supervisor_link();
  /// Connects, and starts the supervisor where there is none.
  void open();
  /// Asks. `done` is called once, with errc::worker_gone where there is no connection. While one is being made the
  /// request waits for it.
  void ask(const std::string& method, json params, answer done);
  /// The same for a request that carries a key: for a minute it is asked again as it is when the connection was lost,
  /// or the supervisor left, before the answer came (SUP-11).
  void ask_keyed(const std::string& method, json params, answer done);
  void close();

private:
  void ask_until(std::chrono::steady_clock::time_point end, const std::string& method, json params, answer done);
  struct shared; ///< outlives the link while a thread starts the supervisor
  void try_connect();
  void start_supervisor();
  void greet(int fd);
  void subscribe();
  void take(const std::string& method, json params);
  void lost(const std::string& why);
  void retry(int ms);
  asio::io_context& loop_;
  paths where_;
  std::string command_;
  callbacks cb_;
  asio::steady_timer timer_;
  std::shared_ptr<rpc_peer> peer_;
  std::shared_ptr<shared> shared_;
  struct waiting {
    std::string method;
    json params;
    answer done;
  };
  std::vector<waiting> queue_; ///< until the connection is there
  bool starting_ = false, told_lost_ = false, closed_ = false, left_ = false;
  int failures_ = 0;
};

} // namespace troupe
