// The agent view put together: one loop, on which the actor, its terminal and its connection to the supervisor live.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include <asio/io_context.hpp>

#include "actors/agent_view/agent_view.hpp"
#include "cli/view/stage.hpp"
#include "cli/view/supervisor_link.hpp"
#include "cli/view/view_settings.hpp"
#include "runtime/host/loop_scheduler.hpp"

namespace troupe {

struct view_setup {
  paths where;
  view::config config;
  view_settings settings;
  std::string client; ///< the program `troupe`: attaches, signs in, guards
};

/// The configuration of the view's actor system.
struct view_system_config : loop_config {
  view_system_config() { add_message_types<caf::id_block::troupe_view>(); }
};

class view_program {
public:
  explicit view_program(view_setup setup);
  ~view_program();
  /// Until it is left; the exit status.
  int run();

  // For the port.
  void take(view_wants wants);
  void show(const screen_told& told);
  std::function<void()> ask_screen; ///< set by the port: the answer comes to `show`
  void screen_failed() { stage_.nothing_to_show(); }

private:
  using clock = std::chrono::steady_clock;
  void event(view::event e);
  void speak_of(const view::event& e);
  void carry_out(const view::intent& wanted);
  void outcome(std::uint64_t token, bool good, std::string text);
  void ask(const view::intent& wanted, const std::string& method, json params,
           std::function<std::string(const json&)> text = {});
  void ask_keyed(const view::intent& wanted, const std::string& method, json params,
                 std::function<std::string(const json&)> text, std::function<void()> not_trusted = {});
  void ask_about_trust(const view::intent& wanted);
  void dispatch(const view::intent& wanted);
  void look(const view::intent& wanted);
  void ask_past(std::uint64_t token);
  void run_attach(const view::intent& wanted);
  void run_login(const view::intent& wanted);
  void run_editor(const view::intent& wanted);
  void supervisor_is_there();
  void ask_accounts();

  view_setup setup_;
  asio::io_context loop_;
  view_system_config config_;
  caf::actor_system system_;
  stage stage_;
  std::optional<supervisor_link> link_;
  agent_view_actor view_;
  view_port_actor port_;
  std::vector<view::event> events_;
  bool roster_came_ = false;                  ///< and is not drawn yet
  std::map<std::string, std::string> spoken_; ///< what was last said of a session, for those who hear it
};

} // namespace troupe
