// The vault on the real system: what `troupe login` has stored, what the user's helper command prints, and the key
// variables of the shell that started the background service, in this order (CRED-1). It writes nothing itself:
// whatever spends a refresh token or changes the store is done by troupe-credentials, under a lock that other processes
// take too.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "messages/json.hpp"
#include "runtime/files/credential_file.hpp"
#include "runtime/io/program_answer.hpp"
#include "runtime/services/thunk.hpp"

namespace troupe {

struct vault_setup {
  paths where;
  environment shell;              ///< that the background service was started with
  std::string program;            ///< troupe-credentials
  std::function<json()> settings; ///< the user's, read anew
  std::function<void(const std::string&)> log;
  std::function<wall_ms()> now;
};

/// On the Asio thread.
class credential_vault {
public:
  template <class T>
  using answer = std::function<void(const T*, const failure&)>; ///< null: the failure holds
  credential_vault(asio::io_context& loop, reaper& children, vault_setup setup);
  /// Calls `changed` when the store may be another one: a login or a logout by any process (CRED-6).
  void watch(std::function<void()> changed);
  void load(answer<snapshot> done);
  /// `refused`: an endpoint has turned down what is held, which has not expired.
  void refresh(bool refused, answer<snapshot> done);
  void clear(answer<signed_out> done);
  [[nodiscard]] accounts list() const;

private:
  struct helper {
    std::string command, variable;
    std::int64_t ttl_ms;
  };
  [[nodiscard]] std::optional<helper> helper_of(const json& settings) const;
  [[nodiscard]] stored_credentials stored(failure& error) const;
  void ask_helper(const helper& h, const answer<snapshot>& done);
  void next_load();
  void put_together(const answer<snapshot>& done);
  void run(std::vector<std::string> arguments, std::function<void(const program_answer&)> done);
  void listen();
  void complain(const std::string& why);

  asio::io_context& loop_;
  reaper& children_;
  vault_setup setup_;
  environment keys_;                   ///< of the shell, in memory alone
  std::deque<answer<snapshot>> loads_; ///< one at a time, in order: a later answer never holds an older state
  std::string helper_key_, helper_fault_;
  std::string helper_asked_;    ///< the command that `helper_key_` is of
  bool helper_refused_ = false; ///< what it gave was turned down: it is asked anew
  wall_ms helper_at_ = 0;
  std::string secrets_of_, secrets_; ///< the secret service's text, and the index that it was read for
  std::string complained_;
  std::unique_ptr<asio::posix::stream_descriptor> folder_;
  std::function<void()> changed_;
  std::array<char, 4096> notices_{};
};

using real_vault = vault_actor::extend<caf::reacts_to<thunk>>;
real_vault::behavior_type make_vault(real_vault::pointer self, asio::io_context* loop,
                                     std::shared_ptr<credential_vault> behind);

} // namespace troupe
